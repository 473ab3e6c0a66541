"""Rules of runs and results: controls, repeats, who may verify, which row is the current one."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Protocol

from portal.samples.rules import Outcome


class RunStatus(StrEnum):
    """Where a run stands. `verified` waits only for what its release still holds."""

    DRAFT = "draft"
    RECORDED = "recorded"
    VERIFIED = "verified"
    RELEASED = "released"


class ResultStatus(StrEnum):
    """Where one result stands."""

    RECORDED = "recorded"
    HELD = "held"
    RELEASED = "released"
    AMENDED = "amended"


class Control(StrEnum):
    """A control of a run: it must have passed before anything is released."""

    UNSET = "unset"
    PASSED = "passed"
    FAILED = "failed"


# A result that may be entered for a tube; `rejected` is a decision at the door, not a reading.
READABLE = (Outcome.POSITIVE, Outcome.NEGATIVE, Outcome.INCONCLUSIVE, Outcome.INVALID)

# After these the laboratory tests the tube once more and the new reading counts by itself; after
# any other a second reading of the same tube must agree, or it is a contradiction (F6).
ASKS_FOR_REPEAT = frozenset({Outcome.INCONCLUSIVE, Outcome.INVALID})

CT_LOWEST, CT_HIGHEST = 5.0, 50.0


class Reading(Protocol):
    """A stored result, as far as these rules need it."""

    outcome: str
    test_number: int
    version: int


def next_test_number(earlier: Iterable[Reading]) -> int:
    """The number of a new test of a tube with these earlier readings: 1, or one more.

    A repeat is a test of its own only if the one before asked for it.
    """
    newest = max(earlier, key=lambda row: (row.test_number, row.version), default=None)
    if newest is None:
        return 1
    return newest.test_number + int(newest.outcome in ASKS_FOR_REPEAT)


def best_ct(ct_values: Mapping[str, float | None]) -> float | None:
    """The lowest cycle threshold of all genes; None where nothing was detected."""
    known = [value for value in ct_values.values() if value is not None]
    return min(known, default=None)


def is_blocked(positive_control: str, negative_control: str) -> bool:
    """Whether a run may not be released because of its controls."""
    return positive_control != Control.PASSED or negative_control != Control.PASSED


def wells(rows: int = 8, columns: int = 12) -> list[str]:
    """The wells of a plate in reading order down the columns: A1, B1, … H12."""
    return [f"{chr(65 + row)}{column + 1}" for column in range(columns) for row in range(rows)]
