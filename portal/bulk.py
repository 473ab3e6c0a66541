"""Bulk statements for both databases: thousands of rows by keys, in and out, past the ORM.

They pass by the ORM's listeners, so each caller writes the audit event that stands for its rows
and has checked the scope of what it writes. Callers: `portal.people.register`,
`portal.samples.registration`, `portal.ingest`.
"""

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeGuard

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.orm import Session

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NAIVE_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - stored UTC has no zone in SQLite
_MICROSECOND = dt.timedelta(microseconds=1)


def is_sqlite(session: Session) -> bool:
    """Whether the session speaks to SQLite."""
    return session.get_bind().dialect.name == "sqlite"


def micros(instant: dt.datetime) -> int:
    """Microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def instant(microseconds: int) -> dt.datetime:
    """The instant, aware, in UTC."""
    return _EPOCH + dt.timedelta(microseconds=microseconds)


class InstantText:
    """How an instant is written in a bulk row, as `UtcDateTime` would have stored it."""

    def __init__(self, session: Session) -> None:
        self._suffix = "" if is_sqlite(session) else "+00"
        self._known: dict[int, str] = {}

    def __call__(self, microseconds: int) -> str:
        """Text for microseconds since 1970."""
        known = self._known.get(microseconds)
        if known is None:
            moment = _NAIVE_EPOCH + dt.timedelta(microseconds=microseconds)
            known = moment.isoformat(" ", "microseconds") + self._suffix
            self._known[microseconds] = known
        return known


def next_ids(session: Session, table: str, count: int) -> list[int]:
    """Keys for `count` new rows, rising. On SQLite the caller must hold the write lock already."""
    if count == 0:
        return []
    if is_sqlite(session):
        last = session.execute(sa.text(f"SELECT coalesce(max(id), 0) FROM {table}")).scalar_one()  # noqa: S608
        return list(range(last + 1, last + count + 1))
    statement = sa.text(
        "SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)"
    )
    return list(session.execute(statement, {"name": table, "count": count}).scalars())


def insert_rows(
    session: Session, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Inserts rows: COPY on PostgreSQL, one prepared statement on SQLite.

    Values are text, numbers, truth values, None or bytes; instants as `InstantText`, days as ISO
    text, UUIDs as 32 hexadecimal digits, JSON as text.
    """
    if not rows:
        return
    constants = _constants(table, frozenset(columns))
    if constants:
        columns = (*columns, *(name for name, _ in constants))
        values = tuple(value for _, value in constants)
        rows = [(*row, *values) for row in rows]
    names = ", ".join(columns)
    driver = session.connection().connection.driver_connection
    if driver is None:
        raise RuntimeError("the session has no connection")
    cursor = driver.cursor()
    try:
        if is_sqlite(session):
            marks = ", ".join("?" * len(columns))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608
        else:
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
    finally:
        cursor.close()


@cache
def _constants(table: str, given: frozenset[str]) -> tuple[tuple[str, Any], ...]:
    """Columns that must not be null and were not given, with the model's own default."""
    return tuple(
        (column.name, column.default.arg)
        for column in Model.metadata.tables[table].columns
        if column.name not in given and not column.nullable and _is_constant(column.default)
    )


def _is_constant(default: Any) -> TypeGuard[sa.ColumnDefault]:
    return isinstance(default, sa.ColumnDefault) and default.is_scalar


def update_rows(session: Session, statement: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Runs one UPDATE or DELETE for each row of named values."""
    if rows:
        session.execute(sa.text(statement), list(rows))


def look_up(
    session: Session, statement: str, types: Mapping[str, str], keys: Iterable[Sequence[Any]]
) -> list[tuple[Any, ...]]:
    """Rows that belong to many keys at once.

    Args:
        session: where to ask.
        statement: a SELECT with `{keys} {join} table ON …`; the keys are a table `k`.
        types: name and PostgreSQL type of each key column (`text`, `bigint`, `uuid`).
        keys: the keys, each as long as `types`; UUIDs as 32 hexadecimal digits.
    """
    rows = list(keys)
    if not rows:
        return []
    if is_sqlite(session):
        parts = ", ".join(
            f"json_extract(value, '$[{n}]') AS {name}" for n, name in enumerate(types)
        )
        # CROSS JOIN keeps SQLite from turning the join round and reading the whole table.
        filled = statement.format(
            keys=f"(SELECT {parts} FROM json_each(:keys)) AS k",  # noqa: S608 - names of ours
            join="CROSS JOIN",
            lock="",
        )
        return [tuple(row) for row in session.execute(sa.text(filled), {"keys": json.dumps(rows)})]
    arrays = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in types.items())
    filled = statement.format(
        keys=f"unnest({arrays}) AS k ({', '.join(types)})", join="JOIN", lock="FOR UPDATE"
    )
    columns = {name: [row[n] for row in rows] for n, name in enumerate(types)}
    return [tuple(row) for row in session.execute(sa.text(filled), columns)]
