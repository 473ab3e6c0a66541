"""Every few minutes: overdue tubes (F8) and shares beyond chance (F14) become findings."""

import datetime as dt
from collections import defaultdict

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import clock
from portal.actors import Actor
from portal.jobs import kinds
from portal.pools import shares as pool_shares
from portal.pools import watch
from portal.results.models import LabResult, LabRun
from portal.results.rules import ResultStatus
from portal.samples.models import Tube
from portal.samples.rules import Outcome

EVERY_SECONDS = 180


def look(session: Session, actor: Actor) -> dict[str, int]:
    """Keeps the findings that no single release shows; says what changed."""
    at = clock.now()
    late = watch.note_overdue(session, actor, at=at)
    shares = pool_shares.note_shares(session, actor, at=at, racks_of=racks_of)
    return {
        "overdue_opened": late["opened"],
        "overdue_ended": late["gone"],
        "shares_opened": shares["opened"],
        "shares_ended": shares["gone"],
    }


def racks_of(session: Session, campaign_id: int, at: dt.datetime) -> dict[int, pool_shares.Rack]:
    """The runs in which the counted tubes of a campaign were read, by their number.

    A tube that was tested twice counts in both runs with what was read there.
    """
    is_positive = LabResult.outcome == Outcome.POSITIVE
    cells = (LabRun.id, LabRun.code, LabRun.laboratory_id, Tube.sample_count, is_positive)
    rows = session.execute(
        sa.select(*cells, sa.func.count(LabResult.id))
        .join(LabResult, LabResult.run_id == LabRun.id)
        .join(Tube, Tube.id == LabResult.tube_id)
        .where(
            *pool_shares.counted_tubes(campaign_id, at),
            LabResult.status == ResultStatus.RELEASED,
            LabResult.outcome.in_([Outcome.NEGATIVE, Outcome.POSITIVE]),
        )
        .group_by(*cells)
    )
    counts: dict[int, dict[tuple[int, bool], int]] = defaultdict(dict)
    named: dict[int, tuple[str, int]] = {}
    for run_id, code, laboratory_id, size, positive, count in rows:
        named[run_id] = (code, laboratory_id)
        counts[run_id][size, bool(positive)] = count
    return {key: pool_shares.Rack(*named[key], counts[key]) for key in named}


kinds.repeat("pools.watch", EVERY_SECONDS, look)
