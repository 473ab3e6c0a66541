"""What a design costs and finds, listed by hand: every truth and every answer of every test.

Nothing here knows a formula of core_rs.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import pytest

Rule = Callable[[Sequence[bool], Callable[[int, int, bool], bool]], tuple[int, list[bool]]]
SE, SP = [0.97, 0.93, 0.9], [0.99, 0.96, 0.95]


def answers(
    rule: Rule, truth: Sequence[bool], se: Sequence[float], sp: Sequence[float]
) -> Iterator[tuple[float, int, list[bool]]]:
    """Every way the tests of a rule may come out: (chance, tests, who is called positive).

    The rule asks for a test by stage and a key; each is answered both ways.
    """
    todo: list[dict[tuple[int, int], bool]] = [{}]
    while todo:
        given = todo.pop()
        chance = 1.0
        missing: tuple[int, int] | None = None

        def test(stage: int, key: int, is_positive: bool, given: dict = given) -> bool:
            nonlocal chance, missing
            if (stage, key) not in given:
                missing = (stage, key)
                raise LookupError
            answer = given[stage, key]
            yes = se[stage] if is_positive else 1 - sp[stage]
            chance *= yes if answer else 1 - yes
            return answer

        try:
            tests, called = rule(truth, test)
        except LookupError:
            assert missing is not None
            todo += [given | {missing: True}, given | {missing: False}]
            continue
        yield chance, tests, called


def by_hand(
    rule: Rule, p_each: Sequence[float], se: Sequence[float], sp: Sequence[float]
) -> dict[str, float]:
    tests = found = alarms = 0.0
    for truth in itertools.product([False, True], repeat=len(p_each)):
        weight = math.prod(p if t else 1 - p for p, t in zip(p_each, truth, strict=True))
        for chance, count, called in answers(rule, truth, se, sp):
            tests += weight * chance * count
            found += weight * chance * sum(c and t for c, t in zip(called, truth, strict=True))
            alarms += weight * chance * sum(c and not t for c, t in zip(called, truth, strict=True))
    positive, people = sum(p_each), len(p_each)
    negative = people - positive
    return {
        "expected_tests": tests,
        "sensitivity": found / positive,
        "specificity": 1 - alarms / negative,
        "ppv": found / (found + alarms),
        "npv": (negative - alarms) / (negative - alarms + positive - found),
    }


def hierarchical(stages: Sequence[Sequence[int | None]]) -> Rule:
    def rule(truth: Sequence[bool], test: Callable[..., bool]) -> tuple[int, list[bool]]:
        people = len(truth)
        still = [True] * people
        count = 0
        for at, groups in enumerate(stages):
            for group in sorted({g for g in groups if g is not None}):
                members = [i for i in range(people) if groups[i] == group]
                if not still[members[0]]:
                    continue
                count += 1
                is_yes = test(at, group, any(truth[i] for i in members))
                for i in members:
                    still[i] = is_yes
        return count, still

    return rule


def array(rows: int, columns: int, *, has_master: bool) -> Rule:
    def rule(truth: Sequence[bool], test: Callable[..., bool]) -> tuple[int, list[bool]]:
        nobody = [False] * len(truth)
        stage = 0
        if has_master:
            if not test(0, 0, any(truth)):
                return 1, nobody
            stage = 1
        row = [
            test(stage, r, any(truth[r * columns + c] for c in range(columns))) for r in range(rows)
        ]
        column = [
            test(stage, rows + c, any(truth[r * columns + c] for r in range(rows)))
            for c in range(columns)
        ]
        count = stage + rows + columns
        called = list(nobody)
        for at in range(len(truth)):
            r, c = divmod(at, columns)
            is_tested = (row[r] and (column[c] or not any(column))) or (column[c] and not any(row))
            if is_tested:
                count += 1
                called[at] = test(stage + 1, at, truth[at])
        return count, called

    return rule


def agree(made: dict, wanted: dict) -> None:
    for name, value in wanted.items():
        assert made[name] == pytest.approx(value, rel=1e-10), name
