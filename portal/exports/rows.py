"""The rows of a list's export: plain columns by keyset chunks, never whole objects."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from portal.web.datamodel import value_of

CHUNK = 5000
Shape = Callable[[Any], Any]


class Columns:
    """How the columns of a view are read in one statement.

    A dotted path is an outer join; a related row is its key, named once by its label; what is
    neither (a method, a property) is asked of the row itself.
    """

    def __init__(self, session: Session, view: Any) -> None:
        self.session = session
        self.view = view
        self.model = view.model
        self.names = list(view.export_columns or view.show_columns)
        self.joins: dict[str, tuple[Any, Any]] = {}
        self.selected: list[Any] = []
        self.shapes: list[Shape] = []
        self.is_plain = all(self._add(name) for name in self.names)

    @property
    def head(self) -> list[str]:
        """The labels, as the list shows them."""
        return [str(self.view.label_columns.get(name, name)) for name in self.names]

    def _add(self, path: str) -> bool:
        owner = self.model
        *steps, last = path.split(".")
        walked = ""
        for step in steps:
            walked = f"{walked}.{step}"
            relation = sa.inspect(owner).mapper.relationships.get(step)
            if relation is None:
                return False
            if walked not in self.joins:
                self.joins[walked] = (aliased(relation.mapper.class_), getattr(owner, step))
            owner = self.joins[walked][0]
        mapper = sa.inspect(owner).mapper
        if last in mapper.relationships:
            (key,) = mapper.relationships[last].local_columns
            self.selected.append(getattr(owner, mapper.get_property_by_column(key).key))
            self.shapes.append(self._label_of(mapper.relationships[last].mapper.class_))
        elif last in mapper.column_attrs:
            self.selected.append(getattr(owner, last))
            self.shapes.append(self._shape_of(path))
        else:
            return False
        return True

    def _label_of(self, model: Any) -> Shape:
        @cache
        def label(key: Any) -> str:
            return "" if key is None else str(self.session.get(model, key) or "")

        return label

    def _shape_of(self, path: str) -> Shape:
        choices = {choice[0]: str(choice[1]) for choice in self.view.choices_columns.get(path, ())}
        formatter = self.view.formatters_columns.get(path)
        if choices:
            return lambda value: choices.get(value, value)
        if formatter is not None:
            return lambda value: str(formatter(value))
        return lambda value: value

    def read(self, query: sa.Select[Any]) -> Iterator[list[Any]]:
        """The shaped rows of a query over the model, by key, a chunk at a time."""
        yield from self._read_plain(query) if self.is_plain else self._read_objects(query)

    def _read_plain(self, query: sa.Select[Any]) -> Iterator[list[Any]]:
        query = query.with_only_columns(self.model.id, *self.selected, maintain_column_froms=True)
        for target, relation in self.joins.values():
            query = query.outerjoin(target, relation.of_type(target))
        query = query.order_by(None).order_by(self.model.id).limit(CHUNK)
        last = 0
        while True:
            chunk = self.session.execute(query.where(self.model.id > last)).all()
            for row in chunk:
                pairs = zip(self.shapes, row[1:], strict=True)
                yield [shape(value) for shape, value in pairs]
            if len(chunk) < CHUNK:
                return
            last = chunk[-1][0]

    def _read_objects(self, query: sa.Select[Any]) -> Iterator[list[Any]]:
        query = query.order_by(None).order_by(self.model.id).limit(CHUNK)
        last = 0
        while True:
            page = query.where(self.model.id > last)
            chunk = self.session.scalars(page.options(*self.view._show_options)).unique().all()  # noqa: SLF001
            for item in chunk:
                yield [self._shape_of(name)(_text(value_of(item, name))) for name in self.names]
            if len(chunk) < CHUNK:
                return
            last = chunk[-1].id
            self.session.expunge_all()


def _text(value: Any) -> Any:
    return str(value) if hasattr(value, "__mapper__") else value
