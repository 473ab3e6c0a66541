"""What a test costs by the size of its pool: dated prices of `prices.csv`, each with its document.

A price is for one person, reagents included; a retest is billed as a single sample (letter
4356/BYT-KHTC). New prices are new rows with their day; the row in force counts.
"""

import csv
import datetime as dt
import functools
from pathlib import Path
from typing import NamedTuple

SINGLE = "single"


class Price(NamedTuple):
    """A price of the tariff.

    Attributes:
        basis: `single`, or the kind of pool (`swab`).
        size: people in the pool.
        vnd: dong for one person.
        valid_from: the first day of the tariff.
        document: where it stands.
    """

    basis: str
    size: int
    vnd: int
    valid_from: dt.date
    document: str


@functools.cache
def _tariff() -> tuple[Price, ...]:
    path = Path(__file__).with_name("prices.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(
            Price(
                row["basis"],
                int(row["size"]),
                int(row["price_vnd_per_person"]),
                dt.date.fromisoformat(row["valid_from"]),
                row["document"],
            )
            for row in csv.DictReader(file)
        )


def in_force(day: dt.date, basis: str = "swab") -> dict[int, Price]:
    """Price by pool size on a day; 1 is a single test. Sizes without a price are absent."""
    found: dict[int, Price] = {}
    for price in sorted(_tariff(), key=lambda row: row.valid_from):
        if price.valid_from <= day and price.basis in {SINGLE, basis}:
            found[price.size] = price
    return found
