"""The hook by which `portal.exports` gives every list its export."""

from collections.abc import Callable
from typing import Any

from portal.errors import NotFound

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
