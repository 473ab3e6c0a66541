"""What no single release shows: tubes that are overdue (F8), shares beyond chance (F14).

The worker looks every few minutes and keeps the two findings; the chase list reads the tubes
themselves. Both look only at tubes on their way, never at all that was ever collected.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

import core_rs
from portal.actors import Actor
from portal.campaigns.models import Campaign, CollectionSession, PoolPolicy
from portal.campaigns.rules import CampaignStatus, Method
from portal.db import across_sites, unscoped
from portal.pools.models import Finding, PoolMember
from portal.samples.bulk import among
from portal.samples.models import Sample, Tube
from portal.samples.rules import Outcome, TubeStatus

F = Finding.__table__

# A tube is to be at the laboratory this long after it was sealed or sent (`PoolPolicy` of core_rs).
RECEIPT_HOURS = 24
DEFAULT_RESULT_HOURS = 24
MOST_CHASED = 500
MOST_NOTED = 5_000

# Chance under which a share is no chance (pooling.md 6, F14), and how many positives it takes.
ALARM_PROBABILITY = 0.001
FEWEST_POSITIVE = 3
SHARE_DAYS = 3

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
    _end(session, gone, at)
    return {"opened": len(rows), "gone": len(gone)}


@dataclass(frozen=True, slots=True)
class Share:
    """Positive tubes of a team or a laboratory against what tubes of these sizes show overall.

    Attributes:
        kind: `team` (its site) or `laboratory`.
        site_id: the site.
        positive, tested: tubes.
        expected: positive ones expected.
        tail: chance of so many or more.
    """

    kind: str
    site_id: int
    positive: int
    tested: int
    expected: float
    tail: float


def shares(counts: Iterable[tuple[int | None, int | None, int, bool, int]]) -> list[Share]:
    """Every share of a campaign: rows of (site, laboratory, size, is positive, tubes).

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


def share_counts(session: Session, campaign_id: int, *, at: dt.datetime) -> Sequence[Any]:
    """Tubes of the last days by site, laboratory, size and outcome; retests and mixes left out."""
    retests = sa.select(Sample.tube_id).where(
        Sample.campaign_id == campaign_id, Sample.retest_of_id.is_not(None)
    )
    is_positive = Tube.outcome == Outcome.POSITIVE
    return session.execute(
        sa.select(
            Tube.site_id, Tube.laboratory_id, Tube.sample_count, is_positive, sa.func.count(Tube.id)
        )
        .where(
            Tube.campaign_id == campaign_id,
            Tube.status == TubeStatus.RESULTED,
            Tube.outcome.in_([Outcome.NEGATIVE, Outcome.POSITIVE]),
            Tube.resulted_at >= at - dt.timedelta(days=SHARE_DAYS),
            Tube.sample_count > 0,
            Tube.pool_kind != "mix",
            Tube.id.not_in(retests),
        )
        .group_by(Tube.site_id, Tube.laboratory_id, Tube.sample_count, is_positive)
    ).all()


@across_sites("the worker watches every site")
def note_shares(session: Session, actor: Actor, *, at: dt.datetime) -> dict[str, int]:
    """Opens F14 where a share became improbable, and ends it where it no longer is."""
    del actor
    opened: list[dict[str, Any]] = []
    gone: list[int] = []
    open_campaigns = session.scalars(
        sa.select(Campaign.id).where(Campaign.status == CampaignStatus.OPEN)
    ).all()
    for campaign_id in open_campaigns:
        standing = {
            (share.kind, share.site_id): share
            for share in shares(tuple(row) for row in share_counts(session, campaign_id, at=at))
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
        known = {(row.detail.get("kind"), row.site_id or row.laboratory_id): row for row in noted}
        opened += [
            _share_row(campaign_id, share, at)
            for key, share in standing.items()
            if key not in known
        ]
        gone += [
            row.id for key, row in known.items() if row.status == "open" and key not in standing
        ]
    if opened:
        session.execute(sa.insert(F), opened)
    _end(session, gone, at)
    return {"opened": len(opened), "gone": len(gone)}


def _share_row(campaign_id: int, share: Share, at: dt.datetime) -> dict[str, Any]:
    is_team = share.kind == "team"
    return {
        "code": "F14",
        "is_blocking": False,
        "campaign_id": campaign_id,
        "site_id": share.site_id if is_team else None,
        "laboratory_id": None if is_team else share.site_id,
        "detail": {
            "kind": share.kind,
            "positive": share.positive,
            "tested": share.tested,
            "expected": round(share.expected, 1),
            "tail": share.tail,
        },
        "status": "open",
        "found_at": at,
    }


def _end(session: Session, finding_ids: Sequence[int], at: dt.datetime) -> None:
    if finding_ids:
        session.execute(
            sa.update(F)
            .where(among(session, F.c.id, finding_ids))
            .values(status="gone", closed_at=at)
            .execution_options(audit="findings.gone")
        )
