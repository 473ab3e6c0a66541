"""What is decided about people: merged, two again, different, corrected. Every step is undone.

A merge only redirects: `Person.merged_into_id` of every record is the root of its tree of merges
that stand. Samples, declarations, results and certificates keep the record they were made for.
So an unmerge is exact, in any order: the records are as if that merge had never been. What came
in meanwhile went to the record whose document was shown, and leaves with it.
"""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

import core_rs
from portal import clock
from portal.actors import Actor
from portal.audit import services as audit
from portal.db import across_sites
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.people import followers, queries
from portal.people.models import DuplicateCandidate, Merge, Person, PersonChange
from portal.people.rules import Correction

ANSWERS = ("same", "different", "later")
_LONGEST_REASON = 200
_WHY = "records of one person may be of several sites; each one's site is checked"


@dataclass(frozen=True, slots=True)
class Pair:
    """A candidate, locked, with its records and the people behind them."""

    candidate: DuplicateCandidate
    left: Person
    right: Person
    left_root: Person
    right_root: Person

    @property
    def seen(self) -> str:
        """What a screen has shown: changes as soon as anything of the pair changes."""
        rows = (self.candidate, self.left, self.right, self.left_root, self.right_root)
        return ".".join(str(row.version) for row in rows)

    @property
    def is_settled(self) -> bool:
        """Whether both records are one person already."""
        return self.left_root.id == self.right_root.id


@across_sites(_WHY)
def pair_of(session: Session, actor: Actor, candidate_id: int, *, lock: bool = False) -> Pair:
    """The pair, for whoever both records' sites belong to.

    Raises:
        NotFound: there is none, or not for this actor.
    """
    wanted = sa.select(DuplicateCandidate).where(DuplicateCandidate.id == candidate_id)
    if lock:
        wanted = wanted.with_for_update(of=DuplicateCandidate)
    candidate = session.scalars(wanted.execution_options(populate_existing=True)).one_or_none()
    if candidate is None:
        raise NotFound(_("There is no such pair."))
    actor.scope.require_site(candidate.left_site_id)
    actor.scope.require_site(candidate.right_site_id)
    keys = {candidate.left_id, candidate.right_id}
    keys |= {queries.root_of(person) for person in _people(session, keys, lock=False).values()}
    people = _people(session, keys, lock=lock)
    left, right = people[candidate.left_id], people[candidate.right_id]
    roots = _people(session, {queries.root_of(left), queries.root_of(right)}, lock=lock)
    return Pair(candidate, left, right, roots[queries.root_of(left)], roots[queries.root_of(right)])


def _people(session: Session, keys: set[int], *, lock: bool) -> dict[int, Person]:
    """Records by key, as stored now; locked in the order of their keys."""
    statement = sa.select(Person).where(Person.id.in_(keys)).order_by(Person.id)
    if lock:
        statement = statement.with_for_update(of=Person)
    rows = session.scalars(statement.execution_options(populate_existing=True))
    return {person.id: person for person in rows}


@across_sites(_WHY)
def decide(
    session: Session, actor: Actor, *, candidate_id: int, answer: str, seen: str
) -> DuplicateCandidate:
    """Records what a person says of a pair, and does it.

    Args:
        session: of the caller's transaction.
        actor: who decides.
        candidate_id: the pair.
        answer: same, different or later.
        seen: `Pair.seen` of what was shown.

    Raises:
        Invalid: another answer.
        NotFound: no such pair for this actor.
        Conflict: it was decided, or one of its records changed, since it was shown.
    """
    if answer not in ANSWERS:
        raise Invalid(_("Choose: same, different or later."))
    pair = pair_of(session, actor, candidate_id, lock=True)
    if pair.seen != seen or pair.candidate.status not in {"open", "later"}:
        raise Conflict(_("Somebody changed this pair meanwhile. Here it is as it stands now."))
    if pair.is_settled:
        raise Conflict(_("These two records are one person already."))
    if answer == "same":
        kept, gone = _kept_first(pair)
        merge(
            session, actor, kept_id=kept.id, merged_id=gone.id, candidate_id=candidate_id,
            reason="",
        )  # fmt: skip
    elif answer == "different":
        _part(session, actor, pair)
    _mark(pair.candidate, actor, answer)
    audit.note(
        session, actor, f"pair: {answer}", "duplicate_candidates", key=str(candidate_id),
        change={"left_id": pair.left.id, "right_id": pair.right.id, "bits": pair.candidate.bits},
    )  # fmt: skip
    session.flush()
    return pair.candidate


