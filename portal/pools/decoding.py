"""Overlapping laboratory pools: what they say together, and which pool decides for a tube. Pure.

The matcher knows trees: a tube was mixed into one pool. Of a tube in several pools, the pool that
decides is chosen here, on the careful side (docs/pooling.md, "Planning"): nobody is cleared while
a pool of the tube waits or while a positive one is left without explanation, and nobody is called
positive without a test of the tube itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import core_rs
from portal.samples.rules import Outcome

# Outcomes that say something about everybody in the tube; after any other a pool is as if untested.
_SAID: dict[str, bool] = {Outcome.NEGATIVE: False, Outcome.POSITIVE: True}


@dataclass(frozen=True, slots=True)
class Decoded:
    """What overlapping pools say of their tubes (keys of tubes and of pools).

    Attributes:
        negative: in a negative pool, and in no pool that is left unexplained (COMP).
        candidates: in no negative pool and in a positive one.
        definite: the only candidate of a positive pool (DD); still to be tested singly.
        doubted: in a negative pool and in a positive one that nobody explains.
        contradictions: positive pools that nobody explains.
        ranking: whom to test singly, in this order.
    """

    negative: frozenset[int]
    candidates: frozenset[int]
    definite: frozenset[int]
    doubted: frozenset[int]
    contradictions: frozenset[int]
    ranking: tuple[int, ...]


def decode(pools: Mapping[int, Sequence[int]], outcomes: Mapping[int, str]) -> Decoded:
    """Decodes pools (key → tubes in them) by the outcomes of pools and of tubes tested singly."""
    tubes = sorted({tube for members in pools.values() for tube in members})
    number = {tube: at for at, tube in enumerate(tubes)}
    singles = {tube: [tube] for tube in tubes if outcomes.get(tube) in _SAID}
    groups = [*pools.items(), *singles.items()]
    told = core_rs.decode_pools(
        len(tubes),
        [[number[tube] for tube in members] for _key, members in groups],
        [_SAID.get(outcomes.get(key, "")) for key, _members in groups],
    )

    def named(key: str) -> list[int]:
        return [tubes[at] for at in told[key]]

    alone = set(singles)
    doubted = frozenset(named("doubted")) - alone
    candidates = frozenset(named("candidates")) - alone
    order = [*named("definite"), *named("smallest"), *named("greedy")]
    positive = [set(members) for key, members in pools.items() if _SAID.get(outcomes.get(key, ""))]
    hits = {tube: sum(tube in pool for pool in positive) for tube in candidates | doubted}
    order += sorted(candidates, key=lambda tube: (-hits[tube], tube))
    order += sorted(doubted, key=lambda tube: (-hits[tube], tube))
    return Decoded(
        negative=frozenset(named("negative")) - doubted,
        candidates=candidates,
        definite=frozenset(named("definite")) - alone,
        doubted=doubted,
        contradictions=frozenset(groups[at][0] for at in told["contradictions"]),
        ranking=tuple(tube for tube in dict.fromkeys(order) if tube in hits),
    )


def deciding_pools(
    mixes: Mapping[int, Sequence[int]], outcomes: Mapping[int, str]
) -> dict[int, int]:
    """For each tube the one of its pools that decides for it.

    Args:
        mixes: tube → pools it was mixed into.
        outcomes: outcome that counts, by key of pool or tube; none while it waits.
    """
    chosen = {tube: pools[0] for tube, pools in mixes.items()}
    if all(len(pools) == 1 for pools in mixes.values()):
        return chosen
    members: dict[int, list[int]] = {}
    for tube, pools in mixes.items():
        for pool in pools:
            members.setdefault(pool, []).append(tube)
    told = decode(members, outcomes)
    for tube, pools in mixes.items():
        waiting = [pool for pool in pools if not outcomes.get(pool)]
        positive = [pool for pool in pools if outcomes.get(pool) == Outcome.POSITIVE]
        negative = [pool for pool in pools if outcomes.get(pool) == Outcome.NEGATIVE]
        unexplained = [pool for pool in positive if pool in told.contradictions]
        if waiting:
            chosen[tube] = waiting[0]
        elif unexplained:
            chosen[tube] = unexplained[0]
        elif negative:
            chosen[tube] = negative[0]
        elif positive:
            chosen[tube] = positive[0]
    return chosen
