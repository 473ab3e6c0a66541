"""Kinds of sites, their statuses, and the readiness checklist (R21)."""

from enum import StrEnum


class SiteKind(StrEnum):
    """What is done at a site; `department` is the health department itself."""

    COLLECTION = "collection"
    LABORATORY = "laboratory"
    VACCINATION = "vaccination"
    QUARANTINE = "quarantine"
    DEPARTMENT = "department"


class SiteStatus(StrEnum):
    """Whether a site works."""

    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"


MOVES: dict[SiteStatus, frozenset[SiteStatus]] = {
    SiteStatus.PLANNED: frozenset({SiteStatus.OPEN, SiteStatus.CLOSED}),
    SiteStatus.OPEN: frozenset({SiteStatus.CLOSED}),
    SiteStatus.CLOSED: frozenset({SiteStatus.OPEN}),
}

# R21: a computer, a line, Wi-Fi and a reader at each point; R15: trained people.
CHECKLIST: dict[SiteKind, tuple[str, ...]] = {
    SiteKind.COLLECTION: ("computer", "internet", "wifi", "scanner", "printer", "trained_staff"),
    SiteKind.LABORATORY: ("computer", "internet", "scanner", "printer", "trained_staff"),
    SiteKind.VACCINATION: ("computer", "internet", "printer", "cold_chain", "trained_staff"),
    SiteKind.QUARANTINE: ("computer", "internet", "trained_staff"),
    SiteKind.DEPARTMENT: ("computer", "internet"),
}
