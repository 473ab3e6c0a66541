"""Writes to the trail: rows and bulk statements by listener, readings by those who show rows."""

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction

from portal import bulk, clock, db
from portal.actors import Actor, system
from portal.audit import bulk_changes, personal, rules
from portal.audit.models import AuditEvent
from portal.web.timing import request_id

_UNKNOWN = system("unknown")
# For a bulk statement whose caller writes the event that stands for it.
COVERED = "covered"
# From so many on rows go in by COPY, which does not execute a statement for each.
_MANY = 5


def install(session_class: Any) -> None:
    """Listens on every session of a factory; safe to repeat."""
    if not sa.event.contains(session_class, "after_flush", _after_flush):
        sa.event.listen(session_class, "before_flush", _refuse_changes_of_the_trail)
        sa.event.listen(session_class, "after_flush", _after_flush)
        sa.event.listen(session_class, "do_orm_execute", _bulk_statement)


def read(session: Session, actor: Actor, table: str, key: str, purpose: str = "") -> None:
    """Records that `actor` opened a row with personal data."""
    read_each(session, actor, [(table, key)], purpose)


def read_each(
    session: Session, actor: Actor, rows: Sequence[tuple[str, str]], purpose: str = ""
) -> None:
    """The same for rows (table, key) that different people opened: an event each, one statement."""
    write(session, [event_of(actor, "read", *row, purpose=purpose) for row in rows])


def read_many(
    session: Session,
    actor: Actor,
    table: str,
    keys: Sequence[int],
    *,
    action: str = "list",
    asked: Sequence[Any] = (),
    purpose: str = "",
) -> None:
    """Records that `actor` was shown rows with personal data, in one event for all of them.

    Args:
        session: of the transaction.
        actor: who.
        table: whose rows.
        keys: of the rows shown.
        action: `list`, `export csv`, `print copy`, …
        asked: the search they answer; sealed under the key of its month, since it may name people.
        purpose: where the screen asks for it.
    """
    event = event_of(actor, action, table, "", row_count=len(keys), purpose=purpose)
    if keys:
        event["change"] = {"rows": rules.ranges(keys)}
        event["first_key"], event["last_key"] = min(keys), max(keys)
    if asked:
        event["change"] = event["change"] | {"asked": ["", list(asked)]}
        event["subject"] = f"searches/{event['at']:%Y-%m}"
    write(session, [event])


def note(
    session: Session,
    actor: Actor,
    action: str,
    table: str,
    *,
    key: str = "",
    row_count: int = 1,
    change: dict[str, Any] | None = None,
    purpose: str = "",
) -> None:
    """Records something that no row shows: an export, a print, a bulk step named by its verb."""
    event = event_of(actor, action, table, key, row_count=row_count, change=change, purpose=purpose)
    write(session, [event])


def erase(session: Session, actor: Actor, *, subjects: Sequence[str], reason: str) -> int:
    """Makes the personal values of people unreadable in the whole trail; how many keys went.

    Subjects are named as in the trail: `people/12`, `samples/40`, `declarations/7`.
    """
    erased = personal.erase(session, subjects)
    for subject in subjects:
        table, _, key = subject.partition("/")
        write(session, [event_of(actor, "erase", table, key, purpose=reason[:120])])
    return erased


def event_of(
    actor: Actor,
    action: str,
    table: str,
    key: str,
    *,
    row_count: int = 1,
    change: dict[str, Any] | None = None,
    purpose: str = "",
    subject: str = "",
) -> dict[str, Any]:
    """A row of the trail, for `write`; `change` of a `subject` may hold personal values."""
    return {
        "at": clock.now(),
        "action": action[:40],
        "table_name": table,
        "row_key": key,
        "row_count": row_count,
        "actor_kind": actor.kind,
        "actor_name": actor.name[:80],
        "actor_user_id": actor.user_id,
        "change": change or {},
        "purpose": purpose or actor.purpose,
        "request_id": request_id(),
        "subject": subject,
        "personal": None,
        "first_key": None,
        "last_key": None,
    }


def write(session: Session, events: list[dict[str, Any]]) -> None:
    """Writes rows of `event_of`, personal values under the key of their subject."""
    if not events:
        return
    _seal_personal(session, events)
    # By the connection: the trail must not pass its own listeners.
    if len(events) < _MANY:
        session.connection().execute(sa.insert(AuditEvent.__table__), events)
        return
    said = bulk.InstantText(session)
    rows = [
        tuple((e | {"at": said(bulk.micros(e["at"])), "change": json.dumps(e["change"])}).values())
        for e in events
    ]
    bulk.insert_rows(session, AuditEvent.__tablename__, tuple(events[0]), rows)