def _kept_first(pair: Pair) -> tuple[Person, Person]:
    """Who stays: the one with a national ID, else who was registered first."""
    first, second = sorted((pair.left_root, pair.right_root), key=lambda person: person.id)
    if second.national_id and not first.national_id:
        return second, first
    return first, second


def _part(session: Session, actor: Actor, pair: Pair) -> None:
    """Two people who are different are so in every pair of their records."""
    one = queries.records_of(session, [pair.left_root.id])
    other = queries.records_of(session, [pair.right_root.id])
    for more in queries.between(session, one, other, ("open", "later")):
        if more.id != pair.candidate.id:
            _mark(more, actor, "different")
            more.decided_with_id = pair.candidate.id


def _mark(candidate: DuplicateCandidate, actor: Actor | None, status: str) -> None:
    is_open = status == "open"
    candidate.status = status
    candidate.decided_at = None if is_open else clock.now()
    candidate.decided_by_id = None if is_open or actor is None else actor.user_id
    candidate.decided_with_id = None
    candidate.version += 1


@across_sites(_WHY)
def merge_automatically(session: Session, actor: Actor, *, candidate_id: int) -> Merge:
    """Merges a pair of the automatic zone (`portal.people.automatic` decides which).

    Raises:
        Conflict: a person's decision stands against it, or they are one already.
    """
    pair = pair_of(session, actor, candidate_id, lock=True)
    kept, gone = _kept_first(pair)
    made = merge(
        session, actor, kept_id=kept.id, merged_id=gone.id, candidate_id=candidate_id,
        reason=f"automatic, {pair.candidate.score:.5f}", is_automatic=True,
    )  # fmt: skip
    _mark(pair.candidate, actor, "same")
    session.flush()
    return made


@across_sites(_WHY)
def merge(
    session: Session,
    actor: Actor,
    *,
    kept_id: int,
    merged_id: int,
    reason: str,
    candidate_id: int | None = None,
    is_automatic: bool = False,
) -> Merge:
    """Declares two people one; the first stays, the second leads to it.

    Raises:
        NotFound: not both are people of the actor's sites.
        Forbidden: a record behind one of them is of a site that is not the actor's.
        Conflict: one of them is merged already, they are the same, or a decision says that they
            are different.
    """
    people = _people(session, {kept_id, merged_id}, lock=True)
    for key in (kept_id, merged_id):
        if key not in people:
            raise NotFound(_("There is no such person."))
        actor.scope.require_site(people[key].site_id)
    if kept_id == merged_id or any(p.merged_into_id is not None for p in people.values()):
        raise Conflict(_("One of them was merged meanwhile. Open the pair again."))
    own = queries.records_of(session, [kept_id])
    gone = queries.records_of(session, [merged_id])
    _require_all(session, actor, [*own, *gone])
    if queries.between(session, own, gone, ("different",)):
        raise Conflict(
            _("Somebody decided that they are different. Take that decision back first.")
        )
    made = Merge(
        kept_id=kept_id,
        merged_id=merged_id,
        candidate_id=candidate_id,
        reason=reason.strip()[:_LONGEST_REASON],
        is_automatic=is_automatic,
        merged_at=clock.now(),
        merged_by_id=actor.user_id,
    )
    session.add(made)
    _redirect(session, dict.fromkeys(gone, kept_id))
    people[kept_id].version += 1
    session.flush()
    audit.note(session, actor, "people.merge", "people", key=str(kept_id),
               change={"merged_id": merged_id, "merge_id": made.id})  # fmt: skip
    followers.follow(session, actor, [*own, *gone])
    return made


@across_sites(_WHY)
def unmerge(
    session: Session, actor: Actor, *, merge_id: int, reason: str, pair_becomes: str = "different"
) -> Merge:
    """Undoes one merge: its records are as if it had never been, later merges stand.

    Args:
        session: of the caller's transaction.
        actor: who undoes.
        merge_id: which merge.
        reason: why, for the history.
        pair_becomes: what the pair that led to the merge is now: `different` or `open`.

    Raises:
        NotFound: no such merge for this actor.
        Conflict: it was undone already.
    """
    undone = session.get(Merge, merge_id, with_for_update=True, populate_existing=True)
    if undone is None:
        raise NotFound(_("There is no such merge."))
    people = _people(session, {undone.kept_id, undone.merged_id}, lock=True)
    for key in (undone.kept_id, undone.merged_id):
        actor.scope.require_site(people[key].site_id if key in people else None)
    if undone.undone_at is not None:
        raise Conflict(_("This merge was undone already."))
    together = queries.records_of(session, [undone.merged_id])
    _require_all(session, actor, together)
    undone.undone_at = clock.now()
    undone.undone_by_id = actor.user_id
    undone.undo_reason = reason.strip()[:_LONGEST_REASON]
    session.flush()
    leaving = _tree_under(session, undone.merged_id, together)
    _redirect(session, dict.fromkeys(leaving, undone.merged_id))
    if undone.candidate_id is not None:
        candidate = session.get_one(DuplicateCandidate, undone.candidate_id)
        _mark(candidate, actor, pair_becomes)
    session.flush()
    audit.note(session, actor, "people.unmerge", "people", key=str(undone.kept_id),
               change={"merged_id": undone.merged_id, "merge_id": undone.id})  # fmt: skip
    followers.follow(session, actor, together)
    return undone


