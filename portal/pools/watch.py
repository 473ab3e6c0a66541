"""What no single release shows: tubes that are overdue (F8); for F14 see `portal.pools.shares`.

The worker looks every few minutes and keeps the finding; the chase list reads the tubes
themselves. Both look only at tubes on their way, never at all that was ever collected.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.actors import Actor
from portal.campaigns.models import Campaign, CollectionSession, PoolPolicy
from portal.campaigns.rules import CampaignStatus, Method
from portal.db import across_sites, unscoped
from portal.pools.models import Finding, PoolMember
from portal.samples.bulk import among
from portal.samples.models import Tube
from portal.samples.rules import TubeStatus

F = Finding.__table__

# A tube is to be at the laboratory this long after it was sealed or sent (`PoolPolicy` of core_rs).
RECEIPT_HOURS = 24
DEFAULT_RESULT_HOURS = 24
MOST_CHASED = 500
MOST_NOTED = 5_000

_ON_THE_WAY = (TubeStatus.SEALED, TubeStatus.SENT)
_AT_THE_LABORATORY = (TubeStatus.RECEIVED, TubeStatus.IN_TEST)


@dataclass(frozen=True, slots=True)
class Overdue:
    """A tube to chase.

    Attributes:
        tube: with its site, laboratory and session.
        step: `unsent`, `unreceived` or `untested`.
        hours: since the last thing that happened to it.
        hours_over: of these, beyond what is allowed.
    """

    tube: Tube
    step: str
    hours: float
    hours_over: float


def overdue(
    session: Session,
    *,
    at: dt.datetime,
    campaign_id: int | None = None,
    tube_ids: Sequence[int] | None = None,
    limit: int = MOST_CHASED,
) -> list[Overdue]:
    """Tubes of open campaigns without receipt or result for too long; the oldest first.

    Rapid tests are read at the point and their tubes go nowhere. A tube mixed into a laboratory
    pool is tested as a part of it: the pool is chased, not the tube.
    """
    limits = _result_hours(session)
    if campaign_id is not None:
        limits = {key: dated for key, dated in limits.items() if key == campaign_id}
    if not limits:
        return []
    since = sa.func.coalesce(Tube.received_at, Tube.sent_at, Tube.sealed_at)
    asked = sa.true() if tube_ids is None else among(session, Tube.id, tube_ids)
    found = session.scalars(
        sa.select(Tube)
        .where(
            asked,
            Tube.campaign_id.in_(limits),
            Tube.status.in_([*_ON_THE_WAY, *_AT_THE_LABORATORY]),
            Tube.method != Method.ANTIGEN,
            sa.or_(_is_late(limits, at), since < at - dt.timedelta(hours=RECEIPT_HOURS)),
        )
        .options(
            joinedload(Tube.site),
            joinedload(Tube.laboratory),
            joinedload(Tube.collection_session).joinedload(CollectionSession.area),
        )
        .order_by(since, Tube.id)
        .limit(limit)
    ).all()
    in_test = [tube.id for tube in found if tube.status == TubeStatus.IN_TEST]
    with unscoped(session, "whether a tube is in a mix says nothing of another's rows"):
        mixed = set(
            session.scalars(sa.select(PoolMember.tube_id).where(PoolMember.tube_id.in_(in_test)))
        )
    lines = [_line(tube, limits, at) for tube in found if tube.id not in mixed]
    return [line for line in lines if line is not None]


def _result_hours(session: Session) -> dict[int, list[tuple[str, dt.date, int]]]:
    """Of each open campaign its deadlines: (method, valid from, hours), oldest first."""
    rows = session.execute(
        sa.select(
            Campaign.id,
            PoolPolicy.method,
            PoolPolicy.valid_from,
            PoolPolicy.result_deadline_hours,
        )
        .outerjoin(PoolPolicy, PoolPolicy.campaign_id == Campaign.id)
        .where(Campaign.status == CampaignStatus.OPEN)
        .order_by(PoolPolicy.valid_from)
    )
    found: dict[int, list[tuple[str, dt.date, int]]] = defaultdict(list)
    for campaign_id, method, day, hours in rows:
        dated = found[campaign_id]
        if method is not None:
            dated.append((method, day, hours))
    return dict(found)


def _is_late(
    limits: dict[int, list[tuple[str, dt.date, int]]], at: dt.datetime
) -> sa.ColumnElement[bool]:
    """Received longer ago than the shortest deadline; which one counts is decided row by row."""
    shortest = min(
        (hours for dated in limits.values() for _method, _day, hours in dated),
        default=DEFAULT_RESULT_HOURS,
    )
    return Tube.received_at < at - dt.timedelta(hours=min(shortest, DEFAULT_RESULT_HOURS))


def _line(
    tube: Tube, limits: dict[int, list[tuple[str, dt.date, int]]], at: dt.datetime
) -> Overdue | None:
    since = tube.received_at or tube.sent_at or tube.sealed_at
    if since is None:
        return None
    allowed = RECEIPT_HOURS
    step = "unreceived" if tube.sent_at else "unsent"
    if tube.received_at:
        step = "untested"
        day = tube.opened_at.date()
        dated = [h for m, d, h in limits[tube.campaign_id] if m == tube.method and d <= day]
        allowed = dated[-1] if dated else DEFAULT_RESULT_HOURS
    hours = (at - since).total_seconds() / 3600
    return Overdue(tube, step, hours, hours - allowed) if hours > allowed else None


@across_sites("the worker watches every site")
def note_overdue(session: Session, actor: Actor, *, at: dt.datetime) -> dict[str, int]:
    """Opens F8 for tubes that became overdue, and ends those that arrived; says how many."""
    del actor  # the audit listeners find it on the session
    late = overdue(session, at=at, limit=MOST_NOTED)
    noted = session.execute(
        sa.select(F.c.id, F.c.tube_id, F.c.status, F.c.detail)
        .where(F.c.code == "F8", F.c.status.in_(["open", "closed"]))
        .where(sa.or_(F.c.status == "open", among(session, F.c.tube_id, [o.tube.id for o in late])))
    ).all()
    # A chase that somebody closed is asked again when the tube is overdue at the next step.
    known = {(row.tube_id, row.detail.get("step")) for row in noted}
    rows = [
        {
            "code": "F8",
            "is_blocking": False,
            "campaign_id": line.tube.campaign_id,
            "site_id": line.tube.site_id,
            "laboratory_id": line.tube.laboratory_id,
            "tube_id": line.tube.id,
            "detail": {"step": line.step, "hours": round(line.hours)},
            "status": "open",
            "found_at": at,
        }
        for line in late
        if (line.tube.id, line.step) not in known
    ]
    if rows:
        session.execute(sa.insert(F), rows)
    # Asked by their keys: more may be overdue than were looked at above.
    open_rows = [row for row in noted if row.status == "open"]
    noted_ids = [row.tube_id for row in open_rows]
    still = overdue(session, at=at, tube_ids=noted_ids, limit=len(noted_ids))
    standing = {(line.tube.id, line.step) for line in still}
    gone = [row.id for row in open_rows if (row.tube_id, row.detail.get("step")) not in standing]
    end(session, gone, at)
    return {"opened": len(rows), "gone": len(gone)}


def end(session: Session, finding_ids: Sequence[int], at: dt.datetime) -> None:
    """Findings whose cause is gone."""
    if finding_ids:
        session.execute(
            sa.update(F)
            .where(among(session, F.c.id, finding_ids))
            .values(status="gone", closed_at=at)
            .execution_options(audit="findings.gone")
        )
