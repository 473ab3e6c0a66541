"""What may become of a tube, and why a laboratory refuses one."""

from collections.abc import Iterable
from enum import StrEnum


class TubeStatus(StrEnum):
    """Where a tube stands on its way from the swab to the result."""

    OPEN = "open"
    SEALED = "sealed"
    SENT = "sent"
    RECEIVED = "received"
    IN_TEST = "in_test"
    RESULTED = "resulted"
    REJECTED = "rejected"
    LOST = "lost"
    DISCARDED = "discarded"


class Outcome(StrEnum):
    """What a laboratory or a kit says (glossary, "Results: one vocabulary")."""

    NEGATIVE = "negative"
    POSITIVE = "positive"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"
    REJECTED = "rejected"


class Rejection(StrEnum):
    """Why a laboratory refuses a tube; the order is that of the keys 1 to 8 on the screen."""

    LEAKING = "leaking"
    UNLABELLED = "unlabelled"
    INSUFFICIENT = "insufficient"
    WRONG_MEDIUM = "wrong_medium"
    TOO_OLD = "too_old"
    TOO_WARM = "too_warm"
    EMPTY = "empty"
    OTHER = "other"


# One table of allowed moves. A device may come late, so the laboratory may receive a tube of
# which the portal has not yet heard that it was sealed or sent.
MOVES: dict[TubeStatus, frozenset[TubeStatus]] = {
    TubeStatus.OPEN: frozenset(
        {TubeStatus.SEALED, TubeStatus.SENT, TubeStatus.RECEIVED, TubeStatus.DISCARDED}
        | {TubeStatus.LOST, TubeStatus.REJECTED}
    ),
    TubeStatus.SEALED: frozenset(
        {TubeStatus.SENT, TubeStatus.RECEIVED, TubeStatus.DISCARDED, TubeStatus.LOST}
        | {TubeStatus.REJECTED}
    ),
    TubeStatus.SENT: frozenset({TubeStatus.RECEIVED, TubeStatus.LOST, TubeStatus.REJECTED}),
    TubeStatus.RECEIVED: frozenset({TubeStatus.IN_TEST, TubeStatus.REJECTED, TubeStatus.LOST}),
    TubeStatus.IN_TEST: frozenset({TubeStatus.RESULTED, TubeStatus.REJECTED, TubeStatus.LOST}),
    TubeStatus.RESULTED: frozenset({TubeStatus.IN_TEST}),
    TubeStatus.REJECTED: frozenset(),
    TubeStatus.LOST: frozenset({TubeStatus.RECEIVED}),
    TubeStatus.DISCARDED: frozenset(),
}


def may_become(status: str, wanted: TubeStatus) -> bool:
    """Whether a tube in `status` may become `wanted`."""
    return wanted in MOVES[TubeStatus(status)]


def origins(wanted: TubeStatus) -> frozenset[str]:
    """Every status from which `wanted` may be reached."""
    return frozenset(status for status, targets in MOVES.items() if wanted in targets)


def clean_code(text: str) -> str:
    """A tube code as scanned or typed: without spaces, in capitals."""
    return "".join(text.split()).upper()


def repeated(codes: Iterable[str]) -> list[str]:
    """The codes that stand in the list more than once, each once, in order of appearance."""
    seen: set[str] = set()
    twice: dict[str, None] = {}
    for code in codes:
        if code in seen:
            twice[code] = None
        seen.add(code)
    return list(twice)