def _require_all(session: Session, actor: Actor, records: list[int]) -> None:
    """Locks the records; whoever decides about them must be in charge of every one's site."""
    people = _people(session, set(records), lock=True).values()
    if not all(actor.scope.covers_site(person.site_id) for person in people):
        raise Forbidden(
            _("One of these records was registered at another site: ask the province to decide.")
        )


def _tree_under(session: Session, top: int, records: list[int]) -> list[int]:
    """The record with everything that merges which stand have brought under it."""
    below: dict[int, list[int]] = defaultdict(list)
    standing = session.execute(
        sa.select(Merge.kept_id, Merge.merged_id).where(
            Merge.kept_id.in_(records), Merge.undone_at.is_(None)
        )
    )
    for kept_id, merged_id in standing:
        below[kept_id].append(merged_id)
    found, step = [top], [top]
    while step:
        step = [child for key in step for child in below[key]]
        found += step
    return found


def _redirect(session: Session, roots: dict[int, int]) -> None:
    for person in _people(session, set(roots), lock=True).values():
        root = roots[person.id]
        person.merged_into_id = None if root == person.id else root
        person.version += 1


@across_sites(_WHY)
def reopen(session: Session, actor: Actor, *, candidate_id: int) -> DuplicateCandidate:
    """Takes a decision back; what it did is undone, and the pair waits again.

    Raises:
        NotFound: no such pair for this actor.
        Conflict: nothing was decided about it.
    """
    pair = pair_of(session, actor, candidate_id, lock=True)
    candidate = pair.candidate
    if candidate.decided_with_id is not None:
        return reopen(session, actor, candidate_id=candidate.decided_with_id)
    if candidate.status == "open":
        raise Conflict(_("Nothing was decided about this pair."))
    merged = session.scalars(
        sa.select(Merge).where(Merge.candidate_id == candidate_id, Merge.undone_at.is_(None))
    ).all()
    for made in merged:
        unmerge(session, actor, merge_id=made.id, reason="", pair_becomes="open")
    also = session.scalars(
        sa.select(DuplicateCandidate).where(DuplicateCandidate.decided_with_id == candidate_id)
    ).all()
    for row in [candidate, *also]:
        _mark(row, None, "open")
    audit.note(session, actor, "pair: reopened", "duplicate_candidates", key=str(candidate_id))
    session.flush()
    return candidate


@across_sites(_WHY)
def undo_last(session: Session, actor: Actor) -> DuplicateCandidate:
    """Takes back the actor's own last decision; again, the one before.

    Raises:
        Conflict: there is none.
    """
    last = session.scalars(
        sa.select(DuplicateCandidate.id)
        .where(
            DuplicateCandidate.decided_by_id == actor.user_id,
            DuplicateCandidate.decided_with_id.is_(None),
            DuplicateCandidate.status != "open",
        )
        .order_by(DuplicateCandidate.decided_at.desc(), DuplicateCandidate.id.desc())
        .limit(1)
    ).first()
    if last is None:
        raise Conflict(_("There is no decision of yours to take back."))
    return reopen(session, actor, candidate_id=last)


@across_sites(_WHY)
def correct(session: Session, actor: Actor, *, person_id: int, given: Correction) -> Person:
    """Corrects what is stored of one record; the audit log keeps what stood before.

    The documents by which it is found are not touched: a wrong one was somebody's.

    Raises:
        NotFound: no such record of the actor's sites.
    """
    people = _people(session, {person_id}, lock=True)
    if person_id not in people:
        raise NotFound(_("There is no such person."))
    person = people[person_id]
    actor.scope.require_site(person.site_id)
    person.full_name = given.full_name
    person.folded_name = core_rs.fold_name(given.full_name)
    person.sort_name = core_rs.sort_key(given.full_name).hex()[:320]
    person.birth_on = dt.date.fromisoformat(given.birth_on) if given.birth_on else None
    person.birth_year = given.birth_year
    person.sex = given.sex
    person.phone = given.phone
    person.address = given.address
    person.version += 1
    session.add(PersonChange(person_id=person_id))
    session.flush()
    return person
