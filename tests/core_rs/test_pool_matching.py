"""Matching results to people: each rule and each finding in a small story."""

import itertools
import random

import polars as pl
import pytest

import core_rs
from tests.core_rs.pool_tables import MEMBERS, RESULTS, TUBES, at, frame, result, tube


def matched(members, results, tubes=(), policy=None, **extra) -> core_rs.PoolMatch:
    if isinstance(policy, dict):
        policy = core_rs.PoolPolicy(**policy)
    return core_rs.match_pools(
        frame(list(members), MEMBERS),
        frame(list(results), RESULTS),
        policy,
        tubes=frame(list(tubes), TUBES),
        **extra,
    )


def states(match: core_rs.PoolMatch) -> list[str]:
    rows = pl.DataFrame(match.members).cast(pl.String).rows()
    return [state if reason is None else f"{state} {reason}" for state, reason in rows]


def findings(match: core_rs.PoolMatch) -> list[tuple[str, bool, str | None]]:
    table = pl.DataFrame(match.findings)
    return table.select("code", "is_blocking", "tube_code").rows()


POOL = tube("T", "abc")

# name, members, tubes, results, policy -> states, findings (code, blocking, tube)
STORIES = {
    "no result yet": (POOL, [], [], {}, ["WAITING"] * 3, []),
    "a negative pool clears": (
        POOL, [], [result("T", "negative")], {}, ["NEG_BY_POOL"] * 3, [],
    ),
    "a negative single clears": (
        tube("T", "a"), [], [result("T", "negative")], {}, ["NEG_SINGLE"], [],
    ),
    "a positive pool makes suspects": (
        POOL, [], [result("T", "positive")], {}, ["SUSPECT_POOL suspect"] * 3, [],
    ),
    "a tube of one is a single test": (
        tube("T", "a"), [{"tube_code": "T", "planned_size": 10}], [result("T", "positive")], {},
        ["POS_CONFIRMED"], [],
    ),
    "one registered and two counted is no single test": (
        tube("T", "a"), [{"tube_code": "T", "counted_swabs": 2}], [result("T", "positive")], {},
        ["SUSPECT_POOL suspect"], [("F4", True, "T")],
    ),
    "inconclusive once: the tube again": (
        POOL, [], [result("T", "inconclusive")], {}, ["WAITING repeat_tube"] * 3, [],
    ),
    "inconclusive with nothing left: new samples": (
        POOL, [{"tube_code": "T", "is_used_up": True}], [result("T", "inconclusive")], {},
        ["RETEST_DUE resample"] * 3, [],
    ),
    "inconclusive twice counts as positive": (
        POOL, [], [result("T", "inconclusive"), result("T", "inconclusive", 20, run=2)], {},
        ["SUSPECT_POOL suspect"] * 3, [],
    ),
    "invalid is no suspicion": (
        POOL, [], [result("T", "invalid")], {}, ["RETEST_DUE resample"] * 3, [],
    ),
    "lost": (
        POOL, [{"tube_code": "T", "is_lost": True}], [], {}, ["RETEST_DUE lost"] * 3, [],
    ),
    "rejected": (
        POOL, [{"tube_code": "T", "is_rejected": True}], [], {}, ["RETEST_DUE rejected"] * 3, [],
    ),
    "withdrawn is nobody's member": (
        [*tube("T", "a"), *tube("T", "b", withdrawn=True)], [], [result("T", "positive")], {},
        ["POS_CONFIRMED", "UNRESOLVED withdrawn"], [],
    ),
    "re-test planned": (
        [*POOL, {"person_id": "a", "tube_code": "S", "retest_of": "T"}], [],
        [result("T", "positive")], {},
        ["RETEST_DUE suspect", "SUSPECT_POOL suspect", "SUSPECT_POOL suspect",
         "RETEST_DUE suspect"], [],
    ),
    "re-test sample taken": (
        [*POOL, *tube("S", "a", 30)], [], [result("T", "positive")], {},
        ["RETEST_RUNNING suspect", "SUSPECT_POOL suspect", "SUSPECT_POOL suspect",
         "RETEST_RUNNING suspect"], [],
    ),
    "re-test results": (
        [*POOL, *tube("S", "a", 30), *tube("R", "b", 30)], [],
        [result("T", "positive"), result("S", "negative", 40), result("R", "positive", 40)], {},
        ["NEG_SINGLE", "POS_CONFIRMED", "SUSPECT_POOL suspect", "NEG_SINGLE", "POS_CONFIRMED"],
        [],
    ),
    "an invalid single is repeated": (
        [*POOL, *tube("S", "a", 30)], [], [result("T", "positive"), result("S", "invalid", 40)],
        {}, ["RETEST_DUE single_invalid", "SUSPECT_POOL suspect", "SUSPECT_POOL suspect",
             "RETEST_DUE single_invalid"], [],
    ),
    "two invalid singles need a person": (
        [*tube("T", "a"), *tube("S", "a", 30)], [],
        [result("T", "invalid"), result("S", "invalid", 40)], {},
        ["UNRESOLVED attempts"] * 2, [],
    ),
    "a later pool asks again after a negative single": (
        [*tube("T", "ab"), *tube("S", "a", 30), *tube("U", "ac", 250)], [],
        [result("T", "positive"), result("S", "negative", 40), result("U", "positive", 260)],
        {"round_days": 5},
        ["SUSPECT_POOL suspect", "SUSPECT_POOL suspect", "SUSPECT_POOL suspect",
         "SUSPECT_POOL suspect", "SUSPECT_POOL suspect"], [],
    ),
    "another episode is another story": (
        [*tube("T", "a"), *tube("U", "ab", 24 * 40)], [],
        [result("T", "positive"), result("U", "negative", 24 * 41)], {},
        ["POS_CONFIRMED", "NEG_BY_POOL", "NEG_BY_POOL"], [],
    ),
    "F1": (POOL, [], [result("T", "negative"), result("V", "positive")], {},
           ["NEG_BY_POOL"] * 3, [("F1", True, "V")]),
    "F2 agreeing": (
        [*tube("T", "ab"), *tube("U", "ac")], [],
        [result("T", "negative"), result("U", "negative")], {},
        ["NEG_BY_POOL"] * 4, [("F2", False, "T")],
    ),
    "F2 contradicting": (
        [*tube("T", "ab"), *tube("U", "ac")], [],
        [result("T", "negative"), result("U", "positive")], {},
        ["HOLD two_tubes", "NEG_BY_POOL", "HOLD two_tubes", "SUSPECT_POOL suspect"],
        [("F2", True, "T")],
    ),
    "F2 settled by a re-test": (
        [*tube("T", "ab"), *tube("U", "ac"), *tube("S", "a", 30)], [],
        [result("T", "negative"), result("U", "positive"), result("S", "negative", 40)], {},
        ["NEG_SINGLE", "NEG_BY_POOL", "NEG_SINGLE", "SUSPECT_POOL suspect", "NEG_SINGLE"],
        [("F2", False, "T")],
    ),
    "F3": (POOL, [{"tube_code": "T", "planned_size": 2}], [result("T", "negative")], {},
           ["HOLD over_size"] * 3, [("F3", True, "T")]),
    "F3 validated": (
        POOL, [{"tube_code": "T", "planned_size": 2}], [result("T", "negative")],
        {"validated_size": 5}, ["NEG_BY_POOL"] * 3, [("F3", False, "T")],
    ),
    "F3 by policy": (POOL, [], [result("T", "negative")], {"max_size": 2},
                     ["HOLD over_size"] * 3, [("F3", True, "T")]),
    "F4 a stranger": (
        POOL, [{"tube_code": "T", "counted_swabs": 4}], [result("T", "negative")], {},
        ["HOLD count"] * 3, [("F4", True, "T")],
    ),
    "F4 a stranger, allowed": (
        POOL, [{"tube_code": "T", "counted_swabs": 4}], [result("T", "negative")],
        {"stranger_clears": True}, ["NEG_BY_POOL"] * 3, [("F4", True, "T")],
    ),
    "F4 a swab missing clears nobody, whatever the policy": (
        POOL, [{"tube_code": "T", "counted_swabs": 2}], [result("T", "negative")],
        {"stranger_clears": True}, ["HOLD count"] * 3, [("F4", True, "T")],
    ),
    "F5 after sealing": (
        [*POOL, *tube("T", "d", 5)], [{"tube_code": "T", "sealed_at": at(2)}],
        [result("T", "negative")], {}, [*["NEG_BY_POOL"] * 3, "HOLD late"], [("F5", True, "T")],
    ),
    "F5 after the result": (
        [*POOL, *tube("T", "d", 15)], [], [result("T", "negative")], {},
        [*["NEG_BY_POOL"] * 3, "HOLD late"], [("F5", True, "T")],
    ),
    "F5 answered by a single": (
        [*POOL, *tube("T", "d", 15), *tube("S", "d", 30)], [],
        [result("T", "negative"), result("S", "negative", 40)], {},
        [*["NEG_BY_POOL"] * 3, "NEG_SINGLE", "NEG_SINGLE"], [("F5", True, "T")],
    ),
    "F6": (
        POOL, [], [result("T", "negative", result_id="1"), result("T", "positive", result_id="2")],
        {}, ["HOLD conflict"] * 3, [("F6", True, "T")],
    ),
    "F6 amended": (
        POOL, [],
        [result("T", "negative"), result("T", "positive"), result("T", "negative", 20, version=2)],
        {}, ["NEG_BY_POOL"] * 3, [],
    ),
    "the same result twice is one": (
        POOL, [], [result("T", "negative", result_id="1")] * 2, {}, ["NEG_BY_POOL"] * 3, [],
    ),
    "one result id on two tubes": (
        [*tube("T", "ab"), *tube("U", "cd")], [],
        [result("T", "negative", result_id="1"), result("U", "negative", result_id="1")], {},
        ["HOLD conflict"] * 4, [("F6", True, "T"), ("F6", True, "U")],
    ),
    "F7": (POOL, [], [result("T", "negative", -6)], {}, ["HOLD early"] * 3, [("F7", True, "T")]),
    "F7 receipt": (
        POOL, [{"tube_code": "T", "received_at": at(-3)}], [result("T", "negative")], {},
        ["HOLD early"] * 3, [("F7", True, "T")],
    ),
    "F8": (
        [*tube("T", "ab"), *tube("U", "cd"), *tube("V", "e")],
        [{"tube_code": "T", "sent_at": at(2)}, {"tube_code": "U", "received_at": at(2)},
         {"tube_code": "V", "received_at": at(70)}],
        [], {}, ["WAITING"] * 5, [("F8", False, "T"), ("F8", False, "U")],
    ),
    "F9": ([{"person_id": "a"}, *tube("T", "b")], [], [], {}, ["NOT_SAMPLED", "WAITING"],
           [("F9", False, None)]),
    "F10": (
        [*tube("T", "ab"), *tube("S", "a", 30), *tube("R", "b", 30)], [],
        [result("T", "positive"), result("S", "negative", 40), result("R", "negative", 40)], {},
        ["NEG_SINGLE"] * 4, [("F10", True, "T")],
    ),
    "F11": (
        [*tube("T", "abc"), *tube("S", "a", 8)], [],
        [result("T", "negative"), result("S", "positive", 12)], {},
        ["POS_CONFIRMED", "HOLD doubted", "HOLD doubted", "POS_CONFIRMED"],
        [("F11", True, "T")],
    ),
    "F12 weak": (POOL, [], [result("T", "positive", ct_value=36.5)], {},
                 ["SUSPECT_POOL suspect"] * 3, [("F12", False, "T")]),
    "F12 every single weaker": (
        [*tube("T", "ab"), *tube("S", "a", 30)], [],
        [result("T", "positive", ct_value=25.0), result("S", "positive", 40, ct_value=29.0)], {},
        ["POS_CONFIRMED", "SUSPECT_POOL suspect", "POS_CONFIRMED"], [("F12", False, "T")],
    ),
    "F13 two rows": (
        POOL, [{"tube_code": "T", "sealed_at": at(2)}, {"tube_code": "T", "sealed_at": at(50)}],
        [result("T", "negative", 60)], {}, ["HOLD reused_label"] * 3, [("F13", True, "T")],
    ),
    "F13 weeks apart": (
        [*tube("T", "ab"), *tube("T", "cd", 24 * 20)], [], [], {},
        ["HOLD reused_label"] * 4, [("F13", True, "T")],
    ),
    "F15 two people, one identity": (
        [*tube("T", "a", identity="0123"), *tube("U", "b", identity="0123"), *tube("V", "c")], [],
        [result(t, "negative") for t in "TUV"], {},
        ["HOLD identity", "HOLD identity", "NEG_SINGLE"],
        [("F15", True, None), ("F15", True, None)],
    ),
    "F16": (
        [*tube("T", "a", is_symptomatic=True), *tube("T", "b"),
         *tube("T", "c", contact_class="F1")],
        [], [result("T", "negative")], {"single_contact_classes": ["F1"]},
        ["HOLD not_for_pool", "NEG_BY_POOL", "HOLD not_for_pool"],
        [("F16", True, "T"), ("F16", True, "T")],
    ),
    "F16 does not concern a single": (
        tube("T", "a", is_symptomatic=True), [], [result("T", "negative")], {}, ["NEG_SINGLE"], [],
    ),
    "a tree: a negative mix clears the tubes in it": (
        [*tube("T", "ab"), *tube("U", "c")],
        [{"tube_code": "T", "parent_code": "M"}, {"tube_code": "U", "parent_code": "M"}],
        [result("M", "negative")], {}, ["NEG_BY_POOL"] * 3, [],
    ),
    "a tree: a positive mix makes suspects until each tube is tested": (
        [*tube("T", "ab"), *tube("U", "c")],
        [{"tube_code": "T", "parent_code": "M"}, {"tube_code": "U", "parent_code": "M"}],
        [result("M", "positive"), result("U", "negative", 20)], {},
        ["SUSPECT_POOL suspect", "SUSPECT_POOL suspect", "NEG_SINGLE"], [],
    ),
    "a tree: a tube positive below a negative mix": (
        [*tube("T", "ab"), *tube("U", "c")],
        [{"tube_code": "T", "parent_code": "M"}, {"tube_code": "U", "parent_code": "M"}],
        [result("M", "negative"), result("U", "positive", 20)], {},
        ["HOLD doubted", "HOLD doubted", "POS_CONFIRMED"], [("F11", True, "M")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STORIES)
def test_a_story_ends_in_the_states_and_findings_of_the_rules(name: str) -> None:
    members, tubes, results, policy, expected, found = STORIES[name]
    match = matched(members, results, tubes, policy)
    assert states(match) == expected
    assert findings(match) == found


def by_person(match: core_rs.PoolMatch, members: list[dict[str, object]]) -> dict[object, str]:
    keys = [(m["person_id"], m.get("tube_code")) for m in members]
    return dict(zip(keys, states(match), strict=True))


@pytest.mark.parametrize("name", STORIES)
def test_order_and_double_delivery_change_nothing(name: str) -> None:
    members, tubes, results, policy, _, found = STORIES[name]
    expected = by_person(matched(members, results, tubes, policy), members)
    for seed in range(20):
        chance = random.Random(seed)
        again = [*members, *chance.choices(members, k=2)]
        told = [*results, *chance.choices(results, k=2)] if results else []
        chance.shuffle(again)
        chance.shuffle(told)
        match = matched(again, told, tubes, policy)
        assert by_person(match, again) == expected
        assert sorted(findings(match), key=str) == sorted(found, key=str)


def test_an_amendment_to_positive_reopens_and_is_urgent() -> None:
    results = [
        result("T", "negative", result_id="1"),
        result("T", "positive", 20, result_id="2", amends_id="1"),
    ]
    for order in itertools.permutations(results):
        match = matched(POOL, order)
        assert states(match) == ["SUSPECT_POOL suspect"] * 3
        assert pl.DataFrame(match.retests)["is_urgent"].to_list() == [True] * 3
        assert pl.DataFrame(match.tubes)["is_turned_positive"].to_list() == [True]


def test_a_result_moved_to_another_tube_leaves_the_first_waiting() -> None:
    members = [*tube("T", "ab"), *tube("U", "cd")]
    results = [
        result("T", "positive", result_id="1"),
        result("U", "positive", 20, result_id="2", amends_id="1"),
    ]
    for order in itertools.permutations(results):
        match = matched(members, order)
        assert states(match) == ["WAITING"] * 2 + ["SUSPECT_POOL suspect"] * 2


def test_an_unknown_tube_offers_codes_one_slip_away() -> None:
    match = matched(tube("AB1243", "ab"), [result("AB1234", "positive")])
    [detail] = pl.DataFrame(match.findings)["detail"]
    assert detail == "similar: AB1243"


def test_a_team_with_too_many_positives_raises_an_alarm() -> None:
    members, results, tubes = [], [], []
    for n in range(400):
        members += tube(f"T{n:03}", [f"p{n}a", f"p{n}b"])
        positive = n % 100 == 0 or n in {1, 2, 3, 4, 5}
        results.append(result(f"T{n:03}", "positive" if positive else "negative"))
        tubes.append({"tube_code": f"T{n:03}", "team": f"team {n // 10}"})
    match = matched(members, results, tubes)
    table = pl.DataFrame(match.findings)
    assert table["code"].to_list() == ["F14"]
    assert table["detail"][0].startswith("team team 0: 6 of 10 tubes positive")


def test_a_closed_finding_no_longer_blocks_and_stays_listed() -> None:
    tubes = [{"tube_code": "T", "counted_swabs": 4}]
    closings = frame(
        [{"code": "F4", "tube_code": "T"}], {"code": pl.String, "tube_code": pl.String}
    )
    match = matched(POOL, [result("T", "negative")], tubes, closings=closings)
    assert states(match) == ["NEG_BY_POOL"] * 3
    assert findings(match) == [("F4", False, "T")]


def test_a_late_member_with_a_signed_correction_is_cleared() -> None:
    closings = [{"code": "F5", "tube_code": "T", "person_id": "d"}]
    members = [*POOL, *tube("T", "d", 15)]
    match = matched(members, [result("T", "negative", 20)], closings=closings)
    assert states(match) == ["NEG_BY_POOL"] * 4


def test_swab_pools_need_new_samples_and_media_pools_do_not() -> None:
    members = [*tube("T", "ab"), *tube("U", "cd")]
    tubes = [{"tube_code": "U", "pool_kind": "media"}, {"tube_code": "T", "pool_kind": "swab"}]
    match = matched(members, [result("T", "positive"), result("U", "positive")], tubes)
    retests = pl.DataFrame(match.retests)
    assert retests["needs_new_sample"].to_list() == [True, True, False, False]


def test_one_tube_at_release_follows_the_same_rules() -> None:
    members = [*tube("T", "ab"), *tube("U", "ac")]
    results = [result("T", "negative"), result("U", "positive")]
    verdict = core_rs.match_tube("T", members, results)
    assert verdict["tube"]["state"] == "NEG_BY_POOL"
    assert [m["state"] for m in verdict["members"]] == ["HOLD", "NEG_BY_POOL"]
    assert [f["code"] for f in verdict["findings"]] == ["F2"]
    with pytest.raises(core_rs.CoreError, match="none of the tables") as caught:
        core_rs.match_tube("X", members, results)
    assert caught.value.code == "pooling.tube"


def test_all_that_is_wrong_with_the_tables_is_told_at_once() -> None:
    members = pl.DataFrame({"person_id": ["a"], "added_at": ["yesterday"]})
    with pytest.raises(core_rs.CoreError) as caught:
        core_rs.match_pools(members, frame([], RESULTS))
    assert "tube_code is missing" in str(caught.value)
    assert "added_at" in str(caught.value)
    with pytest.raises(core_rs.CoreError, match="maybe"):
        matched(POOL, [result("T", "maybe")])
    with pytest.raises(core_rs.CoreError, match=r"max_attempts.*round"):
        core_rs.PoolPolicy(max_attempts=0, round_days=0)


def test_every_finding_has_a_title_and_somebody_to_close_it() -> None:
    kinds = core_rs.pool_finding_kinds()
    assert [kind["code"] for kind in kinds] == [f"F{n}" for n in range(1, 17)]
    for kind in kinds:
        assert kind["title"]
        assert kind["effect"]
        assert kind["closers"]
        if kind["can_block"]:
            roles = {"coordinator", "clinician", "laboratory_lead"}
            assert set(kind["closers"]) <= roles
