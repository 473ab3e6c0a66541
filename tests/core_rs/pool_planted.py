"""A campaign with planted errors: every table, and what must be found in it.

Each planted error sits in tubes and people of its own, so that what must be found is known by
construction and not by rules like those under test.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from tests.core_rs.pool_tables import MEMBERS, RESULTS, TUBES, at, frame

Row = dict[str, Any]
SIZES = [1, 3, 5, 10, 20]


@dataclass
class Planted:
    """Rows, the state each membership must have, and the findings (code, tube, person)."""

    members: list[Row] = field(default_factory=list)
    tubes: list[Row] = field(default_factory=list)
    results: list[Row] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    findings: Counter[tuple[str, str | None, str | None]] = field(default_factory=Counter)
    people: int = 0

    def person(self) -> str:
        self.people += 1
        return f"P{self.people:09}"

    def pool(
        self, size: int, outcome: str | None, state: str, **tube: Any
    ) -> tuple[str, list[str]]:
        """A tube of new people, collected in hour 1, sealed in hour 2, result in hour 10."""
        code = f"T{len(self.tubes):08}"
        people = [self.person() for _ in range(size)]
        self.tubes.append(
            {"tube_code": code, "planned_size": size, "counted_swabs": size, "sealed_at": at(2),
             "sent_at": at(3), "received_at": at(5), **tube}
        )  # fmt: skip
        for person in people:
            self.member(person, code, state)
        if outcome is not None:
            self.result(code, outcome)
        return code, people

    def member(
        self, person: str, code: str | None, state: str, hour: float = 1, **more: Any
    ) -> None:
        self.members.append(
            {"person_id": person, "tube_code": code, "added_at": at(hour),
             "collected_at": at(hour), **more}
        )  # fmt: skip
        self.states.append(state)

    def result(self, code: str, outcome: str, hour: float = 10, **more: Any) -> None:
        number = f"R{len(self.results):09}"
        self.results.append(
            {"tube_code": code, "outcome": outcome, "recorded_at": at(hour), "version": 1,
             "run": 1, "result_id": number, **more}
        )  # fmt: skip

    def single(self, person: str, outcome: str | None, state: str, hour: float = 30) -> str:
        code = f"S{len(self.tubes):08}"
        self.tubes.append({"tube_code": code, "planned_size": 1, "sealed_at": at(hour + 1)})
        self.member(person, code, state, hour)
        if outcome is not None:
            self.result(code, outcome, hour + 10)
        return code

    def mix(self, outcome: str | None, state: str, sizes: list[int], **tube: Any) -> list[str]:
        """Tubes of these sizes mixed in the laboratory; gives the codes of the tubes."""
        code = f"M{len(self.tubes):08}"
        self.tubes.append({"tube_code": code, "pool_kind": "media", "received_at": at(6), **tube})
        inside = [self.pool(size, None, state, parent_code=code)[0] for size in sizes]
        if outcome is not None:
            self.result(code, outcome)
        return inside

    def rows_of(self, code: str) -> list[int]:
        """Memberships of a tube among the last few hundred."""
        begin = max(0, len(self.members) - 400)
        return [n for n in range(begin, len(self.members)) if self.members[n]["tube_code"] == code]

    def row_of(self, code: str) -> int:
        return self.rows_of(code)[0]

    def newest_mix(self) -> str:
        """The newest mix."""
        return next(t["tube_code"] for t in reversed(self.tubes) if t["tube_code"][0] == "M")

    def found(self, code: str, tube: str | None, person: str | None = None) -> None:
        self.findings[code, tube, person] += 1

    def frames(self) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        return (
            frame(self.members, MEMBERS),
            frame(self.results, RESULTS),
            frame(self.tubes, TUBES),
        )


def plant_each(world: Planted, chance: random.Random) -> None:
    """One of every error, in tubes of random size."""
    size = chance.choice([3, 5, 10])
    # F1: a result for a code nobody registered (far from any registered one).
    stranger = f"X{chance.randrange(10**9):010}"
    world.result(stranger, "positive")
    world.found("F1", stranger)
    # F2: in two negative tubes; in a negative and a positive one.
    first, people = world.pool(size, "negative", "NEG_BY_POOL")
    second, _ = world.pool(size, "negative", "NEG_BY_POOL", counted_swabs=size + 1,
                           planned_size=size + 1)  # fmt: skip
    world.member(people[0], second, "NEG_BY_POOL")
    world.found("F2", min(first, second), people[0])
    first, people = world.pool(size, "negative", "NEG_BY_POOL")
    world.states[-size] = "HOLD two_tubes"
    second, _ = world.pool(size, "positive", "SUSPECT_POOL suspect", counted_swabs=size + 1,
                           planned_size=size + 1)  # fmt: skip
    world.member(people[0], second, "HOLD two_tubes")
    world.found("F2", min(first, second), people[0])
    # F3: over-full. F4: one swab more, one fewer, and a positive one fewer.
    code, _ = world.pool(size, "negative", "HOLD over_size", planned_size=size - 1)
    world.found("F3", code)
    code, _ = world.pool(size, "negative", "HOLD count", planned_size=20, counted_swabs=size + 1)
    world.found("F4", code)
    code, _ = world.pool(size, "negative", "HOLD count", counted_swabs=size - 1)
    world.found("F4", code)
    code, _ = world.pool(size, "positive", "SUSPECT_POOL suspect", counted_swabs=size - 1)
    world.found("F4", code)
    # F5: after sealing, and (never sealed) after the result.
    for sealed in (at(2), None):
        code, _ = world.pool(size, "negative", "NEG_BY_POOL", sealed_at=sealed)
        late = world.person()
        world.member(late, code, "HOLD late", 12 if sealed is None else 4)
        world.found("F5", code, late)
    # F6 and an amended conflict, which is none.
    code, _ = world.pool(size, "negative", "HOLD conflict")
    world.result(code, "positive")
    world.found("F6", code)
    code, _ = world.pool(size, "negative", "SUSPECT_POOL suspect")
    world.result(code, "invalid")
    world.result(code, "positive", 12, version=2)
    # F7: result before the collection, receipt before the collection.
    code, _ = world.pool(size, None, "HOLD early")
    world.result(code, "negative", -6)
    world.found("F7", code)
    code, _ = world.pool(size, "negative", "HOLD early", received_at=at(-4))
    world.found("F7", code)
    # F8: sent and not received; received and no result.
    code, _ = world.pool(size, None, "WAITING", received_at=None)
    world.found("F8", code)
    code, _ = world.pool(size, None, "WAITING")
    world.found("F8", code)
    # F9: planned, in no tube.
    person = world.person()
    world.member(person, None, "NOT_SAMPLED")
    world.found("F9", None, person)
    # F10: a positive pool whose members are all negative.
    code, people = world.pool(size, "positive", "NEG_SINGLE")
    for person in people:
        world.single(person, "negative", "NEG_SINGLE")
    world.found("F10", code)
    # F11: negative pool, a member positive by a single test of the same day.
    code, people = world.pool(size, "negative", "HOLD doubted")
    world.states[-size] = "POS_CONFIRMED"
    world.single(people[0], "positive", "POS_CONFIRMED", 8)
    world.found("F11", code)
    # F12: a weak pool; every single test weaker than the pool.
    code, _ = world.pool(size, None, "SUSPECT_POOL suspect")
    world.result(code, "positive", ct_value=36.2)
    world.found("F12", code)
    code, people = world.pool(size, None, "SUSPECT_POOL suspect")
    world.result(code, "positive", ct_value=24.0)
    world.states[-size] = "POS_CONFIRMED"
    world.single(people[0], None, "POS_CONFIRMED")
    world.result(world.tubes[-1]["tube_code"], "positive", 40, ct_value=31.0)
    world.found("F12", code)
    # F13: one code, two tubes.
    code, _ = world.pool(size, "negative", "HOLD reused_label")
    world.tubes.append({**world.tubes[-1], "sealed_at": at(60)})
    world.found("F13", code)
    # F15: two people with one identity; one person with two.
    number = f"I{chance.randrange(10**11):011}"
    for _ in range(2):
        person = world.person()
        world.pool(size, "negative", "NEG_BY_POOL", planned_size=20, counted_swabs=size + 1)
        world.member(person, world.tubes[-1]["tube_code"], "HOLD identity", identity=number)
        world.found("F15", None, person)
    # F16: somebody with symptoms, or of a contact class that is tested singly.
    for more in ({"is_symptomatic": True}, {"contact_class": "F1"}):
        code, _ = world.pool(size, "negative", "NEG_BY_POOL", planned_size=20,
                             counted_swabs=size + 1)  # fmt: skip
        person = world.person()
        world.member(person, code, "HOLD not_for_pool", **more)
        world.found("F16", code, person)
    # Amended both ways, once and twice.
    code, _ = world.pool(size, "negative", "SUSPECT_POOL suspect")
    world.result(code, "positive", 12, version=2)
    code, _ = world.pool(size, "positive", "NEG_BY_POOL")
    world.result(code, "negative", 12, version=2)
    code, _ = world.pool(size, "negative", "NEG_BY_POOL")
    world.result(code, "positive", 12, version=2)
    world.result(code, "negative", 14, version=3)
    # Laboratory mixes: of single samples, of field pools, and of both.
    for sizes in ([1, 1, 1], [size, 1], [3, size]):
        world.mix("negative", "NEG_BY_POOL", sizes)
    # An invalid mix says nothing: its tubes wait for a test, and here too long.
    for code in world.mix("invalid", "WAITING repeat_tube", [1, 1]):
        world.found("F8", code)
    world.mix(None, "WAITING", [1, 3])
    world.found("F8", world.newest_mix())  # the mix is chased, not the tubes in it
    # A positive mix: each tube waits for its own test; those that had it are told apart.
    singles = world.mix("positive", "SUSPECT_POOL suspect", [1, 1, 1])
    for code, outcome, state in zip(
        singles, ("positive", "negative", None), ("POS_CONFIRMED", "NEG_SINGLE", None), strict=True
    ):
        if outcome is None:
            world.found("F8", code)
        else:
            world.result(code, outcome, 12)
            world.states[world.row_of(code)] = str(state)
    # Field pools in a positive mix, the pool of one of them positive by itself.
    first, second = world.mix("positive", "SUSPECT_POOL suspect", [3, size])
    world.result(first, "positive", 12)
    world.result(second, "negative", 12)
    for row in world.rows_of(second):
        world.states[row] = "NEG_BY_POOL"
    # No errors: a partial pool, a lost tube, an invalid and an inconclusive one, re-tests.
    world.pool(size, "negative", "NEG_BY_POOL", planned_size=20)
    world.pool(size, None, "RETEST_DUE lost", is_lost=True)
    world.pool(size, "invalid", "RETEST_DUE resample")
    code, _ = world.pool(size, "inconclusive", "SUSPECT_POOL suspect")
    world.result(code, "inconclusive", 20, run=2)
    world.pool(size, "inconclusive", "WAITING repeat_tube")
    _, people = world.pool(size, "positive", "SUSPECT_POOL suspect")
    world.states[-size] = "RETEST_RUNNING suspect"
    world.single(people[0], None, "RETEST_RUNNING suspect")


def plant(seed: int, people: int) -> Planted:
    """A campaign of at least `people` with about one planted error of each kind in a hundred."""
    chance = random.Random(seed)
    world = Planted()
    while world.people < people:
        for _ in range(200):
            size = chance.choice(SIZES)
            outcome = "positive" if chance.random() < 0.02 else "negative"
            if outcome == "negative":
                world.pool(size, outcome, "NEG_SINGLE" if size == 1 else "NEG_BY_POOL")
            else:
                world.pool(size, outcome, "POS_CONFIRMED" if size == 1 else "SUSPECT_POOL suspect")
        plant_each(world, chance)
    # F14: one team far above the others.
    teams = [f"team {n:02}" for n in range(20)]
    for tube in world.tubes:
        tube["team"] = chance.choice(teams)
    for n in range(60):
        is_positive = n % 6 != 0
        world.pool(
            5,
            "positive" if is_positive else "negative",
            "SUSPECT_POOL suspect" if is_positive else "NEG_BY_POOL",
            team="team 99",
        )
    world.found("F14", None)
    return world
