"""Which tables are audited and how, and what never enters the audit log."""

import datetime as dt
from collections.abc import Iterable, Mapping
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
    "audit_heads": "seals the trail",
    "audit_leaves": "seals the trail",
    "audit_subject_keys": "keys of the trail; an erasure is an event of its own",
    "completeness_counts": "sums of audited facts",
    "event_outcomes": "is the trail of the ingest door",
    "held_batches": "kept as they came, in the journal",
    "hourly_counts": "sums of audited facts",
    "jobs": "progress changes every second; who asked stands in the job",
    "login_attempts": "is a trail of its own",
    "lookup_attempts": "is a trail of its own",
    "person_changes": "a queue of the person index; the change itself is audited",
    "person_index_saves": "where a file of the person index stands; no fact",
    "person_sweeps": "progress of the person index; the pairs found are audited",
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


# Tables about one person: kind of subject and the column that names it. Any other table is about
# the first of its columns in `_SUBJECT_COLUMNS` that has a value.
_SUBJECTS = {
    "ab_user": ("logins", "id"),
    "declarations": ("declarations", "id"),
    "duplicate_candidates": ("people", "left_id"),
    "merges": ("people", "kept_id"),
    "people": ("people", "id"),
    "staff_profiles": ("logins", "user_id"),
}
_SUBJECT_COLUMNS = (
    ("people", "person_id"),
    ("samples", "sample_id"),
    ("declarations", "declaration_id"),
    ("staff", "staff_id"),
)
# What may be read of a person's row without their key: keys, instants, and words of few values
# that say nothing about health. Everything else is personal.
_PLAIN = frozenset(
    {"id", "kind", "number", "position", "rows", "source", "status", "version", "uid"}
)
_PLAIN_ENDINGS = ("_id", "_at")
_NEVER_PLAIN = frozenset({"national_id", "external_id"})


def subject_of(table: str, values: Mapping[str, Any]) -> str:
    """Whose row it is, e.g. `people/12`; empty for a row about nobody."""
    if table in _SUBJECTS:
        kind, column = _SUBJECTS[table]
        value = values.get(column)
        return f"{kind}/{value}" if value is not None else ""
    for kind, column in _SUBJECT_COLUMNS:
        if values.get(column) is not None:
            return f"{kind}/{values[column]}"
    return ""


def subject_columns(table: str, columns: Iterable[str]) -> list[str]:
    """The columns of a table that say whose row it is; none for a table about nobody."""
    if table in _SUBJECTS:
        return [_SUBJECTS[table][1]]
    held = set(columns)
    return [column for _kind, column in _SUBJECT_COLUMNS if column in held]


def is_personal(column: str) -> bool:
    """Whether a column of a person's row may stand in the trail only under their key."""
    is_plain = column in _PLAIN or column.endswith(_PLAIN_ENDINGS)
    return column in _NEVER_PLAIN or not is_plain


# How the actions of readings begin; whatever else stands in the trail was written.
READINGS = ("read", "list", "export", "print", "verify", "subject access")

# Longer lists of keys are told by their first and last alone.
_MOST_RANGES = 5000


def range_holds(text: str, key: int) -> bool:
    """Whether `ranges` written so hold a key; `~` before them says that some between may not."""
    for part in text.removeprefix("~").split(", "):
        first, _, last = part.partition("-")
        if first.isdigit() and int(first) <= key <= int(last or first):
            return True
    return False


def bounds(text: str) -> tuple[int, int]:
    """The lowest and the highest key of what `ranges` wrote."""
    parts = text.removeprefix("~").split(", ")
    return int(parts[0].partition("-")[0]), int(parts[-1].rpartition("-")[2])


def ranges(keys: Iterable[int]) -> str:
    """Keys in short: `3-7, 9`; `~3-99999` where very many single ones lie between."""
    parts: list[list[int]] = []
    for key in sorted(set(keys)):
        if parts and parts[-1][1] == key - 1:
            parts[-1][1] = key
        else:
            parts.append([key, key])
    if len(parts) > _MOST_RANGES:
        return f"~{parts[0][0]}-{parts[-1][1]}"
    return ", ".join(f"{first}-{last}" if first != last else str(first) for first, last in parts)
