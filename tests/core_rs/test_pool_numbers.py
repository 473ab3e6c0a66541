"""Prevalence, design and advice, against values made by others and against simulation."""

import json
import math
import random
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import core_rs
from tests.tools import pool_reference

REFERENCE = Path(__file__).with_name("pooling_reference.json")

# p; Dorfman size and tests per person, perfect; the same with Se .95, Sp .99; Sterrett; array.
TABLE = [
    (0.001, 32, 0.062759, 33, 0.070832, 45, 0.045844, 106, 0.029803),
    (0.002, 23, 0.088480, 24, 0.095764, 32, 0.065453, 68, 0.047137),
    (0.005, 15, 0.139098, 15, 0.144752, 21, 0.105352, 38, 0.086144),
    (0.01, 11, 0.195571, 11, 0.199291, 15, 0.151718, 25, 0.135475),
    (0.02, 8, 0.274237, 8, 0.275283, 11, 0.219621, 16, 0.211979),
    (0.05, 5, 0.426219, 5, 0.422646, 7, 0.359773, 9, 0.379844),
    (0.10, 4, 0.593900, 4, 0.583266, 5, 0.522882, 7, 0.583307),
    (0.20, 3, 0.821333, 3, 0.802053, 3, 0.749333, 5, 0.878858),
]
THREE_STAGES = [
    (0.001, [110, 10], 0.029468),
    (0.002, [64, 8], 0.046546),
    (0.005, [36, 6], 0.084923),
    (0.01, [25, 5], 0.133446),
    (0.02, [16, 4], 0.209182),
    (0.05, [9, 3], 0.376986),
]


def test_every_reference_case_agrees() -> None:
    cases = json.loads(REFERENCE.read_text(encoding="utf-8"))["cases"]
    report = pool_reference.check(cases)
    assert report.failed == []
    assert report.unsupported == []
    assert report.passed == len(cases) > 250
    assert report.worst < 1e-8


def test_the_checker_tells_passed_failed_and_unsupported(tmp_path: Path) -> None:
    args = {"positive": [1], "size": [5], "tested": [10], "point": "mle"}
    right = 1 - 0.9**0.2
    cases = [
        {"function": "prevalence", "args": args, "expected": {"estimate": right}, "rel_tol": 1e-9},
        {"function": "prevalence", "args": args, "expected": {"estimate": 0.5}, "rel_tol": 1e-6},
        {"function": "magic", "args": {}, "expected": {}},
        {"function": "design", "args": {"design": "dorfman", "colour": 3}, "expected": {}},
    ]
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"cases": cases}), encoding="utf-8")
    command = [sys.executable, "-m", "tests.tools.pool_reference", str(path)]
    root = Path(__file__).resolve().parents[2]
    told = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    assert told.returncode == 1
    assert "passed 1, failed 1, unsupported 2, worst relative error" in told.stdout


@pytest.mark.parametrize("row", TABLE)
def test_best_sizes_are_those_of_the_table(row: tuple[float, ...]) -> None:
    p, dorfman, tests, dorfman_se, tests_se, sterrett, tests_s, side, tests_a = row
    found = core_rs.optimal_pool_size("dorfman", p)
    assert (found["size"], round(found["tests_per_person"], 6)) == (dorfman, tests)
    found = core_rs.optimal_pool_size("dorfman", p, sensitivity=0.95, specificity=0.99)
    assert (found["size"], round(found["tests_per_person"], 6)) == (dorfman_se, tests_se)
    found = core_rs.optimal_pool_size("sterrett", p)
    assert (found["size"], round(found["tests_per_person"], 6)) == (sterrett, tests_s)
    found = core_rs.optimal_pool_size("array", p, sizes_to=120)
    assert (found["size"], round(found["tests_per_person"], 6)) == (side, tests_a)


@pytest.mark.parametrize(("p", "sizes", "tests"), THREE_STAGES)
def test_best_three_stages(p: float, sizes: list[int], tests: float) -> None:
    found = core_rs.optimal_pool_size("hierarchical", p, sizes_to=120)
    assert found["sizes"] == sizes
    assert round(found["tests_per_person"], 6) == tests


def simulate(design: str, side: int, p: float, se: float, sp: float, rounds: int) -> list[int]:
    chance = random.Random(7)
    told = lambda truth: chance.random() < (se if truth else 1 - sp)  # noqa: E731
    totals = []
    for _ in range(rounds):
        people = [[chance.random() < p for _ in range(side)] for _ in range(side)]
        tests = 0
        if design == "array_with_master":
            tests += 1
            if not told(any(map(any, people))):
                totals.append(tests)
                continue
        rows = [told(any(row)) for row in people]
        columns = [told(any(row[c] for row in people)) for c in range(side)]
        tests += 2 * side
        for r in rows:
            for c in columns:
                tests += (r and c) or (r and not any(columns)) or (c and not any(rows))
        totals.append(tests)
    return totals


