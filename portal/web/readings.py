"""The hooks by which screens tell the audit log which rows they showed. Filled in at start."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from flask_babel import lazy_gettext
from sqlalchemy.orm import Session

from portal.actors import Actor

RowReader = Callable[[Session, Actor, str, str, str], None]

# Why personal data leave the screen: asked where a file is made, never for looking.
PURPOSES: dict[str, Any] = {
    "epidemic control": lazy_gettext("Epidemic control"),
    "statistics": lazy_gettext("Reports and statistics"),
    "inspection": lazy_gettext("Inspection and audit"),
    "request of the person": lazy_gettext("Request of the person concerned"),
    "data quality": lazy_gettext("Correction of data"),
}


class RowsReader(Protocol):
    """Writes one event for many rows shown together."""

    def __call__(
        self,
        session: Session,
        actor: Actor,
        table: str,
        keys: Sequence[int],
        *,
        asked: Sequence[Any] = (),
    ) -> None:
        """`asked` is what was searched for; it may name people."""


class _Hooks:
    row: RowReader | None = None
    rows: RowsReader | None = None


def register(row: RowReader, rows: RowsReader) -> None:
    """Names the functions that audit the opening of one row and the showing of many."""
    _Hooks.row, _Hooks.rows = staticmethod(row), staticmethod(rows)


def tell_row(session: Session, actor: Actor, table: str, key: int) -> None:
    """One row was opened."""
    if _Hooks.row is not None:
        _Hooks.row(session, actor, table, str(key), "")


def tell_rows(
    session: Session, actor: Actor, table: str, keys: Sequence[int], asked: Sequence[Any] = ()
) -> None:
    """Many rows were shown on one page, in answer to what was asked."""
    if _Hooks.rows is not None:
        _Hooks.rows(session, actor, table, keys, asked=asked)
