"""Bulk statements for both databases: thousands of rows by keys, in and out, past the ORM.

They pass by the ORM's listeners, so each caller writes the audit event that stands for its rows
and has checked the scope of what it writes. Callers: `portal.people.register`,
`portal.samples.registration`, `portal.ingest`.
"""

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from typing import Any, Self, TypeGuard

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from portal.references import References

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NAIVE_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - stored UTC has no zone in SQLite
_MICROSECOND = dt.timedelta(microseconds=1)
_SEPARATOR = "\x1f"


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


# Nearly always without a hole: then two numbers say them all.
_NEXT_IDS = """
SELECT min(v), max(v), CASE WHEN max(v) - min(v) + 1 <> count(*) THEN array_agg(v) END
FROM (SELECT nextval('{sequence}') AS v FROM generate_series(1, :count)) AS taken
"""


_FIND_SEQUENCE = sa.text("SELECT pg_get_serial_sequence(:name, 'id')")
# table → its sequence: looked up once, and not for each number.
_sequences: dict[str, str] = {}


def next_ids(session: Session, table: str, count: int) -> list[int]:
    """Keys for `count` new rows, rising. On SQLite the caller must hold the write lock already."""
    if count == 0:
        return []
    if is_sqlite(session):
        last = session.execute(sa.text(f"SELECT coalesce(max(id), 0) FROM {table}")).scalar_one()  # noqa: S608
        return list(range(last + 1, last + count + 1))
    if table not in _sequences:
        _sequences[table] = session.execute(_FIND_SEQUENCE, {"name": table}).scalar_one()
    statement = sa.text(_NEXT_IDS.format(sequence=_sequences[table]))
    first, last, others = session.execute(statement, {"count": count}).one()
    return sorted(others) if others else list(range(first, last + 1))


def insert_rows(
    session: Session, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Inserts rows: COPY on PostgreSQL, one prepared statement on SQLite.

    Values are text, numbers, truth values, None or bytes; instants as `InstantText`, days as ISO
    text, UUIDs as 32 hexadecimal digits, JSON as text.
    """
    if rows:
        connection = session.connection()
        _insert(connection, References(connection), table, columns, rows)


def _insert(
    connection: sa.Connection,
    references: References,
    table: str,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    constants = _constants(table, frozenset(columns))
    if constants:
        columns = (*columns, *(name for name, _ in constants))
        values = tuple(value for _, value in constants)
        rows = [(*row, *values) for row in rows]
    names = ", ".join(columns)
    driver = connection.connection.driver_connection
    if driver is None:
        raise RuntimeError("the session has no connection")
    cursor = driver.cursor()
    statement = f"COPY {table} ({names}) FROM STDIN"
    dbapi = connection.dialect.loaded_dbapi
    try:
        if connection.dialect.name == "sqlite":
            marks = ", ".join("?" * len(columns))
            statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - ours
            cursor.executemany(statement, rows)
        else:
            with (
                references.checked(cursor, table, columns, rows),
                cursor.copy(statement) as copy,
            ):
                for row in rows:
                    copy.write_row(row)
    except dbapi.Error as error:
        # As SQLAlchemy would say it: callers tell a database that is away from a row that is bad.
        raise sa.exc.DBAPIError.instance(
            statement, None, error, dbapi.Error, hide_parameters=True, dialect=connection.dialect
        ) from error
    finally:
        cursor.close()


class Writer:
    """Inserts in their order while the caller prepares the next; a context manager.

    On PostgreSQL the server's work and ours overlap. Until `wait` the session may not be used
    otherwise. SQLite works in our own process: there each insert happens at once.
    """

    def __init__(self, session: Session) -> None:
        self._connection = session.connection()
        self._references = References(self._connection)
        self._thread = None if is_sqlite(session) else ThreadPoolExecutor(1, "writer")
        self._begun: list[Future[None]] = []

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """See `insert_rows`. A failure is raised here or by `wait`."""
        if not rows:
            return
        if self._thread is None:
            _insert(self._connection, self._references, table, columns, rows)
        else:
            given = self._connection, self._references, table, columns, rows
            self._begun.append(self._thread.submit(_insert, *given))

    def wait(self) -> None:
        """Returns when everything is inserted; raises the first failure."""
        begun, self._begun = self._begun, []
        wait(begun)
        for future in begun:
            future.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            wait(self._begun)
            if kind is None:
                self.wait()
        finally:
            if self._thread is not None:
                self._thread.shutdown(wait=True)


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


def among(column: Any, name: str, *, is_sqlite: bool) -> sa.ColumnElement[bool]:
    """`column IN :name`, where `name` is given a list: one value, whatever its length.

    For statements made once: their text, and with it the database's plan, never changes.
    """
    if is_sqlite:
        given = sa.bindparam(name, type_=sa.JSON)
        listed = sa.func.json_each(given).table_valued("value")
        return column.in_(sa.select(listed.c.value))
    return column == sa.any_(sa.bindparam(name, type_=postgresql.ARRAY(column.type)))


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
    columns: dict[str, Any] = {}
    arrays = []
    for (name, kind), values in zip(types.items(), zip(*rows, strict=True), strict=True):
        # One text for a column: an array would be written value by value.
        text = _SEPARATOR.join(map(str, values))
        is_plain = text != "" and text.count(_SEPARATOR) == len(values) - 1
        columns[name] = text if is_plain else list(values)
        given = f"string_to_array(:{name}, chr(31))" if is_plain else f":{name}"
        arrays.append(f"CAST({given} AS {kind}[])")
    filled = statement.format(
        keys=f"unnest({', '.join(arrays)}) AS k ({', '.join(types)})",
        join="JOIN",
        lock="FOR UPDATE",
    )
    return [tuple(row) for row in session.execute(sa.text(filled), columns)]
