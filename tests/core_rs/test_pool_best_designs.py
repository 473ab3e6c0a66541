"""Sterrett, the best of all designs, people of known risk: against listing them all."""

import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence

import pytest

import core_rs
from tests.core_rs.pool_by_hand import SE, SP, Rule, agree, array, by_hand, hierarchical

# ---- Sterrett ----------------------------------------------------------------------------------


def sterrett(poolings: int | None, *, infers_last: bool) -> Rule:
    """People in the order in which they are tested."""

    def rule(truth: Sequence[bool], test: Callable[..., bool]) -> tuple[int, list[bool]]:
        called = [False] * len(truth)
        pool = list(range(len(truth)))
        count = pooled = 0
        while pool:
            count += 1
            if len(pool) == 1:
                called[pool[0]] = test(1, pool[0], truth[pool[0]])
                break
            if not test(0, pool[0], any(truth[i] for i in pool)):
                break
            if poolings is not None and pooled == poolings:
                for i in pool:
                    called[i] = test(1, i, truth[i])
                count += len(pool)
                break
            rest: list[int] = []
            for place, i in enumerate(pool):
                if infers_last and place == len(pool) - 1:
                    called[i] = True
                    break
                count += 1
                called[i] = test(1, i, truth[i])
                if called[i]:
                    rest = pool[place + 1 :]
                    break
            pool = rest
            pooled += 1
        return count, called

    return rule


@pytest.mark.parametrize("infers_last", [False, True])
@pytest.mark.parametrize("poolings", [0, 1, 2, None])
@pytest.mark.parametrize("people", [1, 2, 3, 5, 6])
def test_sterrett_of_unequal_risks_and_imperfect_tests(people, poolings, infers_last) -> None:
    chance = random.Random(people)
    risks = [chance.choice([0.0, 1.0, *[chance.uniform(0.01, 0.5)] * 8]) for _ in range(people)]
    risks[0] = 0.3
    used = {"sensitivity": SE[:2], "specificity": SP[:2]}
    made = core_rs.pool_design(
        "sterrett", p_each=risks, poolings=poolings, infers_last=infers_last, **used
    )
    rule = sterrett(poolings, infers_last=infers_last)
    agree(made, by_hand(rule, sorted(risks, reverse=True), SE, SP))
    equal = core_rs.pool_design(
        "sterrett", p=0.2, sizes=[people], poolings=poolings, infers_last=infers_last, **used
    )
    agree(equal, by_hand(rule, [0.2] * people, SE, SP))


def test_sterrett_infers_only_where_tests_are_perfect() -> None:
    for se, infers in ((1.0, True), (0.95, False)):
        made = core_rs.pool_design("sterrett", p=0.1, sizes=[4], sensitivity=se)
        rule = sterrett(None, infers_last=infers)
        agree(made, by_hand(rule, [0.1] * 4, [se, se], [1.0, 1.0]))
    dorfman = core_rs.pool_design("dorfman", p=0.1, sizes=[4], sensitivity=0.95)
    assert core_rs.pool_design(
        "sterrett", p=0.1, sizes=[4], sensitivity=0.95, poolings=0
    ) == pytest.approx(dorfman)


# ---- best designs ------------------------------------------------------------------------------

OBJECTIVES = [("ET", None), ("MAR", None), ("GR", (1.0, 1.0)), ("GR", (10.0, 50.0))]


def worth(made: dict, objective: str, weights: tuple[float, float] | None, p_each: Sequence[float]):
    """What a design is worth, from its shares alone."""
    positive = sum(p_each)
    negative = len(p_each) - positive
    missed = positive * (1 - made["sensitivity"])
    alarms = negative * (1 - made["specificity"])
    tests = made["expected_tests"]
    if objective == "MAR":
        return tests / (len(p_each) - missed - alarms)
    of_alarm, of_missed = weights or (0, 0)
    return (tests + of_alarm * alarms + of_missed * missed) / len(p_each)


def compositions(total: int, most: int) -> Iterator[list[int]]:
    if total == 0:
        yield []
    for first in range(1, min(total, most) + 1):
        for rest in compositions(total - first, most):
            yield [first, *rest]


