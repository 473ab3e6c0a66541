"""Which tables are audited and how, and what never enters the audit log."""

import datetime as dt
from typing import Any

# Tables without a trail, each with its reason. Every other table is audited row by row;
# bulk statements leave one event with the number of rows.
UNAUDITED: dict[str, str] = {
    "ab_api_key": "FAB's, not used",
    "ab_group": "FAB's, not used",
    "ab_group_role": "FAB's, not used",
    "ab_permission": "FAB's, not used: permissions are code",
    "ab_permission_view": "FAB's, not used: permissions are code",
    "ab_permission_view_role": "FAB's, not used: permissions are code",
    "ab_register_user": "FAB's, not used",
    "ab_user_group": "FAB's, not used",
    "ab_view_menu": "FAB's, not used",
    "applier_state": "a position, repeated in every applied batch",
    "audit_events": "is the trail",
    "event_outcomes": "is the trail of the ingest door",
    "held_batches": "kept as they came, in the journal",
    "hourly_counts": "sums of audited facts",
    "jobs": "progress changes every second; who asked stands in the job",
    "login_attempts": "is a trail of its own",
    "lookup_attempts": "is a trail of its own",
    "person_changes": "a queue of the person index; the change itself is audited",
    "person_index_saves": "where a file of the person index stands; no fact",
}

# Columns whose value is never written down, only that it changed.
_SECRET_ENDINGS = ("password", "_hash", "_sha256", "secret", "token")
_LONGEST = 400


def is_audited(table: str) -> bool:
    """Whether writes to a table leave a trail."""
    return table not in UNAUDITED


def is_secret(column: str) -> bool:
    """Whether a column's value must not be written down."""
    return column.endswith(_SECRET_ENDINGS)


def shown(column: str, value: Any) -> Any:
    """A column value as JSON; secrets and files are only named."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if is_secret(column):
        return "•••"
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    text = str(value)
    if isinstance(value, dict | list) and len(text) <= _LONGEST:
        return value
    return text[:_LONGEST]
