"""Overlapping pools: which pool decides for a tube, against a slow rule written out."""

import itertools

import pytest

from portal.errors import Invalid
from portal.pools import decoding, designs

ARRAY = {10: [1, 2], 11: [3, 4], 20: [1, 3], 21: [2, 4]}
MIXES = {1: (10, 20), 2: (10, 21), 3: (11, 20), 4: (11, 21)}


def test_a_crossing_of_two_positive_pools_is_the_only_candidate() -> None:
    told = decoding.decode(ARRAY, {10: "positive", 11: "negative", 20: "positive", 21: "negative"})
    assert (told.negative, told.candidates, told.definite) == ({2, 3, 4}, {1}, {1})
    assert told.ranking == (1,)
    assert not told.contradictions


def test_a_positive_row_without_a_positive_column_is_a_contradiction() -> None:
    outcomes = {10: "positive", 11: "negative", 20: "negative", 21: "negative"}
    told = decoding.decode(ARRAY, outcomes)
    assert told.contradictions == {10}
    assert (told.doubted, told.negative) == ({1, 2}, {3, 4})
    assert set(told.ranking) == {1, 2}
    chosen = decoding.deciding_pools(MIXES, outcomes)
    assert (chosen[1], chosen[2]) == (10, 10)
    assert outcomes[chosen[3]] == outcomes[chosen[4]] == "negative"


def test_single_tests_answer_candidates_and_may_leave_a_pool_unexplained() -> None:
    outcomes = {10: "positive", 11: "negative", 20: "positive", 21: "negative", 1: "negative"}
    told = decoding.decode(ARRAY, outcomes)
    assert told.contradictions == {10, 20}
    assert 1 not in told.candidates | told.doubted | set(told.ranking)
    assert told.doubted == {2, 3}


EVERY = list(itertools.product(["", "negative", "positive", "invalid"], repeat=4))


@pytest.mark.parametrize("outcomes", EVERY)
def test_nobody_is_cleared_while_a_pool_waits_or_a_positive_one_is_unexplained(outcomes) -> None:
    said = dict(zip(ARRAY, outcomes, strict=True))
    for tube, pool in decoding.deciding_pools(MIXES, said).items():
        own = [said[key] for key in MIXES[tube]]
        is_cleared = said[pool] == "negative"
        others = {key: [t for t in members if t != tube] for key, members in ARRAY.items()}
        # Everybody else of a positive pool is in some negative pool: nobody explains it.
        unexplained = any(
            said[key] == "positive"
            and all(any(said[k] == "negative" for k in MIXES[t]) for t in others[key])
            for key in MIXES[tube]
        )
        may_be_cleared = "negative" in own and "" not in own and not unexplained
        assert is_cleared == may_be_cleared, (tube, said)


def test_a_tube_in_one_pool_follows_it() -> None:
    assert decoding.deciding_pools({1: (10,), 2: (10,)}, {10: "positive"}) == {1: 10, 2: 10}


def test_a_matrix_is_read_in_the_ways_laboratories_write_it() -> None:
    wanted = {"P1": [0, 2], "P2": [1, 2]}
    for text in ("101\n011", "1,0,1\n0,1,1\n", "1 0 1\n\n0 1 1", "1;0;1\n0;1;1"):
        plan = designs.matrix_plan(text)
        assert (plan.pools, plan.places) == (wanted, 3)


def test_every_fault_of_a_matrix_is_said_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        designs.matrix_plan("1 0 x\n1 1\n1 0 0")
    assert len(caught.value.details) == 4
    with pytest.raises(Invalid) as caught:
        designs.matrix_plan("110\n110")
    assert len(caught.value.details) == 1


def test_an_array_fills_its_rows_and_suggests_sides_that_hold_all() -> None:
    plan = designs.array_plan(2, 3)
    assert plan.pools["R2"] == [3, 4, 5]
    assert plan.pools["C3"] == [2, 5]
    for count in range(1, 400):
        rows, columns = designs.suggested_sides(count)
        assert rows * columns >= count
        assert 2 <= rows <= designs.LARGEST_SIDE
        assert 2 <= columns <= designs.LARGEST_SIDE