def trees(start: int, size: int, levels: int) -> Iterator[list]:
    """Every way to split neighbours, as groups of each stage: lists of (start, end)."""
    if levels == 1 or size == 1:
        singles = [] if size == 1 else [(at, at + 1) for at in range(start, start + size)]
        yield [[(start, start + size)], singles, *[[]] * (levels - 1)]
        return
    for sizes in compositions(size, size - 1):
        starts = [start + sum(sizes[:number]) for number in range(len(sizes))]
        ways = [list(trees(at, part, levels - 1)) for at, part in zip(starts, sizes, strict=True)]
        for parts in itertools.product(*ways):
            below = [
                [group for part in parts for group in part[stage]]
                for stage in range(max(map(len, parts)))
            ]
            yield [[(start, start + size)], *below]


def rows(groups: list, order: Sequence[int], count: int) -> list[list[int | None]]:
    stages: list[list[int | None]] = [[None] * len(order) for _ in range(count)]
    for stage, of_stage in enumerate(groups[:count]):
        for number, (start, end) in enumerate(of_stage):
            for place in range(start, end):
                stages[stage][order[place]] = number
    return stages


@pytest.mark.parametrize(("objective", "weights"), OBJECTIVES)
@pytest.mark.parametrize("seed", range(4))
def test_the_best_pools_of_people_of_known_risk_are_the_best_of_all(seed, objective, weights):
    """All ways to put seven people into pools, neighbours in risk or not, with perfect tests."""
    chance = random.Random(seed)
    p_each = [chance.choice([0.01, 0.05, 0.2, 0.4]) * chance.uniform(0.5, 1.5) for _ in range(7)]
    most = chance.choice([3, 5, 7])
    best = core_rs.optimal_pool_size(
        "dorfman", p_each=p_each, sizes_to=most, objective=objective, weights=weights
    )
    values = []
    for assignment in set_partitions(7):
        if max(assignment.count(g) for g in set(assignment)) > most:
            continue
        alone = [None if assignment.count(g) == 1 else at for at, g in enumerate(assignment)]
        made = core_rs.pool_design("hierarchical", p_each=p_each, stages=[assignment, alone])
        values.append(worth(made, objective, weights, p_each))
    assert best["value"] == pytest.approx(min(values), rel=1e-10)
    again = core_rs.pool_design("hierarchical", p_each=p_each, stages=best["stages"])
    assert worth(again, objective, weights, p_each) == pytest.approx(best["value"], rel=1e-10)


def set_partitions(people: int) -> Iterator[list[int]]:
    def go(so_far: list[int]) -> Iterator[list[int]]:
        if len(so_far) == people:
            yield so_far
            return
        for group in range(max(so_far, default=-1) + 2):
            yield from go([*so_far, group])

    return go([])


@pytest.mark.parametrize(("objective", "weights"), OBJECTIVES)
@pytest.mark.parametrize(("stages", "people"), [(2, 5), (3, 7), (4, 6)])
@pytest.mark.parametrize("is_equal", [False, True])
def test_the_best_splits_are_the_best_of_all_listed(stages, people, is_equal, objective, weights):
    chance = random.Random(people)
    p_each = [0.11] * people if is_equal else [chance.uniform(0.01, 0.35) for _ in range(people)]
    quality = {"sensitivity": [*SE, 0.88][:stages], "specificity": [*SP, 0.93][:stages]}
    asked = {"objective": objective, "weights": weights, "stages": stages, **quality}
    best = (
        core_rs.optimal_pool_size("hierarchical", 0.11, sizes_from=people, sizes_to=people, **asked)
        if is_equal
        else core_rs.optimal_pool_size("hierarchical", p_each=p_each, **asked)
    )
    order = sorted(range(people), key=lambda i: p_each[i])
    values = []
    for groups in trees(0, people, stages - 1):
        made = core_rs.pool_design(
            "hierarchical", p_each=p_each, stages=rows(groups, order, stages), **quality
        )
        values.append(worth(made, objective, weights, p_each))
    assert best["value"] == pytest.approx(min(values), rel=1e-10)
    again = core_rs.pool_design("hierarchical", p_each=p_each, stages=best["stages"], **quality)
    assert worth(again, objective, weights, p_each) == pytest.approx(best["value"], rel=1e-10)
    if stages == 4:
        agree(again, by_hand(hierarchical(best["stages"]), p_each,
                             quality["sensitivity"], quality["specificity"]))  # fmt: skip


