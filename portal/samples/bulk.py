"""Many rows in one statement, the same on both databases."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

# SQLite sends a list as one JSON text, PostgreSQL as one array: a single bound value either way,
# so that the statement does not grow with the list and its plan is kept.


def is_sqlite(session: Session) -> bool:
    """Whether the session writes to the embedded database."""
    return session.get_bind().dialect.name == "sqlite"


def among(
    session: Session, column: Any, values: Sequence[int] | Sequence[str]
) -> sa.ColumnElement[bool]:
    """`column IN values`, for any number of values."""
    if is_sqlite(session):
        listed = sa.func.json_each(sa.literal(list(values), sa.JSON)).table_valued("value")
        return column.in_(sa.select(listed.c.value))
    return column == sa.any_(sa.literal(list(values), postgresql.ARRAY(column.type)))


def update_rows(
    session: Session, table: sa.Table, rows: Sequence[Mapping[str, Any]], *, audit: str
) -> None:
    """Sets other values in each of many rows: `rows` hold `id` and the columns to set.

    One UPDATE … FROM a list of rows; every row names the same columns. `version`, where the table
    has one, goes up by one. `audit` is the verb that the audit log shows for all of them.
    """
    if not rows:
        return
    source = _listed(session, table, rows)
    names = list(rows[0])
    changes: dict[str, Any] = {
        name: sa.type_coerce(source.c[name], table.c[name].type) for name in names if name != "id"
    }
    if "version" in table.c:
        changes["version"] = table.c.version + 1
    statement = sa.update(table).values(changes).where(table.c.id == source.c.id)
    keys = [int(row["id"]) for row in rows]
    session.execute(statement.execution_options(audit=audit, audit_rows=keys))


def insert_rows(
    session: Session, table: sa.Table, rows: Sequence[Mapping[str, Any]], *, audit: str
) -> None:
    """Inserts many rows by one INSERT … SELECT; every row names the same columns.

    Columns without a value in the rows get the plain default of the model. `audit` is the verb
    that the audit log shows for all of them.
    """
    if not rows:
        return
    source = _listed(session, table, rows)
    values = {name: sa.type_coerce(source.c[name], table.c[name].type) for name in rows[0]}
    for column in table.c:
        default: Any = column.default
        if column.name not in values and default is not None and default.is_scalar:
            values[column.name] = sa.type_coerce(default.arg, column.type)
    chosen = sa.select(*values.values()).select_from(source)
    statement = sa.insert(table).from_select(list(values), chosen)
    session.execute(statement.execution_options(audit=audit))


def _listed(session: Session, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> sa.FromClause:
    """The rows as a table of one bound value (SQLite) or of one array a column (PostgreSQL)."""
    names = list(rows[0])
    dialect = session.get_bind().dialect
    if not is_sqlite(session):
        arrays = [
            sa.literal([row[name] for row in rows], postgresql.ARRAY(table.c[name].type))
            for name in names
        ]
        return sa.func.unnest(*arrays).table_valued(*names, name="listed").render_derived()
    keepers: list[Callable[[Any], Any]] = [
        table.c[name].type.dialect_impl(dialect).bind_processor(dialect) or _as_is for name in names
    ]
    values = [[keep(row[name]) for name, keep in zip(names, keepers, strict=True)] for row in rows]
    listed = sa.func.json_each(sa.literal(values, sa.JSON)).table_valued("value")
    picked = [
        sa.func.json_extract(listed.c.value, f"$[{number}]").label(name)
        for number, name in enumerate(names)
    ]
    return sa.select(*picked).subquery("listed")


def _as_is(value: Any) -> Any:
    return value


def epoch(session: Session, column: sa.ColumnElement[Any]) -> sa.ColumnElement[int | None]:
    """An instant as whole seconds since 1970, made by the database: ten times cheaper to read."""
    if is_sqlite(session):
        return sa.cast(sa.func.strftime("%s", column), sa.Integer)
    return sa.cast(sa.func.floor(sa.extract("epoch", column)), sa.BigInteger)
