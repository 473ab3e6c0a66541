"""The growing index says the same as one match of everything, whatever came when."""

import random

import polars as pl
import pytest

import core_rs
from tests.core_rs.pool_tables import MEMBERS, RESULTS, TUBES, at, frame, result, tube
from tests.core_rs.test_pool_matching import STORIES

KEY = ["person_id", "tube_code"]


def table(made: core_rs.Table) -> pl.DataFrame:
    return pl.DataFrame(made).with_columns(pl.col(pl.Categorical).cast(pl.String))


def whole(members, results, tubes, policy) -> pl.DataFrame:
    match = core_rs.match_pools(
        frame(members, MEMBERS), frame(results, RESULTS), policy, tubes=frame(tubes, TUBES)
    )
    keys = frame(members, MEMBERS).select(KEY)
    both = pl.concat([keys, table(match.members)], how="horizontal")
    return both.drop_nulls("tube_code").unique().sort(KEY)


# Within one call the index compares result ids and amendments, and rows of tubes; across calls it
# cannot, so these stories are told to it in one piece of their kind.
@pytest.mark.parametrize("name", STORIES)
def test_growing_in_pieces_ends_as_the_whole(name: str) -> None:
    members, tubes, results, policy, _, _ = STORIES[name]
    rules = core_rs.PoolPolicy(**policy)
    expected = whole(members, results, tubes, rules)
    one_piece = "id" in name or "two rows" in name
    for seed in range(10):
        chance = random.Random(seed)
        index = core_rs.PoolIndex(rules)
        pieces = [("members", [row]) for row in [*members, *chance.choices(members, k=1)]]
        if one_piece:
            pieces += [("results", results), ("tubes", tubes)]
        else:
            pieces += [("results", [row]) for row in results]
            pieces += [("tubes", [row]) for row in tubes]
        chance.shuffle(pieces)
        for kind, rows in pieces:
            if kind == "members":
                index.add_members(frame(rows, MEMBERS))
            elif kind == "results":
                index.add_results(frame(rows, RESULTS))
            else:
                index.set_tubes(frame(rows, TUBES))
        assert table(index.members).unique().sort(KEY).equals(expected), seed
        index.rematch()
        assert table(index.members).unique().sort(KEY).equals(expected), seed


def test_only_what_changed_is_told() -> None:
    index = core_rs.PoolIndex()
    assert len(table(index.add_members(frame(tube("T", "ab") + tube("U", "cd"), MEMBERS)))) == 0
    told = table(index.add_results(frame([result("T", "negative")], RESULTS)))
    assert told.select("person_id", "state", "state_before").sort("person_id").rows() == [
        ("a", "NEG_BY_POOL", "WAITING"),
        ("b", "NEG_BY_POOL", "WAITING"),
    ]
    assert len(table(index.add_results(frame([result("T", "negative")], RESULTS)))) == 0
    told = table(index.add_results(frame([result("T", "positive", 20, version=2)], RESULTS)))
    assert told["state"].to_list() == ["SUSPECT_POOL"] * 2
    assert told["state_before"].to_list() == ["NEG_BY_POOL"] * 2
    assert table(index.retests)["is_urgent"].to_list() == [True, True]
    assert index.counts == {"WAITING": 2, "SUSPECT_POOL": 2}
    assert len(index) == 4
    assert table(index.findings(at(30))).is_empty()
    assert index.byte_size > 0


def test_a_large_delivery_takes_the_long_way_to_the_same_end() -> None:
    members = [row for n in range(40) for row in tube(f"T{n}", [f"{n}a", f"{n}b", f"{n // 2}c"])]
    results = [result(f"T{n}", "positive" if n % 7 == 0 else "negative") for n in range(40)]
    index = core_rs.PoolIndex()
    index.add_members(frame(members, MEMBERS))
    told = table(index.add_results(frame(results, RESULTS)))
    assert len(told) == len(table(index.members).filter(pl.col("state") != "WAITING"))
    expected = whole(members, results, [], core_rs.PoolPolicy())
    assert table(index.members).sort(KEY).equals(expected)
