"""The first page: a tile for each screen where something waits, the others by menu heading."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext

from portal.campaigns.counters import Measure
from portal.home.queries import Figures, people_to_retest, waiting_people

Count = Callable[[Figures], int]


@dataclass(frozen=True, slots=True)
class Tile:
    """A screen and the figure that leads there, with what it counts."""

    label: str
    url: str
    count: int
    caption: Any
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A heading of the menu and its screens, as (label, address)."""

    label: str
    screens: list[tuple[str, str]]


# view → (what to count, what the count is called, tone while it is not zero)
_FIGURES: dict[str, tuple[Count, Any, str]] = {
    "ScanningView": (
        lambda found: found[f"today:{Measure.PEOPLE_REGISTERED}"],
        lazy_gettext("people sampled today"),
        "",
    ),
    "SampleView": (waiting_people, lazy_gettext("people waiting for a result"), "warn"),
    "TubeView": (lambda found: found[Measure.TUBES_REGISTERED], lazy_gettext("tubes"), ""),
    "RetestView": (people_to_retest, lazy_gettext("people to sample again"), "bad"),
    "ReceiptView": (
        lambda found: found["boxes_underway"],
        lazy_gettext("boxes on their way"),
        "warn",
    ),
    "RackView": (
        lambda found: found["tubes_waiting"],
        lazy_gettext("tubes waiting for a result"),
        "warn",
    ),
    "CoordinationView": (
        lambda found: found[Measure.PEOPLE_REGISTERED],
        lazy_gettext("people sampled"),
        "",
    ),
}

_HASTE = {"bad": 0, "warn": 1}


def tiles(menu: list[tuple[Any, list[Any]]], found: Figures) -> list[Tile]:
    """A tile for each screen that has a figure: first those where somebody waits."""
    entries = [item for entry, children in menu for item in (children or [entry])]
    made = [_tile(item, found) for item in entries if _name(item) in _FIGURES]
    return sorted(made, key=lambda tile: (_HASTE.get(tile.tone, len(_HASTE)), tile.count == 0))


def places(menu: list[tuple[Any, list[Any]]]) -> list[Place]:
    """Every screen of the menu, under its heading."""
    return [
        Place(
            str(entry.label),
            [(str(item.label), item.get_url()) for item in (children or [entry])],
        )
        for entry, children in menu
    ]


def _name(item: Any) -> str:
    return type(item.baseview).__name__


def _tile(item: Any, found: Figures) -> Tile:
    count_of, caption, tone = _FIGURES[_name(item)]
    count = count_of(found)
    return Tile(str(item.label), item.get_url(), count, caption, tone if count else "")
