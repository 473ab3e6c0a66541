"""Who must be sampled again: by hamlet, with the deadline."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal import clock
from portal.areas.models import AdminUnit
from portal.campaigns.models import CollectionSession
from portal.people.models import Person
from portal.pools.rules import NOT_SUSPECT_REASONS, TO_SAMPLE_AGAIN
from portal.samples.models import Sample, Tube

MOST_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Line:
    """One person to be sampled again."""

    sample: Sample
    hours_left: float | None

    @property
    def is_overdue(self) -> bool:
        """Whether the deadline has passed."""
        return self.hours_left is not None and self.hours_left < 0

    @property
    def is_suspect(self) -> bool:
        """Whether a positive pool is the reason."""
        return self.sample.state_reason not in NOT_SUSPECT_REASONS


@dataclass(slots=True)
class Hamlet:
    """The people of one hamlet or street, urgent first."""

    name: str
    lines: list[Line] = field(default_factory=list)


def due(session: Session, *, area_id: int | None = None) -> list[Line]:
    """People to be sampled again: urgent first, then by deadline."""
    statement = (
        sa.select(Sample)
        .join(Tube, Tube.id == Sample.tube_id)
        .where(
            Sample.state.in_(TO_SAMPLE_AGAIN),
            Sample.retest_of_id.is_(None),
            Sample.withdrawn_at.is_(None),
        )
        .options(
            joinedload(Sample.person).joinedload(Person.area),
            joinedload(Sample.tube),
            joinedload(Sample.site),
            joinedload(Sample.collection_session).joinedload(CollectionSession.area),
        )
        .order_by(Sample.is_urgent.desc(), Sample.retest_due_at, Sample.id)
        .limit(MOST_SHOWN)
    )
    if area_id is not None:
        statement = statement.join(
            CollectionSession, CollectionSession.id == Sample.collection_session_id
        ).where(CollectionSession.area_id == area_id)
    now = clock.now()
    return [
        Line(sample, hours_left(sample.retest_due_at, now)) for sample in session.scalars(statement)
    ]


def hours_left(due_at: dt.datetime | None, now: dt.datetime) -> float | None:
    """Hours until the deadline; negative after it, None without one."""
    return (due_at - now).total_seconds() / 3600 if due_at else None


def by_hamlet(lines: Sequence[Line]) -> list[Hamlet]:
    """The lines grouped by commune and hamlet (the first part of the address)."""
    groups: dict[str, Hamlet] = {}
    for line in lines:
        name = hamlet_of(line.sample)
        groups.setdefault(name, Hamlet(name)).lines.append(line)
    return sorted(groups.values(), key=lambda group: group.name)


def hamlet_of(sample: Sample) -> str:
    """Commune and hamlet of a person, as the team looks for them."""
    area: AdminUnit | None = sample.person.area or sample.collection_session.area
    street = sample.person.address.split(",")[0].strip()
    return " · ".join(part for part in (area.name if area else "", street) if part) or "—"


def areas_with_work(session: Session) -> list[AdminUnit]:
    """Communes where somebody waits, for the filter."""
    waiting = (
        sa.select(CollectionSession.area_id)
        .join(Sample, Sample.collection_session_id == CollectionSession.id)
        .where(Sample.state.in_(TO_SAMPLE_AGAIN), Sample.withdrawn_at.is_(None))
    )
    return list(
        session.scalars(
            sa.select(AdminUnit).where(AdminUnit.id.in_(waiting)).order_by(AdminUnit.name)
        )
    )
