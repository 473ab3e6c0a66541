"""What the coordinator sees of a campaign's tubes now: on the way, urgent, held, overdue.

Every figure is read from counters or from what is still open, so that it costs the same after a
million tubes as after a thousand.
"""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext
from sqlalchemy.orm import Session

from portal import clock
from portal.campaigns.models import HourlyCount
from portal.pools import watch
from portal.pools.models import Finding
from portal.pools.rules import NOT_SUSPECT_REASONS, TO_SAMPLE_AGAIN, PersonState
from portal.samples.models import Sample, Tube
from portal.samples.rules import TubeStatus

IN_FLIGHT = (
    TubeStatus.OPEN,
    TubeStatus.SEALED,
    TubeStatus.SENT,
    TubeStatus.RECEIVED,
    TubeStatus.IN_TEST,
)
MOST_AGES = 20_000
MOST_HELD = 10

# Reason of a hold → the finding behind it, and the one question that frees its people.
HOLDS: dict[str, tuple[str, Any]] = {
    "conflict": ("F6", lazy_gettext("Laboratory: which of the two results stands?")),
    "early": ("F7", lazy_gettext("Laboratory: was the clock wrong, and by how many hours?")),
    "late": ("F5", lazy_gettext("Site: was this person in the tube when it was sealed?")),
    "over_size": ("F3", lazy_gettext("Laboratory: is this size validated for the assay?")),
    "count": ("F4", lazy_gettext("Site: who is missing from the list, or from the tube?")),
    "two_tubes": ("F2", lazy_gettext("Site: in which of the two tubes was this person?")),
    "reused_label": ("F13", lazy_gettext("Site: which of the two tubes went to the laboratory?")),
    "identity": ("F15", lazy_gettext("Data officer: is it one person or two?")),
    "not_for_pool": ("F16", lazy_gettext("Team: take a single sample of this person")),
    "doubted": ("F11", lazy_gettext("Laboratory: was the pool swapped with its neighbour?")),
}


@dataclass(frozen=True, slots=True)
class HeldTube:
    """A tube whose members wait for one answer."""

    code: str
    tube_id: int
    people: int
    finding_id: int | None


@dataclass(frozen=True, slots=True)
class Hold:
    """People held for one reason, the tubes with most of them first."""

    reason: str
    finding: str
    question: Any
    people: int
    tubes: list[HeldTube]


@dataclass(frozen=True, slots=True)
class Board:
    """A campaign now.

    Attributes:
        counts: sums of the counters by measure.
        tubes, people: still on their way, by status of the tube.
        ages: hours since sealing of these, (median, ninth tenth, oldest); None without any.
        urgent: people who had been told "negative" and are to be sampled again.
        suspects: people of positive pools not sampled again yet; of these `overdue`.
        resample: people whose tube said nothing, to be sampled again.
        holds: most people first.
        chased: overdue tubes by step; `is_more` if there are more than could be counted.
        alarms: open findings F14.
    """

    counts: dict[str, int]
    tubes: dict[str, int]
    people: dict[str, int]
    ages: tuple[float, float, float] | None
    urgent: int
    suspects: int
    overdue: int
    resample: int
    holds: list[Hold]
    chased: dict[str, int]
    is_more: bool
    alarms: list[Finding]


def look(session: Session, campaign_id: int, *, at: dt.datetime) -> Board:
    """The board of a campaign, within the scope of whoever asks."""
    tubes, people = _in_flight(session, campaign_id)
    urgent, suspects, late, resample = _to_sample_again(session, campaign_id, at)
    chased: dict[str, int] = defaultdict(int)
    lines = watch.overdue(session, at=at, campaign_id=campaign_id)
    for line in lines:
        chased[line.step] += 1
    return Board(
        counts=_counts(session, campaign_id),
        tubes=tubes,
        people=people,
        ages=_ages(session, campaign_id, at),
        urgent=urgent,
        suspects=suspects,
        overdue=late,
        resample=resample,
        holds=_holds(session, campaign_id),
        chased=dict(chased),
        is_more=len(lines) >= watch.MOST_CHASED,
        alarms=open_alarms(session, campaign_id),
    )


def _counts(session: Session, campaign_id: int) -> dict[str, int]:
    rows = session.execute(
        sa.select(HourlyCount.measure, sa.func.sum(HourlyCount.count))
        .where(HourlyCount.campaign_id == campaign_id)
        .group_by(HourlyCount.measure)
    )
    return {measure: int(count) for measure, count in rows}


def _in_flight(session: Session, campaign_id: int) -> tuple[dict[str, int], dict[str, int]]:
    rows = session.execute(
        sa.select(Tube.status, sa.func.count(Tube.id), sa.func.sum(Tube.sample_count))
        .where(Tube.campaign_id == campaign_id, Tube.status.in_(IN_FLIGHT), Tube.pool_kind != "mix")
        .group_by(Tube.status)
    ).all()
    tubes = {status: tubes for status, tubes, _people in rows}
    return tubes, {status: int(people or 0) for status, _tubes, people in rows}