@pytest.mark.parametrize("design", ["dorfman", "array", "array_with_master", "sterrett"])
@pytest.mark.parametrize(("objective", "weights"), OBJECTIVES)
def test_the_best_size_by_any_objective(design, objective, weights) -> None:
    stages = 3 if design == "array_with_master" else 2
    quality = {"sensitivity": SE[:stages], "specificity": SP[:stages]}
    best = core_rs.optimal_pool_size(
        design, 0.07, sizes_from=3, sizes_to=12, objective=objective, weights=weights, **quality
    )
    values = {}
    for size in range(3, 13):
        made = core_rs.pool_design(design, p=0.07, sizes=[size], **quality)
        values[size] = worth(made, objective, weights, [0.07] * int(made["people"]))
    assert best["value"] == pytest.approx(min(values.values()), rel=1e-10)
    assert best["size"] == min(values, key=lambda size: values[size])


def test_a_block_is_not_one_pool() -> None:
    p_each = [0.001, 0.002, 0.001, 0.003]
    whole = core_rs.optimal_pool_size("dorfman", p_each=p_each)
    block = core_rs.optimal_pool_size("informative_dorfman", p_each=p_each)
    assert whole["groups"] == [4]
    assert sum(block["groups"]) == 4
    assert len(block["groups"]) > 1
    assert block["value"] > whole["value"]
    alone = core_rs.optimal_pool_size(
        "informative_dorfman", p_each=[0.01, 0.6], sensitivity=[0.5, 0.9]
    )
    assert alone["groups"] == [1, 1]
    assert alone["sensitivity"] == pytest.approx(0.9)


# ---- informative arrays ------------------------------------------------------------------------


def test_people_stand_in_an_array_by_risk() -> None:
    risks = [0.01, 0.3, 0.05, 0.2, 0.12, 0.08]
    gradient = [[0.3, 0.12, 0.05], [0.2, 0.08, 0.01]]
    spiral = [[0.3, 0.08, 0.01], [0.2, 0.12, 0.05]]
    for arrangement, places in (("gradient", gradient), ("spiral", spiral)):
        p_each = [p for row in places for p in row]
        wanted = by_hand(array(2, 3, has_master=False), p_each, SE, SP)
        made = core_rs.pool_design("array", p_each=risks, sizes=[2, 3], arrangement=arrangement,
                                   sensitivity=SE[:2], specificity=SP[:2])  # fmt: skip
        agree(made, wanted)
    four = core_rs.pool_design("informative_array", p_each=[0.1, 0.4, 0.2, 0.3], sizes=[2])
    agree(four, by_hand(array(2, 2, has_master=False), [0.4, 0.2, 0.3, 0.1], [1, 1], [1, 1]))
    best = core_rs.optimal_pool_size("informative_array", p_each=[0.1, 0.4, 0.2, 0.3])
    assert best["value"] == pytest.approx(four["tests_per_person"])


@pytest.mark.parametrize(("p", "alpha", "people"), [(0.02, 2, 12), (0.1, 2, 5), (0.05, 1, 20)])
def test_risks_of_a_beta_distribution_are_its_expected_order_statistics(p, alpha, people) -> None:
    b = alpha * (1 / p - 1)

    def below(x: float) -> float:
        tail = (1 - x) ** b
        return 1 - (tail if alpha == 1 else tail * (1 + b * x))

    def expected(place: int) -> float:
        """Simpson's rule over P(the order statistic lies above x), x = u squared."""

        def above(u: float) -> float:
            share = below(u * u)
            return (
                2
                * u
                * sum(
                    math.comb(people, k) * share**k * (1 - share) ** (people - k)
                    for k in range(place)
                )
            )

        steps = 4_000
        odd = sum(above(at / steps) for at in range(1, steps, 2))
        even = sum(above(at / steps) for at in range(2, steps, 2))
        return (4 * odd + 2 * even) / (3 * steps)

    best = core_rs.optimal_pool_size(
        "informative_dorfman", p, alpha=alpha, sizes_from=people, sizes_to=people
    )
    assert best["p_each"] == pytest.approx([expected(n) for n in range(1, people + 1)], rel=1e-8)
    same = core_rs.optimal_pool_size("informative_dorfman", p_each=best["p_each"])
    assert same["value"] == pytest.approx(best["value"])
    assert same["groups"] == best["groups"]
