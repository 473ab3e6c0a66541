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


@pytest.mark.proof
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(20))
def test_planted_errors_in_a_hundred_thousand(seed: int) -> None:
    check(plant(seed, 100_000), seed)
