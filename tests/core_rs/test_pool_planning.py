"""Decoding overlapping pools and packing households."""

import json

import polars as pl
import pytest

import core_rs
from tests.core_rs.pool_tables import MEMBERS, RESULTS, frame, result, tube
from tests.shared_data import shared_data


def test_the_published_pools_name_two_people_and_a_wrong_pool() -> None:
    """P-BEST, 384 people in 48 pools, 12 positive of which 11 are explained."""
    data = json.loads(shared_data("pbest.json").read_text(encoding="utf-8"))
    pools = [[person - 1 for person in pool] for pool in data["A_rows_per_pool"]]
    outcomes = [ct > 0 for ct in data["ct"]]
    decoded = core_rs.decode_pools(384, pools, outcomes)
    assert [person + 1 for person in decoded["candidates"]] == [72, 142]
    assert [person + 1 for person in decoded["definite"]] == [72, 142]
    assert [person + 1 for person in decoded["smallest"]] == [72, 142]
    assert [pool + 1 for pool in decoded["contradictions"]] == [31]
    assert len(decoded["negative"]) == 382


def test_a_pool_that_nobody_explains_is_told_and_not_raised() -> None:
    decoded = core_rs.decode_pools(3, [[0, 1], [1, 2], [0, 1]], [False, True, True])
    assert decoded["definite"] == [2]
    assert decoded["contradictions"] == [2]
    assert decoded["doubted"] == [0, 1]
    with pytest.raises(core_rs.CoreError, match="outcomes"):
        core_rs.decode_pools(2, [[0]], [])


ARRAY = [*tube("R1", "abc"), *tube("R2", "def"), *tube("C1", "ad"), *tube("C2", "be"),
         *tube("C3", "cf")]  # fmt: skip


def states(policy: core_rs.PoolPolicy, positive: set[str]) -> dict[str, str]:
    codes = ["R1", "R2", "C1", "C2", "C3"]
    told = [result(code, "positive" if code in positive else "negative") for code in codes]
    match = core_rs.match_pools(frame(ARRAY, MEMBERS), frame(told, RESULTS), policy)
    shown = pl.DataFrame(match.members)["state"].cast(pl.String).to_list()
    return {str(m["person_id"]): state for m, state in zip(ARRAY, shown, strict=True)}


def test_an_array_clears_by_any_negative_pool_and_accuses_only_by_policy() -> None:
    careful = core_rs.PoolPolicy(overlapping=True)
    assert states(careful, {"R1", "C2"}) == {
        "a": "NEG_BY_POOL", "b": "SUSPECT_POOL", "c": "NEG_BY_POOL",
        "d": "NEG_BY_POOL", "e": "NEG_BY_POOL", "f": "NEG_BY_POOL",
    }  # fmt: skip
    bold = core_rs.PoolPolicy(overlapping=True, accept_decoded_positive=True)
    assert states(bold, {"R1", "C2"})["b"] == "POS_CONFIRMED"
    # Nobody explains a positive row without a positive column: nobody in it is cleared.
    held = states(careful, {"R1"})
    assert {held[p] for p in "abc"} == {"HOLD"}
    assert {held[p] for p in "def"} == {"NEG_BY_POOL"}


def test_households_stay_together() -> None:
    households = [7, 7, 7, 8, 9, 9, 10, 10, 10, 10, 11, 7]
    tubes = core_rs.pack_households(households, 5)
    assert sorted(person for one in tubes for person in one) == list(range(12))
    for household in set(households):
        assert sum(any(households[p] == household for p in one) for one in tubes) == 1
    assert sorted(len(one) for one in tubes) == [2, 5, 5]