@pytest.mark.parametrize("design", ["array", "array_with_master"])
def test_array_totals_agree_with_simulation(design: str) -> None:
    totals = simulate(design, 5, 0.05, 0.9, 0.95, 20_000)
    mean = sum(totals) / len(totals)
    spread = (sum((t - mean) ** 2 for t in totals) / len(totals) ** 2) ** 0.5
    made = core_rs.pool_design(design, sizes=[5], p=0.05, sensitivity=0.9, specificity=0.95)
    assert abs(made["expected_tests"] - mean) < 4 * spread


def test_every_pool_positive_gives_at_least_and_never_a_share() -> None:
    made = core_rs.pool_prevalence([4, 3], [5, 10], [4, 3], interval="skew-score")
    assert made["estimate"] is None
    assert made["upper"] is None
    product = (1 - (1 - made["at_least"]) ** 5) ** 4 * (1 - (1 - made["at_least"]) ** 10) ** 3
    assert product == pytest.approx(0.05, rel=1e-9)


def test_tiny_shares_keep_their_digits() -> None:
    made = core_rs.pool_prevalence([1], [20], [4_000_000], point="mle", interval="skew-score")
    assert made["estimate"] == pytest.approx(1 / 80_000_000, rel=1e-6)
    assert 0 < made["lower"] < made["estimate"] < made["upper"] < 1e-6


@pytest.mark.parametrize("p", [0.0005, 0.005, 0.05])
def test_the_interval_shown_covers_as_often_as_it_says(p: float) -> None:
    """Exact coverage: the chance of every outcome times whether its interval holds p."""
    from math import comb

    size, tested = 10, 60
    share = 1 - (1 - p) ** size
    covered = 0.0
    for x in range(tested):
        made = core_rs.pool_prevalence([x], [size], [tested], interval="skew-score")
        chance = comb(tested, x) * share**x * (1 - share) ** (tested - x)
        covered += chance * (made["lower"] <= p <= made["upper"])
    assert 0.93 <= covered <= 0.995


def test_households_in_one_pool_are_noticed() -> None:
    # Da Nang 2020: 24 positive pools of 22,290, 32 confirmed cases.
    warned = core_rs.pool_household_warning([24], [4.31238223418573], [22290], 32, 24)
    assert warned is not None
    seen, expected = warned
    assert seen == pytest.approx(32 / 24)
    assert expected == pytest.approx(1.0005, abs=3e-4)
    assert core_rs.pool_household_warning([24], [4.3], [22290], 24, 24) is None


def test_informative_pools_put_high_risk_into_small_pools() -> None:
    chances = [0.3, 0.001, 0.001, 0.2, *[0.01] * 20, *[0.001] * 10]
    pools, tests = core_rs.informative_pools(chances, 10)
    assert sorted(i for pool in pools for i in pool) == list(range(len(chances)))
    assert all(len(pool) <= 10 for pool in pools)
    risks = [max(chances[i] for i in pool) for pool in pools]
    assert risks == sorted(risks)
    total = 0.0
    for pool in pools:
        each = [chances[i] for i in pool]
        made = core_rs.pool_design("dorfman", p_each=each, sizes=[len(each)])
        total += made["expected_tests"]
    assert tests == pytest.approx(total, rel=1e-12)


def test_advice_switches_from_ten_to_five_at_five_per_cent() -> None:
    lines = core_rs.pool_advice(
        0.05,
        [1, 3, 5, 10],
        qualities={1: (0.95, 1.0), 3: (0.95, 1.0), 5: (0.93, 1.0), 10: (0.9, 1.0)},
        prices={1: 518_400, 3: 211_500, 5: 164_600, 10: 111_100},
    )
    by_size = {line["size"]: line for line in lines}
    assert by_size[5]["tests_per_person"] < by_size[10]["tests_per_person"]
    assert by_size[1]["saving"] == 0
    assert by_size[10]["missed_per_100_000"] > by_size[5]["missed_per_100_000"]
    assert by_size[5]["missed_per_100_000"] == pytest.approx(5000 * (1 - 0.93 * 0.95))
    again = by_size[5]["tests_per_person"] - 1 / 5
    assert by_size[5]["price_per_person"] == pytest.approx(164_600 + again * 518_400)


# Limits between the sizes used in Viet Nam, perfect tests: 20 | 10 | 5 | 3 | single.
@pytest.mark.parametrize(
    ("p", "best"),
    [(0.0053, 20), (0.0055, 10), (0.0235, 10), (0.0238, 5), (0.0939, 5), (0.0943, 3),
     (0.3064, 3), (0.3069, 1)],
)  # fmt: skip
def test_advice_changes_size_where_it_should(p: float, best: int) -> None:
    lines = core_rs.pool_advice(p, [1, 3, 5, 10, 20])
    assert min(lines, key=lambda line: line["tests_per_person"])["size"] == best


