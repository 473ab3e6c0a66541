"""FAB's data interface with dotted columns, our filters, eager loads, key paging, capped counts."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import sqlalchemy as sa
from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from portal.db import db_session
from portal.web import scope
from portal.web.filters import TramFilterConverter

COUNT_CAP = 1000
_MOST_PARTS = 200  # a statement of SQLite joins at most 500


class _Dotted(dict[str, Any]):
    """A mapping that also finds `relation.column` in the related model."""

    def __init__(self, model: Any, values: dict[str, Any], kind: str) -> None:
        super().__init__(values)
        self.model, self.kind = model, kind

    def __missing__(self, key: str) -> Any:
        head, dot, rest = key.partition(".")
        relation = self.model.__mapper__.relationships.get(head) if dot else None
        if relation is None:
            raise KeyError(key)
        related = Interface(relation.mapper.class_)
        return getattr(related, self.kind)[rest]


class Interface(SQLAInterface):
    """Reads through the house's session, so that the scope wall stands before every query."""

    filter_converter_class = TramFilterConverter
    list_columns: Any
    list_properties: Any

    def __init__(self, obj: Any, session: Any = None) -> None:
        super().__init__(obj, session or db_session)
        self.list_columns = _Dotted(obj, self.list_columns, "list_columns")
        self.list_properties = _Dotted(obj, self.list_properties, "list_properties")

    def get_columns_list(self) -> list[str]:
        """Columns of the model itself; dotted ones are named where they are wanted."""
        return list(self.list_columns.keys())


def attribute(model: Any, path: str) -> InstrumentedAttribute[Any]:
    """The mapped attribute a dotted path leads to.

    Raises:
        AttributeError: no such attribute.
    """
    found: Any = model
    for name in path.split("."):
        found = getattr(found, name)
        if hasattr(found, "property") and hasattr(found.property, "mapper"):
            found = found if path.endswith(name) else found.property.mapper.class_
    return found


def value_of(row: Any, path: str) -> Any:
    """The value a dotted path leads to, None as soon as a step is None; methods are called."""

    def step(value: Any, name: str) -> Any:
        return None if value is None else getattr(value, name)

    value = reduce(step, path.split("."), row)
    return value() if callable(value) else value


def eager(model: Any, columns: Sequence[str]) -> list[Any]:
    """Load options for every relation named in `columns`, so that a list never asks per row.

    Raises:
        TypeError: a column is a list of rows, which no list can show in one statement.
    """
    options: dict[str, Any] = {}
    for path in columns:
        owner, load, walked = model, None, ""
        for name in path.split("."):
            relation = owner.__mapper__.relationships.get(name)
            if relation is None:
                break
            if relation.uselist:
                message = f"{model.__name__}.{path} is a list of rows; name a column of one row"
                raise TypeError(message)
            walked = f"{walked}.{name}"
            if walked not in options:
                target = getattr(owner, name)
                options[walked] = load.joinedload(target) if load else joinedload(target)
            load, owner = options[walked], relation.mapper.class_
    return list(options.values())


@dataclass(frozen=True, slots=True)
class Order:
    """What a list is sorted by; the primary key breaks ties, in the same direction."""

    column: str
    is_descending: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. Positions are the (value, key) of its first and last row."""

    rows: list[Any]
    has_previous: bool
    has_next: bool
    first: list[Any] | None
    last: list[Any] | None


def fetch_page(
    session: Any,
    query: sa.Select[Any],
    model: Any,
    order: Order,
    *,
    size: int,
    after: list[Any] | None = None,
    before: list[Any] | None = None,
) -> Page:
    """A page after (or before) a position: the cost is that of the page, however deep it lies."""
    is_backward = before is not None
    position = before if is_backward else after
    is_falling = order.is_descending != is_backward
    keys = _sort_keys(model, order)
    if position is not None:
        query = query.where(_beyond(keys, position, is_falling=is_falling))
    ordering = [_directed(key, is_falling=is_falling) for key in keys]
    if order.column == "id":
        query = _merged(session, query, model, ordering, size + 1)
    query = query.order_by(*ordering)
    rows = list(session.scalars(query.limit(size + 1)).unique().all())
    has_more, rows = len(rows) > size, rows[:size]
    if is_backward:
        rows.reverse()
    return Page(
        rows=rows,
        has_previous=has_more if is_backward else position is not None,
        has_next=True if is_backward else has_more,
        first=position_of(rows[0], order) if rows else None,
        last=position_of(rows[-1], order) if rows else None,
    )


def _merged(
    session: Any, query: sa.Select[Any], model: Any, ordering: list[Any], limit: int
) -> sa.Select[Any]:
    """The query among the first rows of each site (or area) that its reader may see.

    One site's rows lie in the order of its index. Of several together, a database would read all
    rows of all sites and sort them for one page.
    """
    several = scope.parts(session, model, query)
    if not 1 < len(several) <= _MOST_PARTS:
        return query
    ids = query.with_only_columns(model.id).order_by(*ordering).limit(limit)
    firsts = (
        sa.select(ids.where(getattr(model, column) == value).subquery().c.id)
        for column, value in several
    )
    return query.where(model.id.in_(sa.union_all(*firsts)))


def capped_count(session: Any, query: sa.Select[Any], model: Any) -> int:
    """How many rows, but never more than `COUNT_CAP` + 1 are looked at."""
    inner = query.with_only_columns(model.id).order_by(None).limit(COUNT_CAP + 1).subquery()
    return int(session.scalar(sa.select(sa.func.count()).select_from(inner)) or 0)


def position_of(row: Any, order: Order) -> list[Any]:
    """Where a row stands in an order, as JSON values."""
    value = getattr(row, order.column)
    if isinstance(value, dt.datetime | dt.date):
        value = value.isoformat()
    return [value, row.id]


def _sort_keys(model: Any, order: Order) -> list[Any]:
    column = getattr(model, order.column)
    return [column] if order.column == "id" else [column, model.id]


def _directed(key: Any, *, is_falling: bool) -> Any:
    directed = key.desc() if is_falling else key.asc()
    if not key.property.columns[0].nullable:
        return directed  # told where NULLs go, PostgreSQL would sort the table, index or not
    # Both databases are told where NULLs go, or a page would begin differently on each.
    return directed.nulls_last() if is_falling else directed.nulls_first()


def _beyond(keys: list[Any], position: list[Any], *, is_falling: bool) -> sa.ColumnElement[bool]:
    """Rows strictly further on. NULL counts as the smallest value."""
    pk = keys[-1]
    if len(keys) == 1:
        return (pk < position[1]) if is_falling else (pk > position[1])
    column = keys[0]
    value, key = _typed(column, position[0]), position[1]
    if value is None:
        further = sa.false() if is_falling else column.is_not(None)
        tied = column.is_(None) & ((pk < key) if is_falling else (pk > key))
        return further | tied
    pair, mark = sa.tuple_(column, pk), sa.tuple_(sa.literal(value, column.type), key)
    if not is_falling:
        return pair > mark
    return (pair < mark) | column.is_(None) if column.property.columns[0].nullable else pair < mark


def _typed(column: Any, value: Any) -> Any:
    kind = column.type.python_type if not hasattr(column.type, "impl") else dt.datetime
    if value is None or not isinstance(value, str):
        return value
    if issubclass(kind, dt.datetime):
        return dt.datetime.fromisoformat(value)
    return dt.date.fromisoformat(value) if issubclass(kind, dt.date) else value