def _seal_personal(session: Session, events: list[dict[str, Any]]) -> None:
    """Moves personal values out of `change` under the key of their person."""
    hidden = []
    for event in events:
        if event["subject"] and event["change"]:
            values = {n: v for n, v in event["change"].items() if rules.is_personal(n)}
            if values:
                hidden.append((event, values))
    if not hidden:
        return
    keys = personal.keys_of(session, (event["subject"] for event, _ in hidden))
    for event, values in hidden:
        subject = event["subject"]
        event["change"] = event["change"] | {name: [] for name in values}
        event["personal"] = personal.sealed(keys[subject], subject, values)


def _after_flush(session: Session, flush: UOWTransaction) -> None:
    del flush
    actor = db.acting(session) or _UNKNOWN
    events = [_row_event(actor, "create", row, _created(row)) for row in session.new]
    events += [_row_event(actor, "delete", row, _deleted(row)) for row in session.deleted]
    for row in session.dirty:
        change = _changed(row)
        if change:
            events.append(_row_event(actor, "change", row, change))
    write(session, [event for event in events if rules.is_audited(event["table_name"])])


def _row_event(actor: Actor, action: str, row: Any, change: dict[str, Any]) -> dict[str, Any]:
    state = sa.inspect(row)
    key = "/".join(str(part) for part in state.mapper.primary_key_from_instance(row))
    table = state.mapper.local_table.name
    # What is not loaded is not asked for: a flush must not start queries of its own.
    subject = rules.subject_of(table, state.dict)
    return event_of(actor, action, table, key[:40], change=change, subject=subject)


def _columns(row: Any) -> list[str]:
    state = sa.inspect(row)
    return [a.key for a in state.mapper.column_attrs if a.key not in state.unloaded]


def _created(row: Any) -> dict[str, Any]:
    values = {name: rules.shown(name, getattr(row, name)) for name in _columns(row)}
    return {name: [None, value] for name, value in values.items() if value not in (None, "")}


def _deleted(row: Any) -> dict[str, Any]:
    values = {name: rules.shown(name, getattr(row, name)) for name in _columns(row)}
    return {name: [value, None] for name, value in values.items() if value not in (None, "")}


def _changed(row: Any) -> dict[str, Any]:
    state = sa.inspect(row)
    change = {}
    for attribute in state.mapper.column_attrs:
        history = state.attrs[attribute.key].history
        if history.has_changes():
            before = history.deleted[0] if history.deleted else None
            after = history.added[0] if history.added else None
            name = attribute.key
            change[name] = [rules.shown(name, before), rules.shown(name, after)]
    return change


def _bulk_statement(state: ORMExecuteState) -> Any:
    """One event for a bulk INSERT, UPDATE or DELETE; for rows of people also one a row changed.

    Name it by `.execution_options(audit="results.release")`, else it is named by its SQL verb.
    `audit_rows=[keys]` says which rows; `audit=COVERED` that the caller writes an event itself.
    """
    if not (state.is_insert or state.is_update or state.is_delete):
        return None
    table = getattr(getattr(state.statement, "table", None), "name", "")
    named = state.execution_options.get("audit")
    if named == COVERED or not rules.is_audited(table):
        return None
    many = state.parameters if isinstance(state.parameters, list) else None
    watched = (
        bulk_changes.watch(state.session, state.statement) if state.is_update and not many else None
    )
    result = state.invoke_statement()
    verb = "insert" if state.is_insert else "update" if state.is_update else "delete"
    count = len(many) if many else getattr(result, "rowcount", -1)
    actor = db.acting(state.session) or _UNKNOWN
    keys = state.execution_options.get("audit_rows")
    action = str(named or f"bulk {verb}")
    event = event_of(
        actor,
        action,
        table,
        "",
        row_count=max(count, 0),
        change={"rows": rules.ranges(keys)} if keys else None,
    )
    changes = bulk_changes.changes_of(state.session, watched) if watched else []
    of_people = [one for one in changes if one[1]]
    if changes and not of_people:
        told = {"rows": rules.ranges(key for key, *_rest in changes)}
        event["change"] = event["change"] | told | bulk_changes.grouped(changes)
    rows = [
        event_of(actor, action, table, str(key), change=change, subject=subject)
        for key, subject, change in of_people
    ]
    write(state.session, [event, *rows])
    return result


def _refuse_changes_of_the_trail(session: Session, flush: Any, instances: Any) -> None:
    del flush, instances
    for row in [*session.dirty, *session.deleted]:
        if isinstance(row, AuditEvent) and (row in session.deleted or session.is_modified(row)):
            message = "the audit log is append-only"
            raise RuntimeError(message)