def test_what_is_wrong_is_told_at_once() -> None:
    with pytest.raises(core_rs.CoreError, match=r"more pools positive.*at least one person"):
        core_rs.pool_prevalence([3, 1], [5, 0], [2, 5])
    with pytest.raises(core_rs.CoreError, match="none of"):
        core_rs.pool_prevalence([1], [5], [2], point="guess")
    with pytest.raises(core_rs.CoreError, match="one size"):
        core_rs.pool_prevalence([1, 1], [5, 3], [20, 20], interval="wilson")
    with pytest.raises(core_rs.CoreError, match="needs p"):
        core_rs.pool_design("array", sizes=[5])


def test_intervals_grow_with_confidence() -> None:
    for interval in ["skew-score", "score", "lrt", "wald", "wilson", "agresti-coull", "exact"]:
        widths = []
        for confidence in [0.8, 0.9, 0.95, 0.99]:
            made = core_rs.pool_prevalence(
                [4], [10], [100], interval=interval, confidence=confidence
            )
            widths.append(made["upper"] - made["lower"])
        assert all(a < b for a, b in pairwise(widths)), interval


def _tests_of_split(p: float, groups: tuple[int, ...], se: float, sp: float) -> float:
    """Expected tests of a pool split into groups, by a sum over who is positive."""
    total = 0.0
    size = sum(groups)
    for truth in range(2**size):
        infected = [truth >> at & 1 for at in range(size)]
        weight = math.prod(p if each else 1 - p for each in infected)
        says = se if any(infected) else 1 - sp
        tests = 1 + says * len(groups)
        start = 0
        for group in groups:
            part = infected[start : start + group]
            start += group
            if group > 1:
                tests += says * (se if any(part) else 1 - sp) * group
        total += weight * tests
    return total


def _splits(size: int, most: int) -> Iterator[tuple[int, ...]]:
    if size == 0:
        yield ()
    for first in range(min(size, most), 0, -1):
        for rest in _splits(size - first, first):
            yield (first, *rest)


@pytest.mark.parametrize(("p", "se", "sp"), [(0.05, 1.0, 1.0), (0.12, 0.9, 0.95)])
def test_the_best_of_three_stages_is_the_best_of_all_splits(p: float, se: float, sp: float) -> None:
    best = min(
        (_tests_of_split(p, groups, se, sp) / size, groups)
        for size in range(3, 9)
        for groups in _splits(size, size - 1)
    )
    found = core_rs.optimal_pool_size("hierarchical", p, sizes_to=8, sensitivity=se, specificity=sp)
    assert found["tests_per_person"] == pytest.approx(best[0], rel=1e-12)
    assert tuple(found["groups"]) == best[1]
    assert found["size"] == sum(best[1])


@pytest.mark.parametrize("design", ["dorfman", "array", "array_with_master", "hierarchical"])
def test_nobody_and_everybody_positive(design: str) -> None:
    sizes = [6, 2] if design == "hierarchical" else [6]
    nobody = core_rs.pool_design(design, p=0.0, sizes=sizes)
    expected = 12.0 if design == "array" else 1.0
    assert nobody["expected_tests"] == expected
    assert (nobody["sensitivity"], nobody["ppv"]) == (None, None)
    assert (nobody["specificity"], nobody["npv"]) == (1.0, 1.0)
    everybody = core_rs.pool_design(design, p=1.0, sizes=sizes)
    people, tests = {
        "dorfman": (6, 7),
        "array": (36, 48),
        "array_with_master": (36, 49),
        "hierarchical": (6, 10),
    }[design]
    assert (everybody["people"], everybody["expected_tests"]) == (people, tests)
    assert (everybody["specificity"], everybody["npv"]) == (None, None)
    assert (everybody["sensitivity"], everybody["ppv"]) == (1.0, 1.0)


def test_people_of_their_own_chances_in_a_pool_and_in_an_array() -> None:
    chances = [0.0, 1.0, 0.2, 0.05]
    pool = core_rs.pool_design("dorfman", p_each=chances, sensitivity=0.9, specificity=0.95)
    assert pool["expected_tests"] == pytest.approx(1 + 0.9 * 4)
    assert pool["sensitivity"] == pytest.approx(0.81)
    same = core_rs.pool_design("array_with_master", p=0.03, sizes=[4, 3], sensitivity=0.9)
    each = core_rs.pool_design("array_with_master", p_each=[0.03] * 12, sizes=[4, 3],
                               sensitivity=0.9)  # fmt: skip
    assert each == pytest.approx(same)
    with pytest.raises(core_rs.CoreError, match="a chance for each"):
        core_rs.pool_design("array", p_each=[0.1] * 5, sizes=[2, 3])


def test_the_second_order_interval_covers_as_it_says() -> None:
    p, size, tested = 0.02, 5, 200
    share = 1 - (1 - p) ** size
    covered = 0.0
    for x in range(1, tested):
        chance = math.comb(tested, x) * share**x * (1 - share) ** (tested - x)
        made = core_rs.pool_prevalence([x], [size], [tested], point="mle", interval="soc")
        lower, upper = made["lower"], made["upper"]
        assert lower is not None
        assert upper is not None
        covered += chance * (lower <= p <= upper)
    assert 0.93 < covered < 0.97
