"""F14: the positive share of a team, a laboratory or a rack that chance does not explain."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import core_rs
from portal.actors import Actor
from portal.campaigns.models import Campaign
from portal.campaigns.rules import CampaignStatus
from portal.db import across_sites
from portal.pools.models import Finding
from portal.pools.watch import end
from portal.samples.models import Sample, Tube
from portal.samples.rules import Outcome, TubeStatus

F = Finding.__table__

# Chance under which a share is no chance (pooling.md 6, F14), and how many positives it takes.
ALARM_PROBABILITY = 0.001
FEWEST_POSITIVE = 3
SHARE_DAYS = 3


@dataclass(frozen=True, slots=True)
class Rack:
    """A run of a laboratory whose tubes were tested together.

    Attributes:
        code: of the run.
        laboratory_id: whose it is.
        counts: tubes by (size, is positive).
    """

    code: str
    laboratory_id: int
    counts: Mapping[tuple[int, bool], int]


@dataclass(frozen=True, slots=True)
class Share:
    """Positive tubes of a group against what tubes of these sizes show overall.

    Attributes:
        kind: `team` (its site), `laboratory` or `rack`.
        key: the site, or the number of the rack's run.
        positive, tested: tubes.
        expected: positive ones expected.
        tail: chance of so many or more.
    """

    kind: str
    key: int
    positive: int
    tested: int
    expected: float
    tail: float


def shares(
    counts: Iterable[tuple[int | None, int | None, int, bool, int]],
    racks: Mapping[int, Rack] | None = None,
) -> list[Share]:
    """Every share of a campaign: rows of (site, laboratory, size, is positive, tubes), and racks.

    The binomial tail with the mean expected share is no smaller than the one of unequal shares
    (Hoeffding 1956), so that an alarm is not invented.
    """
    by_size: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    groups: dict[tuple[str, int], dict[int, list[int]]] = defaultdict(
        lambda: defaultdict(lambda: [0, 0])
    )
    for site_id, laboratory_id, size, is_positive, count in counts:
        cells = [by_size[size]]
        for kind, key in (("team", site_id), ("laboratory", laboratory_id)):
            if key is not None:
                cells.append(groups[kind, key][size])
        for cell in cells:
            cell[0] += count if is_positive else 0
            cell[1] += count
    for key, rack in (racks or {}).items():
        for (size, is_positive), count in rack.counts.items():
            if size in by_size:
                cell = groups["rack", key][size]
                cell[0] += count if is_positive else 0
                cell[1] += count
    found = []
    for (kind, key), sizes in groups.items():
        positive = sum(cell[0] for cell in sizes.values())
        tested = sum(cell[1] for cell in sizes.values())
        expected = sum(
            cell[1] * by_size[size][0] / by_size[size][1] for size, cell in sizes.items()
        )
        tail = core_rs.binomial_tail(positive, tested, expected / tested)
        found.append(Share(kind, key, positive, tested, expected, tail))
    return sorted(found, key=lambda share: share.tail)


def is_improbable(share: Share) -> bool:
    """Whether chance does not explain the share (F14)."""
    return share.positive >= FEWEST_POSITIVE and share.tail < ALARM_PROBABILITY


def counted_tubes(campaign_id: int, at: dt.datetime) -> list[sa.ColumnElement[bool]]:
    """Which tubes count: those of the last days; retests and mixes are left out."""
    retests = sa.select(Sample.tube_id).where(
        Sample.campaign_id == campaign_id, Sample.retest_of_id.is_not(None)
    )
    return [
        Tube.campaign_id == campaign_id,
        Tube.status == TubeStatus.RESULTED,
        Tube.outcome.in_([Outcome.NEGATIVE, Outcome.POSITIVE]),
        Tube.resulted_at >= at - dt.timedelta(days=SHARE_DAYS),
        Tube.sample_count > 0,
        Tube.pool_kind != "mix",
        Tube.id.not_in(retests),
    ]


def share_counts(session: Session, campaign_id: int, *, at: dt.datetime) -> Sequence[Any]:
    """The counted tubes by site, laboratory, size and outcome."""
    is_positive = Tube.outcome == Outcome.POSITIVE
    cells = (Tube.site_id, Tube.laboratory_id, Tube.sample_count, is_positive)
    return session.execute(
        sa.select(*cells, sa.func.count(Tube.id))
        .where(*counted_tubes(campaign_id, at))
        .group_by(*cells)
    ).all()


@across_sites("the worker watches every site")
def note_shares(
    session: Session,
    actor: Actor,
    *,
    at: dt.datetime,
    racks_of: Callable[[Session, int, dt.datetime], Mapping[int, Rack]],
) -> dict[str, int]:
    """Opens F14 where a share became improbable, and ends it where it no longer is.

    Args:
        session: to read from and to write findings to.
        actor: who looks.
        at: now.
        racks_of: gives the racks of a campaign, by the number of the run.
    """
    del actor  # the audit listeners find it on the session
    opened: list[dict[str, Any]] = []
    gone: list[int] = []
    open_campaigns = session.scalars(
        sa.select(Campaign.id).where(Campaign.status == CampaignStatus.OPEN)
    ).all()
    for campaign_id in open_campaigns:
        racks = racks_of(session, campaign_id, at)
        counts = [tuple(row) for row in share_counts(session, campaign_id, at=at)]
        standing = {
            (share.kind, share.key): share
            for share in shares(counts, racks)
            if is_improbable(share)
        }
        since = at - dt.timedelta(days=SHARE_DAYS)
        noted = session.execute(
            sa.select(F.c.id, F.c.status, F.c.detail, F.c.site_id, F.c.laboratory_id).where(
                F.c.code == "F14",
                F.c.campaign_id == campaign_id,
                sa.or_(
                    F.c.status == "open",
                    sa.and_(F.c.status == "closed", F.c.closed_at >= since),
                ),
            )
        ).all()
        known = {
            (
                row.detail.get("kind"),
                row.detail.get("run_id") or row.site_id or row.laboratory_id,
            ): row
            for row in noted
        }
        opened += [
            _row(campaign_id, share, racks.get(share.key), at)
            for key, share in standing.items()
            if key not in known
        ]
        gone += [
            row.id for key, row in known.items() if row.status == "open" and key not in standing
        ]
    if opened:
        session.execute(sa.insert(F), opened)
    end(session, gone, at)
    return {"opened": len(opened), "gone": len(gone)}


def _row(campaign_id: int, share: Share, rack: Rack | None, at: dt.datetime) -> dict[str, Any]:
    is_rack = share.kind == "rack" and rack is not None
    laboratory_id = rack.laboratory_id if rack and is_rack else share.key
    named = {"run_id": share.key, "run": rack.code} if rack and is_rack else {}
    return {
        "code": "F14",
        "is_blocking": False,
        "campaign_id": campaign_id,
        "site_id": share.key if share.kind == "team" else None,
        "laboratory_id": None if share.kind == "team" else laboratory_id,
        "detail": {
            "kind": share.kind,
            "positive": share.positive,
            "tested": share.tested,
            "expected": round(share.expected, 1),
            "tail": share.tail,
            **named,
        },
        "status": "open",
        "found_at": at,
    }
