"""The tiles of the first page: one for each screen of the role's menu, with what waits there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext

from portal.campaigns.counters import Measure
from portal.home.queries import Figures, people_to_retest, waiting_people

Count = Callable[[Figures], int]


@dataclass(frozen=True, slots=True)
class Tile:
    """A screen, and a figure with what it counts where there is one."""

    label: str
    url: str
    count: int | None = None
    caption: Any = ""
    tone: str = ""


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
    "CoordinatorView": (
        lambda found: found[Measure.PEOPLE_REGISTERED],
        lazy_gettext("people sampled"),
        "",
    ),
}


def tiles(menu: list[tuple[Any, list[Any]]], found: Figures) -> list[Tile]:
    """One tile for each screen in the menu, those with something to do first."""
    entries = [item for entry, children in menu for item in (children or [entry])]
    made = [_tile(item, found) for item in entries]
    return sorted(made, key=lambda tile: tile.count is None)


def _tile(item: Any, found: Figures) -> Tile:
    name = type(item.baseview).__name__
    label, url = str(item.label), item.get_url()
    if name not in _FIGURES:
        return Tile(label, url)
    count_of, caption, tone = _FIGURES[name]
    count = count_of(found)
    return Tile(label, url, count, caption, tone if count else "")
