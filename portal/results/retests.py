"""Who must be sampled again: by hamlet, with the deadline."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal import clock
from portal.actors import Actor
from portal.areas.models import AdminUnit
from portal.campaigns.models import CollectionSession
from portal.people.models import Person
from portal.pools.rules import NOT_SUSPECT_REASONS, TO_SAMPLE_AGAIN
from portal.samples import retest_labels
from portal.samples.models import Sample, Tube
from portal.sites.models import Site

MOST_SHOWN = 500

# Written into the statement: only so do both databases see that a small index holds them all.
_WAITS = (
    Sample.state.in_(
        sa.bindparam("again", sorted(TO_SAMPLE_AGAIN), expanding=True, literal_execute=True)
    ),
    Sample.withdrawn_at.is_(None),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One person to be sampled again; `label` is the code reserved for the new tube."""

    sample: Sample
    hours_left: float | None
    label: str = ""

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


def due(session: Session, *, area_id: int | None = None, site_id: int | None = None) -> list[Line]:
    """People to be sampled again, of a commune or a team: urgent first, then by deadline."""
    statement = (
        sa.select(Sample)
        .join(Tube, Tube.id == Sample.tube_id)
        .where(
            *_WAITS,
            Sample.retest_of_id.is_(None),
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
    if site_id is not None:
        statement = statement.where(Sample.site_id == site_id)
    now = clock.now()
    samples = session.scalars(statement).all()
    labels = retest_labels.reserved(session, [sample.id for sample in samples])
    return [
        Line(sample, hours_left(sample.retest_due_at, now), labels.get(sample.id, ""))
        for sample in samples
    ]


def reserve_labels(
    session: Session, actor: Actor, *, area_id: int | None = None, site_id: int | None = None
) -> int:
    """Reserves a tube code for everybody of the list who has none; says for how many.

    Raises as `samples.retest_labels.reserve`.
    """
    bare = [
        line.sample for line in due(session, area_id=area_id, site_id=site_id) if not line.label
    ]
    return len(retest_labels.reserve(session, actor, bare))


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
        .where(*_WAITS)
    )
    return list(
        session.scalars(
            sa.select(AdminUnit).where(AdminUnit.id.in_(waiting)).order_by(AdminUnit.name)
        )
    )


def teams_with_work(session: Session) -> list[Site]:
    """Collection points of whoever waits, for the filter."""
    waiting = sa.select(Sample.site_id).where(*_WAITS)
    return list(session.scalars(sa.select(Site).where(Site.id.in_(waiting)).order_by(Site.name)))
