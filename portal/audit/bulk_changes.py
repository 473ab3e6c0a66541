"""Before and after of bulk updates, where they change a status or what is known of a person.

An update of rows about nobody (tubes, results of tubes, pools) keeps them in its one event, rows
grouped by value. An update of rows of people gets an event for each row, its values sealed under
the key of the person. Both cost two SELECTs by key, whatever the number of rows.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.audit import rules

_CHUNK = 10_000
_STATUSES = frozenset(
    {"status", "state", "outcome", "hold_reason", "rejection_reason", "test_number", "tube_id"}
)
# Grouping by value says nothing where each row has its own.
_MOST_VALUES = 20


@dataclass(frozen=True, slots=True)
class Watched:
    """What an update may change, and how its rows looked before.

    Attributes:
        table: of the update.
        columns: those it sets that are watched.
        before: key → row; of rows about somebody with the column that names them.
    """

    table: sa.Table
    columns: tuple[str, ...]
    before: Mapping[int, Mapping[str, Any]]


def watch(session: Session, statement: Any) -> Watched | None:
    """The rows that an UPDATE will touch, read before it runs; None if nothing is watched."""
    table = statement.table
    if not isinstance(table, sa.Table) or "id" not in table.c:
        return None
    is_personal = bool(rules.subject_columns(table.name, table.c.keys()))
    named = [getattr(column, "key", str(column)) for column in statement._values or ()]  # noqa: SLF001
    columns = tuple(
        name
        for name in named
        if name in _STATUSES or (is_personal and name != "version" and rules.is_personal(name))
    )
    if not columns:
        return None
    wanted = [table.c.id, *(table.c[name] for name in columns)]
    wanted += [table.c[name] for name in rules.subject_columns(table.name, table.c.keys())
               if name not in {"id", *columns}]  # fmt: skip
    query = sa.select(*wanted)
    if statement.whereclause is not None:
        query = query.where(statement.whereclause)
    rows = session.connection().execute(query).mappings()
    return Watched(table, columns, {row["id"]: dict(row) for row in rows})


def changes_of(session: Session, watched: Watched) -> list[tuple[int, str, dict[str, Any]]]:
    """(key, subject, change) of every row whose watched values are others now."""
    keys = sorted(watched.before)
    table = watched.table
    found = []
    for start in range(0, len(keys), _CHUNK):
        part = keys[start : start + _CHUNK]
        query = sa.select(table.c.id, *(table.c[name] for name in watched.columns))
        for row in session.connection().execute(query.where(table.c.id.in_(part))).mappings():
            before = watched.before[row["id"]]
            change = {
                name: [rules.shown(name, before[name]), rules.shown(name, row[name])]
                for name in watched.columns
                if before[name] != row[name]
            }
            if change:
                found.append((row["id"], rules.subject_of(table.name, before), change))
    return found


def grouped(changes: Sequence[tuple[int, str, dict[str, Any]]]) -> dict[str, Any]:
    """Changes of rows about nobody: column → [values before, values after], each with its rows."""
    columns: dict[str, list[defaultdict[str, list[int]]]] = {}
    for key, _subject, change in changes:
        for name, pair in change.items():
            sides = columns.setdefault(name, [defaultdict(list), defaultdict(list)])
            for side, value in zip(sides, pair, strict=True):
                side[str(value if value not in (None, "") else "–")].append(key)
    return {name: [_told(side) for side in sides] for name, sides in columns.items()}


def _told(values: Mapping[str, list[int]]) -> str:
    if len(values) == 1:
        return next(iter(values))
    shown = [f"{value} ({rules.ranges(keys)})" for value, keys in sorted(values.items())]
    rest = len(shown) - _MOST_VALUES
    return "; ".join(shown[:_MOST_VALUES]) + (f"; +{rest}" if rest > 0 else "")
