"""Kinds and statuses of tickets, and what may not stand in one."""

import re
from enum import StrEnum

LONGEST_TEXT = 2000
_LONGEST_SCREEN = 120
# Nine digits or more are a phone, an identity card or an insurance number, however they are spaced.
_LONG_NUMBER = re.compile(r"\d(?:[ .-]?\d){8,}")
_REQUEST = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


class Kind(StrEnum):
    """What a ticket is about."""

    FAULT = "fault"
    IDEA = "idea"
    QUESTION = "question"


class TicketStatus(StrEnum):
    """How far a ticket is."""

    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"


MOVES: dict[str, frozenset[str]] = {
    "open": frozenset({"answered", "closed"}),
    "answered": frozenset({"answered", "closed"}),
    "closed": frozenset(),
}


def has_long_number(text: str) -> bool:
    """Whether a text seems to name somebody by a number."""
    return _LONG_NUMBER.search(text) is not None


def request_number(text: str) -> str:
    """The number of a request as the error page shows it; empty for anything else."""
    lowered = text.strip().lower()
    return lowered if _REQUEST.match(lowered) else ""


def screen_name(text: str, known: frozenset[str]) -> str:
    """The address of a screen without its rows, such as `/samples/show/<int:pk>`; else empty."""
    return text if text in known and len(text) <= _LONGEST_SCREEN else ""
