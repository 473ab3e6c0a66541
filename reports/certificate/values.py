"""A page as the list of values that `core_rs` fills in, and what it shares with other pages."""

import datetime as dt
from enum import IntEnum
from operator import attrgetter

from reports.certificate.page import RENDERER, CertificatePage, identity_of
from reports.pdf import w3c_instant

# The values that stand in a place of the page, in the order of the list: these, the values of the
# table's rows, those after them.
SLOTS_BEFORE_ROWS = ("agency", "number", "place_and_date")
SLOTS_AFTER_ROWS = ("outcome", "outcome_en", "signer_name", "code", "verify_text")

_before_rows = attrgetter(*SLOTS_BEFORE_ROWS)
_after_rows = attrgetter("shown_outcome", *SLOTS_AFTER_ROWS[1:], "verify_url")


class Extra(IntEnum):
    """Values that stand elsewhere in the file, counted from the end of the list."""

    VERIFY_URL = 0
    INFO_DATE = 1
    XMP_DATE = 2
    SIGNING_DATE = 3
    IDENTIFIER = 4


def slot_count(page: CertificatePage) -> int:
    """How many values of the page stand in a place of their own."""
    return len(SLOTS_BEFORE_ROWS) + len(page.rows) + len(SLOTS_AFTER_ROWS)


def values_of(page: CertificatePage, identifier: str) -> list[str]:
    """All values, places first.

    Args:
        page: whose values.
        identifier: of the file, in hexadecimal digits.
    """
    issued = page.issued_at.astimezone(dt.UTC)
    stamp = f"{issued:%Y%m%d%H%M%S}"
    return [
        *_before_rows(page),
        *[row.value for row in page.rows],
        *_after_rows(page),
        stamp,
        w3c_instant(issued),
        stamp,
        identifier,
    ]


def light_values(page: CertificatePage) -> tuple[str, ...]:
    """The values that are not printed bold."""
    return (
        page.number,
        page.place_and_date,
        page.shown_outcome,
        page.outcome_en,
        page.verify_text,
    )


def texts_of(page: CertificatePage) -> tuple[str, ...]:
    """The texts of the page that are the same for everybody, but for the words of the template."""
    return (
        page.parent_agency,
        page.title,
        page.title_en,
        *[row.label for row in page.rows],
        *[row.label_en for row in page.rows],
        *page.notes,
        page.signer_title,
        page.watermark,
    )


DesignKey = tuple[tuple[str, ...], int, bool, str]


def design_key(page: CertificatePage, renderer: int = RENDERER) -> DesignKey:
    """Pages with the same key share a design, and so the bytes of everything but their values."""
    letters: list[str] = []
    if renderer != RENDERER:  # its designs embed the letters of light values
        letters = sorted(letter for letter in set("".join(light_values(page))) if letter > "~")
    return texts_of(page), len(page.rows), page.is_alert, "".join(letters)


__all__ = [
    "SLOTS_AFTER_ROWS",
    "SLOTS_BEFORE_ROWS",
    "DesignKey",
    "Extra",
    "design_key",
    "identity_of",
    "light_values",
    "slot_count",
    "texts_of",
    "values_of",
]
