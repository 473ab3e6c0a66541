"""Hooks by which areas above give lists their export, and buttons of their own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import current_app

from portal.errors import NotFound
from portal.web import access
from portal.web.datamodel import Order

Exporter = Callable[[Any, Any, str], Any]


class _Hook:
    start: Exporter | None = None


def register_exporter(exporter: Exporter) -> None:
    """Names the function that starts an export of (view, search, file format) and answers."""
    _Hook.start = staticmethod(exporter)


def is_available() -> bool:
    """Whether exports are installed."""
    return _Hook.start is not None


def start(view: Any, search: Any, file_format: str) -> Any:
    """Starts an export; the answer leads to its progress page."""
    if _Hook.start is None or file_format not in {"csv", "xlsx"}:
        raise NotFound("Not found.")
    return _Hook.start(view, search, file_format)


@dataclass(frozen=True, slots=True)
class ListButton:
    """A button of the lists of some tables, for whoever holds a permission.

    Its endpoint gets the name of the view and the arguments of the list's address.
    """

    label: Any
    endpoint: str
    permission: str
    view: str
    tables: frozenset[str]


_buttons: dict[str, ListButton] = {}


def register_button(
    label: Any, endpoint: str, permission: str, view: str, *, tables: frozenset[str]
) -> None:
    """Gives the lists of these tables a button; safe to repeat."""
    _buttons[endpoint] = ListButton(label, endpoint, permission, view, tables)


def buttons_of(view: Any) -> list[ListButton]:
    """The buttons that whoever asks sees on a list."""
    table = view.model.__tablename__
    return [
        button
        for button in _buttons.values()
        if table in button.tables and access.may(button.permission, button.view)
    ]


def view_of(endpoint: str) -> Any:
    """The view of a list.

    Raises:
        NotFound: there is none.
    """
    for view in current_app.appbuilder.baseviews:  # type: ignore[attr-defined]
        if view.endpoint == endpoint and hasattr(view, "query_of"):
            return view
    raise NotFound("Not found.")


def rows_of(endpoint: str, terms: list[list[Any]]) -> Any:
    """The statement of a list's search, for whoever acts now."""
    from portal.web.lists import Search

    return view_of(endpoint).query_of(Search(terms=terms, order=Order("id")))
