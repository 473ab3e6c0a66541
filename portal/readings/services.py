"""Reading photos into the worklist, and working it off. Photos are in memory only."""

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core_rs import CoreError, Payload, QrError, Symbol, decode_many, parse_payload
from portal import clock, db
from portal.actors import Actor
from portal.declarations.models import Declaration
from portal.errors import NotFound
from portal.people.models import PersonIdentifier
from portal.readings.models import PhotoReading
from portal.readings.rules import Outcome, Photo, Upload, masked
from portal.samples.models import Tube
from portal.samples.rules import clean_code

KEPT_DAYS = 7
_DEADLINE_MS = 4000
# Photos that are in memory and decoded at once, on two threads.
_AT_ONCE = 4
_SHOWN = 500


def read_upload(actor: Actor, upload: Upload) -> Iterator[list[PhotoReading]]:
    """Reads photo after photo; each one's rows are committed before they are given."""
    with db.transaction(actor) as session:
        _forget_old(session, actor)
    waiting = upload.photos()
    while photos := list(islice(waiting, _AT_ONCE)):
        for photo, answer in zip(photos, _decode(photos), strict=True):
            with db.transaction(actor) as session:
                rows = _rows(session, actor, photo.name, answer)
                session.add_all(rows)
                session.flush()
                # They are shown after the commit, which would load each of them again.
                for row in rows:
                    session.expunge(row)
            yield rows


def _decode(photos: Sequence[Photo]) -> list[list[Symbol] | str]:
    """The symbols of each photo, or the code of what hindered reading it."""
    whole = [photo.content for photo in photos if not photo.problem]
    answers = iter(decode_many(whole, threads=2, mode="thorough", deadline_ms=_DEADLINE_MS))
    found: list[list[Symbol] | str] = []
    for photo in photos:
        answer = photo.problem or next(answers)
        found.append(answer.code if isinstance(answer, QrError) else answer)
    return found


def _rows(
    session: Session, actor: Actor, name: str, answer: list[Symbol] | str
) -> list[PhotoReading]:
    def row(outcome: Outcome, **values: object) -> PhotoReading:
        return PhotoReading(
            file_name=name,
            outcome=outcome,
            created_by_id=actor.user_id,
            created_at=clock.now(),
            **values,
        )

    if isinstance(answer, str):
        return [row(Outcome.UNREADABLE, problem=answer)]
    if not answer:
        return [row(Outcome.NO_CODE)]
    judged = [_judge(session, symbol.text) for symbol in answer]
    return [row(outcome, **values) for outcome, values in judged]


def _judge(session: Session, text: str | None) -> tuple[Outcome, dict[str, object]]:
    """What a code's text is, and whether the actor's rows know it."""
    try:
        found = parse_payload(text or "")
    except CoreError as problem:
        return Outcome.UNKNOWN, {"problem": problem.code}
    shown, target_id = _target(session, found)
    outcome = Outcome.UNKNOWN if target_id is None else Outcome.KNOWN
    # Nobody's key leaves the registry of people: whether they are in it is all that is said.
    is_thing = found.kind in {"tube", "maybe_tube", "declaration"}
    return outcome, {
        "kind": found.kind,
        "shown": shown[:40],
        "target_id": target_id if is_thing else None,
    }


def _target(session: Session, found: Payload) -> tuple[str, int | None]:
    """The code as it may be shown, and the key of the row that has it."""
    if found.kind in {"tube", "maybe_tube"}:
        code = clean_code(found.code or "")
        return code, session.scalar(sa.select(Tube.id).where(Tube.code == code))
    if found.kind == "declaration":
        code = found.code or ""
        return code, session.scalar(sa.select(Declaration.id).where(Declaration.code == code))
    numbers = {
        "national_id": found.national_id,
        "cmnd": found.old_national_id,
        "health_insurance": found.health_insurance_number,
    }
    for kind, value in numbers.items():
        if value:
            has_number = sa.and_(PersonIdentifier.kind == kind, PersonIdentifier.value == value)
            person_id = session.scalar(sa.select(PersonIdentifier.person_id).where(has_number))
            return masked(value), person_id
    return found.code or masked(found.phone or ""), None


def worklist(session: Session, actor: Actor, *, with_settled: bool = False) -> list[PhotoReading]:
    """The actor's own rows, newest first.

    The wall of scope alone would let whoever works for the whole province see everybody's.
    """
    rows = _own(actor).order_by(PhotoReading.id.desc()).limit(_SHOWN)
    if not with_settled:
        rows = rows.where(PhotoReading.is_settled.is_(False))
    return list(session.scalars(rows))


def settle(session: Session, actor: Actor, reading_id: int) -> PhotoReading:
    """Ticks a row off.

    Raises:
        NotFound: no such row of the actor's own.
    """
    row = session.scalars(_own(actor).where(PhotoReading.id == reading_id)).first()
    if row is None:
        raise NotFound("Not found.")
    row.is_settled = True
    return row


def settle_known(session: Session, actor: Actor) -> int:
    """Ticks off whatever needs nothing more: the known codes. Gives how many."""
    rows = [row for row in worklist(session, actor) if row.outcome == Outcome.KNOWN]
    for row in rows:
        row.is_settled = True
    return len(rows)


def _own(actor: Actor) -> sa.Select[PhotoReading]:
    return sa.select(PhotoReading).where(PhotoReading.created_by_id == actor.user_id)


def _forget_old(session: Session, actor: Actor) -> None:
    limit = clock.now() - dt.timedelta(days=KEPT_DAYS)
    for row in session.scalars(_own(actor).where(PhotoReading.created_at < limit)):
        session.delete(row)
