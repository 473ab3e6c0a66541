"""Designs and intervals against sums over every truth and every answer of every test."""

import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence

import pytest

import core_rs
from tests.core_rs.pool_by_hand import SE, SP, agree, array, by_hand, hierarchical


@pytest.mark.parametrize(
    "stages",
    [
        [[0, 0, 0, 0], [0, 1, 2, 3]],
        [[0] * 5, [0, 0, 0, 1, 1], [0, 1, 2, 3, 4]],
        [[0] * 5, [7, 7, 7, 7, 3], [2, 4, 6, 8, None]],
        [[0, 0, 1, 1, 1], [0, 1, 2, 3, 4]],
        [[0] * 4, [0, 0, 1, None], [0, 1, None, None]],
    ],
)
def test_hierarchical_designs_of_unequal_risks_and_stages(stages: list) -> None:
    chance = random.Random(len(stages))
    p_each = [chance.uniform(0.01, 0.4) for _ in stages[0]]
    # Where a stage drops somebody out of a positive group, that person is called positive.
    used = len(stages)
    made = core_rs.pool_design(
        "hierarchical", p_each=p_each, stages=stages, sensitivity=SE[:used], specificity=SP[:used]
    )
    agree(made, by_hand(hierarchical(stages), p_each, SE, SP))


@pytest.mark.parametrize("has_master", [False, True])
@pytest.mark.parametrize("sides", [(2, 2), (2, 3), (3, 2)])
def test_arrays_with_qualities_of_their_own_at_every_stage(sides, has_master) -> None:
    rows, columns = sides
    design = "array_with_master" if has_master else "array"
    used = 3 if has_master else 2
    se, sp = SE[:used], SP[:used]
    rule = array(rows, columns, has_master=has_master)
    equal = core_rs.pool_design(design, p=0.13, sizes=[rows, columns], sensitivity=se,
                                specificity=sp)  # fmt: skip
    agree(equal, by_hand(rule, [0.13] * (rows * columns), se, sp))
    chance = random.Random(rows)
    p_each = [chance.uniform(0.02, 0.5) for _ in range(rows * columns)]
    each = core_rs.pool_design(design, p_each=p_each, sizes=[rows, columns], sensitivity=se,
                               specificity=sp)  # fmt: skip
    agree(each, by_hand(rule, p_each, se, sp))


def test_the_last_stage_may_be_written_down_or_not() -> None:
    for sizes in ([20, 5], [9, 3], [16, 8, 4]):
        quality = {"sensitivity": 0.95, "specificity": 0.98}
        short = core_rs.pool_design("hierarchical", p=0.02, sizes=sizes, **quality)
        assert core_rs.pool_design("hierarchical", p=0.02, sizes=[*sizes, 1], **quality) == short


@pytest.mark.parametrize("design", ["dorfman", "hierarchical", "array", "array_with_master"])
@pytest.mark.parametrize(("low", "high"), [(2, 6), (3, 8), (5, 5), (4, 10)])
def test_the_best_size_under_caps_is_the_best_of_all_listed(design, low, high) -> None:
    stages = {"dorfman": 2, "array": 2}.get(design, 3)
    quality = {"sensitivity": SE[:stages], "specificity": SP[:stages]}
    for p in (0.003, 0.02, 0.08, 0.2):
        best = core_rs.optimal_pool_size(design, p, sizes_from=low, sizes_to=high, **quality)
        costs = [cost for _size, cost in every_design(design, p, low, high, quality)]
        assert best["tests_per_person"] == pytest.approx(min(costs), rel=1e-10)


def every_design(design: str, p: float, low: int, high: int, quality: dict):
    for size in range(low, high + 1):
        if design != "hierarchical":
            made = core_rs.pool_design(design, p=p, sizes=[size], **quality)
            yield size, made["tests_per_person"]
            continue
        for groups in partitions(size):
            if len(groups) == 1 or size < 3:
                continue
            second = [number for number, part in enumerate(groups) for _ in range(part)]
            third = [place if groups[number] > 1 else None for place, number in enumerate(second)]
            made = core_rs.pool_design("hierarchical", p_each=[p] * size,
                                       stages=[[0] * size, second, third], **quality)  # fmt: skip
            yield size, made["tests_per_person"]


def partitions(total: int, most: int | None = None) -> Iterator[list[int]]:
    if total == 0:
        yield []
    for part in range(min(total, most or total), 0, -1):
        for rest in partitions(total - part, part):
            yield [part, *rest]


# ---- prevalence --------------------------------------------------------------------------------


def pools_chance(x: Sequence[int], n: Sequence[int], m: Sequence[float], p: float) -> float:
    chance = 1.0
    for positive, tested, size in zip(x, n, m, strict=True):
        share = 1 - (1 - p) ** size
        chance *= math.comb(tested, positive) * share**positive * (1 - share) ** (tested - positive)
    return chance


