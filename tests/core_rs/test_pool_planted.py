"""Planted errors: all of them found, none invented, every state as planted."""

from collections import Counter
from random import Random

import polars as pl
import pytest

import core_rs
from tests.core_rs.pool_planted import Planted, plant
from tests.core_rs.pool_tables import at

POLICY = core_rs.PoolPolicy(single_contact_classes=["F1"], alarm_probability=1e-6)


def check(world: Planted, seed: int) -> None:
    members, results, tubes = world.frames()
    match = core_rs.match_pools(members, results, POLICY, tubes=tubes, as_of=at(24 * 10))
    shown = pl.DataFrame(match.members).cast(pl.String)
    states = shown.select(
        pl.concat_str("state", "reason", separator=" ", ignore_nulls=True)
    ).to_series()
    wrong = [
        (row, expected, state)
        for row, (expected, state) in enumerate(zip(world.states, states, strict=True))
        if expected != state
    ]
    assert wrong == []
    found = pl.DataFrame(match.findings).select("code", "tube_code", "person_id").rows()
    assert Counter(found) == world.findings
    # The same rows in another order: the same findings, the same counts.
    order = Random(seed)
    shuffled = members.sample(fraction=1, shuffle=True, seed=seed)
    told = results.sample(fraction=1, shuffle=True, seed=order.randrange(1000))
    again = core_rs.match_pools(shuffled, told, POLICY, tubes=tubes, as_of=at(24 * 10))
    assert again.counts == match.counts
    found = pl.DataFrame(again.findings).select("code", "tube_code", "person_id").rows()
    assert Counter(found) == world.findings


def test_planted_errors_are_all_found_and_none_invented() -> None:
    world = plant(1, 5_000)
    assert {code for code, _, _ in world.findings} == {f"F{n}" for n in range(1, 17)}
    check(world, 1)


def test_overlapping_designs_clear_by_any_negative_pool_and_by_no_contradiction() -> None:
    """Arrays of people: cleared is who is in a negative pool, all others are suspects.

    In every fifth array one column says negative although a row of it has a positive: whoever is
    in a positive pool that nobody explains any more is not cleared.
    """
    chance = Random(11)
    world = Planted()
    for number in range(400):
        rows, columns = chance.choice([2, 3, 4, 6]), chance.choice([2, 3, 5, 8])
        people = [world.person() for _ in range(rows * columns)]
        positive = set(chance.sample(range(len(people)), chance.choice([0, 1, 1, 2, 3])))
        lines = [range(r * columns, (r + 1) * columns) for r in range(rows)]
        lines += [range(c, len(people), columns) for c in range(columns)]
        says = [any(n in positive for n in line) for line in lines]
        if number % 5 == 0 and any(says[rows:]):
            says[rows + says[rows:].index(True)] = False
        cleared = {n for line, yes in zip(lines, says, strict=True) if not yes for n in line}
        unexplained = {
            n
            for line, yes in zip(lines, says, strict=True)
            if yes and all(m in cleared for m in line)
            for n in line
        }
        for line, yes in zip(lines, says, strict=True):
            code = f"T{len(world.tubes):08}"
            world.tubes.append({"tube_code": code, "planned_size": 10, "pool_kind": "media",
                                "counted_swabs": len(line), "sealed_at": at(2),
                                "received_at": at(3)})  # fmt: skip
            for n in line:
                state = "NEG_BY_POOL" if n in cleared - unexplained else "not cleared"
                world.member(people[n], code, state)
            world.result(code, "positive" if yes else "negative")
    members, results, tubes = world.frames()
    policy = core_rs.PoolPolicy(overlapping=True)
    match = core_rs.match_pools(members, results, policy, tubes=tubes, as_of=at(48))
    states = pl.DataFrame(match.members)["state"].cast(pl.String).to_list()
    for expected, state in zip(world.states, states, strict=True):
        if expected == "NEG_BY_POOL":
            assert state == expected
        else:
            assert state in {"SUSPECT_POOL", "HOLD"}
    assert {"SUSPECT_POOL", "HOLD"} & set(states)


@pytest.mark.proof
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(20))
def test_planted_errors_in_a_hundred_thousand(seed: int) -> None:
    check(plant(seed, 100_000), seed)
