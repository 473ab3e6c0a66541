"""Statuses of campaigns and collection sessions, methods, specimen types."""

from enum import StrEnum


class CampaignStatus(StrEnum):
    """What a campaign is; sessions are opened only in an open one."""

    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"


class SessionStatus(StrEnum):
    """What a collection session is; devices scan only into an open one."""

    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"


MOVES: dict[str, frozenset[str]] = {
    "planned": frozenset({"open", "closed"}),
    "open": frozenset({"closed"}),
    "closed": frozenset({"open"}),
}


class Method(StrEnum):
    """How a sample is tested (R26)."""

    PCR = "pcr"
    ANTIGEN = "antigen"


class SpecimenType(StrEnum):
    """What is taken."""

    NASOPHARYNGEAL = "nasopharyngeal"
    OROPHARYNGEAL = "oropharyngeal"
    SALIVA = "saliva"


# Circular 16/2021/TT-BYT prices field pools of 2 to 10 swabs; larger ones were local practice.
DEFAULT_POOL_SIZE = 5
DEFAULT_MAX_POOL_SIZE = 10
# Decision 3486/QĐ-BYT asks to go back to the members; the 24 hours are practice, so data.
DEFAULT_RETEST_HOURS = 24
DEFAULT_RESULT_HOURS = 24
