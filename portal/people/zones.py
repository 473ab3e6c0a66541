"""How precise a score has proved to be, by what people answered in the worklist."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

CONFIDENCE = 0.95
BAND_BITS = 2.0
_STEPS = 60


def least_share(hits: int, tries: int, *, confidence: float = CONFIDENCE) -> float:
    """The lower limit of a share: one-sided, exact for the binomial distribution.

    Clopper and Pearson, Biometrika 26 (1934) 404–413. With no miss it is (1 - confidence)^(1/n).
    """
    if tries == 0 or hits == 0:
        return 0.0
    risk = 1.0 - confidence
    if hits == tries:
        return float(risk ** (1 / tries))
    low, high = 0.0, hits / tries
    for _step in range(_STEPS):
        middle = (low + high) / 2
        if _at_least(hits, tries, middle) < risk:
            low = middle
        else:
            high = middle
    return low


def _at_least(hits: int, tries: int, share: float) -> float:
    """Probability of `hits` or more of `tries`; the terms are summed from the largest on."""
    if share <= 0.0:
        return 0.0
    logs = (math.log(share), math.log1p(-share))
    start = math.lgamma(tries + 1)
    total = 0.0
    for misses in range(tries - hits + 1):
        ways = start - math.lgamma(tries - misses + 1) - math.lgamma(misses + 1)
        total += math.exp(ways + (tries - misses) * logs[0] + misses * logs[1])
    return min(total, 1.0)


class Tally(NamedTuple):
    """Answers of one band of scores, `BAND_BITS` wide: its lower edge and what was said."""

    bits: float
    answered: int
    same: int
    probability_sum: float


@dataclass(frozen=True, slots=True)
class Band:
    """Answers of pairs with at least `bits`, all bands above included.

    Attributes:
        bits: lower edge.
        answered: pairs that were decided, and pairs put off, which count as «different».
        same: decided to be one person.
        least: lower limit of the precision from this edge on.
        expected: the model's own mean probability of these pairs.
    """

    bits: float
    answered: int
    same: int
    least: float
    expected: float

    @property
    def share(self) -> float:
        """Observed precision."""
        return self.same / self.answered if self.answered else 0.0


@dataclass(frozen=True, slots=True)
class Zone:
    """Where merging without asking is shown to be right often enough; None: nowhere yet."""

    least_bits: float | None
    bands: Sequence[Band]


def find_zone(tallies: Iterable[Tally], least_precision: float) -> Zone:
    """The widest zone at the top of the scores that holds the precision wanted.

    Both must hold it from the edge of the zone upwards: the lower limit by the answers, and the
    mean probability of the calibrated model. A band with two misses or more and a share below
    what is wanted ends the search, so that a good top can not hide a bad band beneath it.

    Args:
        tallies: the answers by band.
        least_precision: what is wanted, such as 0.995.
    """
    bands = []
    answered = same = 0
    expected = 0.0
    least_bits = None
    is_open = True
    for tally in sorted(tallies, reverse=True):
        answered += tally.answered
        same += tally.same
        expected += tally.probability_sum
        band = Band(
            tally.bits, answered, same, least_share(same, answered), expected / max(answered, 1)
        )
        bands.append(band)
        misses = tally.answered - tally.same
        if misses > 1 and tally.same < least_precision * tally.answered:
            is_open = False
        if is_open and min(band.least, band.expected) >= least_precision:
            least_bits = band.bits
    return Zone(least_bits, bands)