def _ages(session: Session, campaign_id: int, at: dt.datetime) -> tuple[float, float, float] | None:
    sealed = session.scalars(
        sa.select(Tube.sealed_at)
        .where(
            Tube.campaign_id == campaign_id,
            Tube.status.in_(IN_FLIGHT),
            Tube.sealed_at.is_not(None),
            Tube.pool_kind != "mix",
        )
        .limit(MOST_AGES)
    ).all()
    hours = sorted((at - instant).total_seconds() / 3600 for instant in sealed if instant)
    if not hours:
        return None
    return median(hours), hours[min(len(hours) - 1, len(hours) * 9 // 10)], hours[-1]


def _to_sample_again(
    session: Session, campaign_id: int, at: dt.datetime
) -> tuple[int, int, int, int]:
    is_suspect = Sample.state_reason.not_in(NOT_SUSPECT_REASONS)
    urgent, suspects, late, total = session.execute(
        sa.select(
            sa.func.sum(sa.case((Sample.is_urgent, 1), else_=0)),
            sa.func.sum(sa.case((is_suspect, 1), else_=0)),
            sa.func.sum(sa.case((is_suspect & (Sample.retest_due_at < at), 1), else_=0)),
            sa.func.count(Sample.id),
        ).where(
            Sample.campaign_id == campaign_id,
            Sample.state.in_(TO_SAMPLE_AGAIN),
            Sample.retest_of_id.is_(None),
            Sample.withdrawn_at.is_(None),
        )
    ).one()
    return int(urgent or 0), int(suspects or 0), int(late or 0), int(total) - int(suspects or 0)


def _holds(session: Session, campaign_id: int) -> list[Hold]:
    held = (
        Sample.campaign_id == campaign_id,
        Sample.state == PersonState.HOLD,
        Sample.withdrawn_at.is_(None),
    )
    count = sa.func.count(Sample.id)
    people = _pairs(
        session, sa.select(Sample.state_reason, count).where(*held).group_by(Sample.state_reason)
    )
    made = []
    for reason, total in sorted(people.items(), key=lambda item: -item[1]):
        finding, question = HOLDS.get(reason, ("", lazy_gettext("See the findings of the tube")))
        rows = session.execute(
            sa.select(Sample.tube_id, count)
            .where(*held, Sample.state_reason == reason)
            .group_by(Sample.tube_id)
            .order_by(count.desc(), Sample.tube_id)
            .limit(MOST_HELD)
        ).all()
        ids = [tube_id for tube_id, _people in rows]
        codes = _pairs(session, sa.select(Tube.id, Tube.code).where(Tube.id.in_(ids)))
        findings = _pairs(
            session,
            sa.select(Finding.tube_id, Finding.id).where(
                Finding.tube_id.in_(ids), Finding.code == finding, Finding.status == "open"
            ),
        )
        tubes = [
            HeldTube(codes[tube_id], tube_id, number, findings.get(tube_id))
            for tube_id, number in rows
            if tube_id in codes
        ]
        made.append(Hold(reason, finding, question, total, tubes))
    return made


def _pairs(session: Session, statement: sa.Select[*tuple[Any, ...]]) -> dict[Any, Any]:
    return {key: value for key, value in session.execute(statement)}  # noqa: C416 - a result is no mapping


def open_alarms(session: Session, campaign_id: int) -> list[Finding]:
    """Open findings F14 of a campaign, the least probable first."""
    rows = session.scalars(
        sa.select(Finding)
        .where(
            Finding.status == "open",
            Finding.is_blocking.is_(False),
            Finding.code == "F14",
            Finding.campaign_id == campaign_id,
        )
        .limit(100)
    ).all()
    return sorted(rows, key=lambda row: float(row.detail.get("tail", 1)))


def chase_list(session: Session) -> list[tuple[str, list[tuple[watch.Overdue, int | None]]]]:
    """Overdue tubes by team and laboratory, longest first, each with its open finding F8.

    A tube whose finding was closed at this step («chased») is left out.
    """
    lines = watch.overdue(session, at=clock.now())
    ids = [line.tube.id for line in lines]
    noted = session.execute(
        sa.select(Finding.tube_id, Finding.id, Finding.status, Finding.detail).where(
            Finding.tube_id.in_(ids), Finding.code == "F8", Finding.status.in_(["open", "closed"])
        )
    ).all()
    by_step = {(row.tube_id, row.detail.get("step")): (row.id, row.status) for row in noted}
    groups: dict[str, list[tuple[watch.Overdue, int | None]]] = defaultdict(list)
    for line in lines:
        finding_id, status = by_step.get((line.tube.id, line.step), (None, "open"))
        if status == "closed":
            continue
        laboratory = line.tube.laboratory.name if line.tube.laboratory else ""
        name = f"{line.tube.site.name} → {laboratory}" if laboratory else line.tube.site.name
        groups[name].append((line, finding_id))
    return sorted(groups.items(), key=lambda item: -max(line.hours for line, _id in item[1]))
