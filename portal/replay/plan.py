"""The plan of a round: who shares which tube, where, when, and what the laboratory finds."""

import datetime as dt
import random
from dataclasses import dataclass, field

# Am J Trop Med Hyg 104(4), Đà Nẵng, August 2020.
PUBLISHED_PEOPLE = 96_123
PUBLISHED_POOLS = 22_290
PUBLISHED_POSITIVE_POOLS = 24
PUBLISHED_RESAMPLED = 104
PUBLISHED_CASES = 32
ROUND_DAYS = 14
# The last day of the round is for those who had to be sampled again.
COLLECTION_DAYS = ROUND_DAYS - 1
SMALLEST_POOL, LARGEST_POOL = 2, 7
SMALLEST_ROUND = 50


@dataclass(frozen=True, slots=True)
class Figures:
    """The published figures, or the same shares of another number of people."""

    people: int
    pools: int
    positive_pools: int
    resampled: int
    cases: int

    @classmethod
    def of(cls, people: int) -> "Figures":
        """The published figures scaled to `people` (at least 50); exactly those at 96,123."""
        if people < SMALLEST_ROUND:
            message = f"a round has at least {SMALLEST_ROUND} people"
            raise ValueError(message)

        def scaled(published: int, lowest: int) -> int:
            return max(lowest, round(published * people / PUBLISHED_PEOPLE))

        pools = max(-(-people // LARGEST_POOL), min(people // 2, scaled(PUBLISHED_POOLS, 1)))
        positive = min(pools, scaled(PUBLISHED_POSITIVE_POOLS, 1))
        resampled = scaled(PUBLISHED_RESAMPLED, 2 * positive)
        resampled = min(resampled, LARGEST_POOL * positive, people - 2 * (pools - positive))
        cases = min(resampled, scaled(PUBLISHED_CASES, positive))
        return cls(people, pools, positive, resampled, cases)


@dataclass(frozen=True, slots=True)
class PlannedTube:
    """A tube of the first round: consecutive people, and how many of them are cases."""

    number: int
    first_person: int
    size: int
    ward: int
    day: int
    case_places: tuple[int, ...] = field(default=())


def sizes(chance: random.Random, pools: int, people: int) -> list[int]:
    """Sizes from 2 to 7 for `pools` pools that hold exactly `people` people."""
    mean = people / pools
    found = [
        min(LARGEST_POOL, max(SMALLEST_POOL, round(chance.gauss(mean, 1.3)))) for _n in range(pools)
    ]
    difference = people - sum(found)
    step = 1 if difference > 0 else -1
    while difference:
        place = chance.randrange(pools)
        if SMALLEST_POOL <= found[place] + step <= LARGEST_POOL:
            found[place] += step
            difference -= step
    return found


def tubes(seed: int, figures: Figures, wards: int) -> list[PlannedTube]:
    """Every tube of the first round, in order of people; positive pools lie scattered."""
    chance = random.Random(seed + 1)
    positive_sizes = sizes(chance, figures.positive_pools, figures.resampled)
    other_pools = figures.pools - figures.positive_pools
    other_sizes = (
        sizes(chance, other_pools, figures.people - figures.resampled) if other_pools else []
    )
    positive_at = set(chance.sample(range(figures.pools), figures.positive_pools))
    cases = _cases(chance, positive_sizes, figures.cases)
    planned, person = [], 0
    positives = iter(zip(positive_sizes, cases, strict=True))
    others = iter(other_sizes)
    for number in range(figures.pools):
        size, places = next(positives) if number in positive_at else (next(others), ())
        ward = person * wards // figures.people
        planned.append(
            PlannedTube(number, person, size, ward, ward * COLLECTION_DAYS // wards, places)
        )
        person += size
    return planned


def _cases(chance: random.Random, pool_sizes: list[int], cases: int) -> list[tuple[int, ...]]:
    """Which places of each positive pool are cases: at least one in each, `cases` in all."""
    counts = [1] * len(pool_sizes)
    left = cases - len(pool_sizes)
    while left:
        place = chance.randrange(len(pool_sizes))
        if counts[place] < pool_sizes[place]:
            counts[place] += 1
            left -= 1
    return [
        tuple(sorted(chance.sample(range(size), count)))
        for size, count in zip(pool_sizes, counts, strict=True)
    ]


def day_of(first_day: dt.date, day: int) -> dt.date:
    """The calendar day of a day of the round."""
    return first_day + dt.timedelta(days=day)
