"""Two records side by side: differences letter by letter, and the weights as a waterfall."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from portal.people import words
from portal.people.models import DuplicateCandidate

Pieces = list[tuple[str, bool]]
WIDTH = 400.0


def letters(left: str, right: str) -> tuple[Pieces, Pieces]:
    """Both texts in pieces (text, is different); a letter with other marks is another letter."""
    if not left or not right:
        return [(left, False)] * bool(left), [(right, False)] * bool(right)
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    sides: tuple[Pieces, Pieces] = ([], [])
    for verb, left_from, left_to, right_from, right_to in matcher.get_opcodes():
        for side, part in zip(
            sides, (left[left_from:left_to], right[right_from:right_to]), strict=True
        ):
            if part:
                side.append((part, verb != "equal"))
    return sides


@dataclass(frozen=True, slots=True)
class Bar:
    """One step of the waterfall: from where to where, in bits and in parts of the drawing."""

    field: str
    label: Any
    level: Any
    bits: float
    total: float
    x: float
    width: float
    tone: str


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The steps from the prior to the score. `zero` is where the odds are even."""

    bars: Sequence[Bar]
    zero: float


def waterfall(candidate: DuplicateCandidate) -> Waterfall | None:
    """The stored evidence of a pair as drawn; None for a pair that was found without a score."""
    evidence = candidate.evidence or {}
    weights = [tuple(weight) for weight in evidence.get("weights", [])]
    if not weights:
        return None
    steps = [("prior", "prior", float(evidence.get("prior", 0.0))), *weights]
    ends = [0.0]
    for _field, _level, bits in steps:
        ends.append(ends[-1] + bits)
    low, high = min(ends), max(ends)
    scale = WIDTH / ((high - low) or 1.0)
    bars = []
    for (field, level, bits), start, end in zip(steps, ends, ends[1:], strict=False):
        label, said = _words(field, level)
        bars.append(
            Bar(
                field=field,
                label=label,
                level=said,
                bits=bits,
                total=end,
                x=(min(start, end) - low) * scale,
                width=max(abs(bits) * scale, 1.0),
                tone="for" if bits > 0 else "against",
            )
        )
    return Waterfall([bar for bar in bars if not _is_silent(bar)], -low * scale)


def _words(field: str, level: str) -> tuple[Any, Any]:
    if field == "prior":
        return words.PRIOR, words.PRIOR_LEVEL
    return words.FIELDS.get(field, field), words.LEVELS.get(field, {}).get(level, level)


def _is_silent(bar: Bar) -> bool:
    """A field that says nothing (missing on one side) needs no line."""
    return abs(bar.bits) < 0.05  # noqa: PLR2004 - below what is shown


def rows(
    pairs: Iterable[tuple[Any, str, str]],
) -> list[tuple[Any, Pieces, Pieces, bool]]:
    """(label, left pieces, right pieces, is the same) of every line that says anything."""
    return [
        (label, *letters(left, right), left == right) for label, left, right in pairs
        if left or right
    ]  # fmt: skip
