"""Who saw or changed what belongs to one person: the answer to a person who asks.

An event names one row by its key, or many rows by ranges; both are found by an index of the table
and the lowest and highest key, then checked against the ranges, which are sealed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal.actors import Actor
from portal.audit import rules
from portal.audit import services as audit
from portal.audit.models import AuditEvent
from portal.certificates.models import Certificate, CorrectionRequest
from portal.declarations.models import Declaration
from portal.declarations.rules import read_code
from portal.errors import Invalid, NotFound
from portal.people import queries as people
from portal.people.models import DuplicateCandidate, Person
from portal.samples.models import Sample

MOST_EVENTS = 1000
_BATCH = 2000
_LONGEST_RECORD_NUMBER = 10


@dataclass(slots=True)
class Access:
    """What was found.

    Attributes:
        keys: table → keys of the rows that belong to the person.
        events: the newest first.
        is_cut: whether there are older ones beyond `MOST_EVENTS`.
    """

    keys: dict[str, list[int]]
    events: list[AuditEvent] = field(default_factory=list)
    is_cut: bool = False


def find(session: Session, actor: Actor, *, typed: str, readings_only: bool) -> Access:
    """Every event about the person of a code or record number; asking is an event too.

    Args:
        session: of a transaction.
        actor: who asks.
        typed: a sample's, declaration's or certificate's code, or the number of a person's record.
        readings_only: leave out what was written.

    Raises:
        Invalid: nothing was typed.
        NotFound: nobody is behind it.
    """
    text = typed.strip()
    if not text:
        problem = gettext("Type a code or the number of a record.")
        raise Invalid(problem, details=[problem])
    keys = _rows_of(session, text)
    named = next((table for table in ("people", "declarations") if keys.get(table)), "people")
    audit.note(session, actor, "subject access", named, key=str(min(keys[named])))
    found = Access(keys)
    before: int | None = None
    while len(found.events) <= MOST_EVENTS:
        query = _candidates(keys, readings_only=readings_only)
        if before is not None:
            query = query.where(AuditEvent.id < before)
        batch = list(session.scalars(query.order_by(AuditEvent.id.desc()).limit(_BATCH)))
        found.events += [event for event in batch if _concerns(event, keys)]
        if len(batch) < _BATCH:
            break
        before = batch[-1].id
    found.is_cut = len(found.events) > MOST_EVENTS
    found.events = found.events[:MOST_EVENTS]
    return found


def _rows_of(session: Session, text: str) -> dict[str, list[int]]:
    person_ids: list[int] = []
    declaration_ids: list[int] = []
    if text.isdigit() and len(text) <= _LONGEST_RECORD_NUMBER:
        person_ids = list(session.scalars(sa.select(Person.id).where(Person.id == int(text))))
    code = read_code(text)
    if not person_ids and code:
        holders = (
            sa.select(Sample.person_id).where(Sample.result_code == code),
            sa.select(Sample.person_id)
            .join(Certificate, Certificate.sample_id == Sample.id)
            .where(Certificate.code == code),
        )
        person_ids = [key for query in holders for key in session.scalars(query)]
        own = sa.select(Declaration.id).where(Declaration.lookup_code == code)
        declaration_ids = list(session.scalars(own))
    if not person_ids and declaration_ids:
        shown = sa.select(Sample.person_id).where(Sample.declaration_id.in_(declaration_ids))
        person_ids = list(session.scalars(shown))
    if not person_ids and not declaration_ids:
        raise NotFound("Not found.")
    return _belonging(session, person_ids, declaration_ids)


def _belonging(
    session: Session, person_ids: Sequence[int], declaration_ids: Sequence[int]
) -> dict[str, list[int]]:
    records = people.records_of(session, person_ids) if person_ids else []
    samples = list(session.scalars(sa.select(Sample.id).where(Sample.person_id.in_(records))))
    declared = sa.select(Sample.declaration_id).where(
        Sample.id.in_(samples), Sample.declaration_id.is_not(None)
    )
    declarations = sorted({*declaration_ids, *session.scalars(declared)})
    pairs = sa.select(DuplicateCandidate.id).where(
        sa.or_(DuplicateCandidate.left_id.in_(records), DuplicateCandidate.right_id.in_(records))
    )
    papers = sa.select(Certificate.id).where(Certificate.sample_id.in_(samples))
    requests = sa.select(CorrectionRequest.id).where(
        sa.or_(
            CorrectionRequest.sample_id.in_(samples),
            CorrectionRequest.declaration_id.in_(declarations),
        )
    )
    found = {
        "people": records,
        "samples": samples,
        "declarations": declarations,
        "certificates": list(session.scalars(papers)),
        "correction_requests": list(session.scalars(requests)),
        "duplicate_candidates": list(session.scalars(pairs)),
    }
    return {table: keys for table, keys in found.items() if keys}


def _candidates(keys: Mapping[str, Sequence[int]], *, readings_only: bool) -> Any:
    about = [
        sa.and_(
            AuditEvent.table_name == table,
            sa.or_(
                AuditEvent.row_key.in_([str(key) for key in held]),
                sa.and_(AuditEvent.last_key >= min(held), AuditEvent.first_key <= max(held)),
            ),
        )
        for table, held in keys.items()
    ]
    query = sa.select(AuditEvent).where(sa.or_(*about))
    if readings_only:
        starts = (AuditEvent.action.startswith(word) for word in rules.READINGS)
        query = query.where(sa.or_(*starts))
    return query


def _concerns(event: AuditEvent, keys: Mapping[str, Sequence[int]]) -> bool:
    held = keys.get(event.table_name, ())
    if event.first_key is None:
        return event.row_key in {str(key) for key in held}
    rows = str((event.change or {}).get("rows", ""))
    return any(rules.range_holds(rows, key) for key in held)
