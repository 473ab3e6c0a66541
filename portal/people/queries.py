"""Finding people behind records, and the pairs that wait for a decision."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, joinedload

from portal.people.models import DuplicateCandidate, Merge, Person, PersonIdentifier

COUNT_CAP = 1_000
"""Nobody needs to know how many more wait; counting them would be most of the time of a page."""


def root_of(person: Person) -> int:
    """The key of the person behind a record."""
    return person.merged_into_id or person.id


def records_of(session: Session, person_ids: Iterable[int]) -> list[int]:
    """Every record of the people behind these records: kept ones and those merged into them."""
    wanted = set(person_ids)
    roots = set(
        session.scalars(
            sa.select(sa.func.coalesce(Person.merged_into_id, Person.id)).where(
                Person.id.in_(wanted)
            )
        )
    )
    rows = session.scalars(
        sa.select(Person.id).where(sa.or_(Person.id.in_(roots), Person.merged_into_id.in_(roots)))
    )
    return sorted(set(rows) | wanted)


def people(session: Session, keys: Iterable[int]) -> list[Person]:
    """These records, as far as the actor may see them, the person's own first."""
    found = session.scalars(
        sa.select(Person).where(Person.id.in_(list(keys))).options(joinedload(Person.area))
    )
    return sorted(found, key=lambda person: (person.merged_into_id is not None, person.id))


def pairs_of(session: Session, keys: Iterable[int]) -> list[DuplicateCandidate]:
    """Pairs with one of these records, the strongest first."""
    wanted = list(keys)
    return list(
        session.scalars(
            sa.select(DuplicateCandidate)
            .where(
                sa.or_(
                    DuplicateCandidate.left_id.in_(wanted), DuplicateCandidate.right_id.in_(wanted)
                )
            )
            .options(joinedload(DuplicateCandidate.left), joinedload(DuplicateCandidate.right))
            .order_by(DuplicateCandidate.bits.desc())
            .limit(50)
        )
    )


def identifiers_of(session: Session, person_ids: Iterable[int]) -> list[PersonIdentifier]:
    """Documents of these records."""
    return list(
        session.scalars(
            sa.select(PersonIdentifier)
            .where(PersonIdentifier.person_id.in_(list(person_ids)))
            .order_by(PersonIdentifier.person_id, PersonIdentifier.id)
        )
    )


def merges_of(session: Session, person_ids: Iterable[int]) -> list[Merge]:
    """Every merge of these records, undone ones too, the newest first."""
    keys = list(person_ids)
    return list(
        session.scalars(
            sa.select(Merge)
            .where(sa.or_(Merge.kept_id.in_(keys), Merge.merged_id.in_(keys)))
            .options(joinedload(Merge.kept), joinedload(Merge.merged))
            .order_by(Merge.id.desc())
        )
    )


def _undecided(statement: sa.Select[Any], status: str, kind: str) -> sa.Select[Any]:
    """Pairs whose records are still two people; settled by another merge, a pair needs nobody."""
    left, right = aliased(Person), aliased(Person)
    return (
        statement.join(left, left.id == DuplicateCandidate.left_id)
        .join(right, right.id == DuplicateCandidate.right_id)
        .where(
            DuplicateCandidate.status == status,
            DuplicateCandidate.kind == kind,
            sa.func.coalesce(left.merged_into_id, left.id)
            != sa.func.coalesce(right.merged_into_id, right.id),
        )
    )


def next_pair(session: Session, status: str, kind: str) -> DuplicateCandidate | None:
    """The pair with the strongest evidence; of those put off, the one waiting longest."""
    order = (
        (DuplicateCandidate.decided_at, DuplicateCandidate.id)
        if status == "later"
        else (DuplicateCandidate.bits.desc(), DuplicateCandidate.id)
    )
    statement = _undecided(sa.select(DuplicateCandidate), status, kind)
    return session.scalars(statement.order_by(*order).limit(1)).first()


def waiting(session: Session) -> dict[tuple[str, str], int]:
    """How many pairs wait, by (status, kind), counted up to `COUNT_CAP`."""
    counts = {}
    for status in ("open", "later"):
        for kind in ("proposal", "conflict"):
            some = _undecided(sa.select(DuplicateCandidate.id), status, kind).limit(COUNT_CAP)
            counts[status, kind] = (
                session.scalar(sa.select(sa.func.count()).select_from(some.subquery())) or 0
            )
    return counts


def decided_count(session: Session, user_id: int | None, since: Any) -> int:
    """How many pairs somebody decided since an instant."""
    return (
        session.scalar(
            sa.select(sa.func.count(DuplicateCandidate.id)).where(
                DuplicateCandidate.decided_by_id == user_id,
                DuplicateCandidate.decided_at >= since,
            )
        )
        or 0
    )


def between(
    session: Session, one: Sequence[int], other: Sequence[int], statuses: Sequence[str]
) -> list[DuplicateCandidate]:
    """Pairs with one record on each side."""
    C = DuplicateCandidate  # noqa: N806 - an alias of a class
    return list(
        session.scalars(
            sa.select(C)
            .where(
                C.status.in_(statuses),
                sa.or_(
                    sa.and_(C.left_id.in_(one), C.right_id.in_(other)),
                    sa.and_(C.left_id.in_(other), C.right_id.in_(one)),
                ),
            )
            .order_by(C.id)
        )
    )


def automatic_count(session: Session) -> int:
    """Merges made without asking that stand."""
    return (
        session.scalar(
            sa.select(sa.func.count(Merge.id)).where(
                Merge.is_automatic.is_(True), Merge.undone_at.is_(None)
            )
        )
        or 0
    )