def mle(x: Sequence[int], n: Sequence[int], m: Sequence[float]) -> float:
    if not any(x):
        return 0.0
    if list(x) == list(n):
        return 1.0
    low, high = 1e-12, 1 - 1e-12
    for _ in range(200):
        p = (low + high) / 2
        slope = sum(
            xi * mi * (1 - p) ** (mi - 1) / (1 - (1 - p) ** mi) - (ni - xi) * mi / (1 - p)
            for xi, ni, mi in zip(x, n, m, strict=True)
        )
        low, high = (p, high) if slope > 0 else (low, p)
    return (low + high) / 2


def halved(share: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if share(middle) < 0 else (low, middle)
    return (low + high) / 2


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(
    ("n", "m"), [((3, 4), (2, 5)), ((2, 2, 2), (1, 5, 10)), ((4,), (7,)), ((3, 2), (10, 2.5))]
)
def test_the_exact_interval_of_mixed_sizes_lists_every_outcome(n, m, confidence) -> None:
    half = (1 - confidence) / 2
    outcomes = list(itertools.product(*(range(count + 1) for count in n)))
    points = {x: mle(x, n, m) for x in outcomes}
    for x in outcomes:
        made = core_rs.pool_prevalence(
            list(x), list(m), list(n), point="mle", interval="exact", confidence=confidence
        )
        above = [y for y in outcomes if points[y] >= points[x] - 1e-9]
        below = [y for y in outcomes if points[y] <= points[x] + 1e-9]
        lower = halved(lambda p, s=above: sum(pools_chance(y, n, m, p) for y in s) - half)
        upper = halved(lambda p, s=below: half - sum(pools_chance(y, n, m, p) for y in s))
        assert made["lower"] == pytest.approx(lower if any(x) else 0, rel=1e-8, abs=1e-12), x
        assert made["upper"] == pytest.approx(upper if x != n else 1, rel=1e-8), x


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize(("x", "n"), [(0, 8), (1, 8), (3, 10), (7, 9), (8, 8), (2, 40)])
def test_the_interval_of_blaker_is_where_the_outcome_is_acceptable(x, n, confidence) -> None:
    made = core_rs.pool_prevalence([x], [5], [n], interval="blaker", confidence=confidence)

    def acceptable(theta: float) -> bool:
        chance = [math.comb(n, k) * theta**k * (1 - theta) ** (n - k) for k in range(n + 1)]
        tails = [min(sum(chance[k:]), sum(chance[: k + 1])) for k in range(n + 1)]
        return sum(c for c, t in zip(chance, tails, strict=True)
                   if t <= tails[x] * (1 + 1e-12)) >= 1 - confidence  # fmt: skip

    grid = [at / 20_000 for at in range(1, 20_000)]
    inside = [theta for theta in grid if acceptable(theta)]
    people = [1 - (1 - theta) ** 0.2 for theta in (inside[0], inside[-1])]
    wanted = (0.0 if x == 0 else people[0], 1.0 if x == n else people[1])
    assert (made["lower"], made["upper"]) == pytest.approx(wanted, abs=2e-4)
    wide = core_rs.pool_prevalence([x], [5], [n], interval="cp", confidence=confidence)
    assert wide["lower"] <= made["lower"] + 1e-12
    assert made["upper"] <= wide["upper"] + 1e-12


def test_limits_that_need_no_estimate_exist_where_every_pool_is_positive() -> None:
    for interval in ("cp", "blaker", "wilson", "ac", "soc", "exact"):
        made = core_rs.pool_prevalence([6], [4], [6], interval=interval)
        assert made["estimate"] is None
        assert 0 < made["lower"] < made["upper"] <= 1, interval
    for interval in ("score", "skew-score", "lrt", "wald"):
        made = core_rs.pool_prevalence([6], [4], [6], interval=interval)
        assert (made["lower"], made["upper"]) == (None, None)


def test_each_size_of_pool_may_have_a_quality_of_its_own() -> None:
    """The estimate is where the slope of the likelihood, taken by hand, is nothing."""
    x, m, n = [4, 9, 6], [1, 5, 10], [60, 80, 40]
    se, sp = [0.99, 0.95, 0.9], [0.995, 0.99, 0.98]
    made = core_rs.pool_prevalence(x, m, n, point="mle", sensitivity=se, specificity=sp)

    def likelihood(p: float) -> float:
        total = 0.0
        for at in range(3):
            share = 1 - sp[at] + (se[at] + sp[at] - 1) * (1 - (1 - p) ** m[at])
            total += x[at] * math.log(share) + (n[at] - x[at]) * math.log(1 - share)
        return total

    p = made["estimate"]
    assert p is not None
    assert likelihood(p) > max(likelihood(p * 0.9999), likelihood(p * 1.0001))
    all_alike = core_rs.pool_prevalence(x, m, n, sensitivity=[0.95] * 3, specificity=0.99)
    assert all_alike == core_rs.pool_prevalence(x, m, n, sensitivity=0.95, specificity=0.99)
