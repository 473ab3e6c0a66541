"""States of a person by their samples, findings and who may close them, what counters follow.

The rules of matching themselves are `core_rs.match_pools` (docs/pooling.md); here is what the
portal makes of its answer.
"""

import datetime as dt
import functools
from dataclasses import dataclass
from enum import StrEnum

from flask_babel import lazy_gettext

from portal.campaigns.counters import Measure
from portal.roles import Role


class PersonState(StrEnum):
    """What is shown for a person by one sample (glossary, "Results: one vocabulary")."""

    WAITING = "WAITING"
    HOLD = "HOLD"
    NEG_BY_POOL = "NEG_BY_POOL"
    NEG_SINGLE = "NEG_SINGLE"
    SUSPECT_POOL = "SUSPECT_POOL"
    RETEST_DUE = "RETEST_DUE"
    RETEST_RUNNING = "RETEST_RUNNING"
    POS_CONFIRMED = "POS_CONFIRMED"
    UNRESOLVED = "UNRESOLVED"


FINAL = frozenset({PersonState.NEG_BY_POOL, PersonState.NEG_SINGLE, PersonState.POS_CONFIRMED})
NEGATIVE = frozenset({PersonState.NEG_BY_POOL, PersonState.NEG_SINGLE})
TO_SAMPLE_AGAIN = frozenset({PersonState.SUSPECT_POOL, PersonState.RETEST_DUE})
SUSPECT = TO_SAMPLE_AGAIN | {PersonState.RETEST_RUNNING}

STATE_NAMES = {
    PersonState.WAITING: lazy_gettext("no result yet"),
    PersonState.HOLD: lazy_gettext("on hold"),
    PersonState.NEG_BY_POOL: lazy_gettext("negative (pool)"),
    PersonState.NEG_SINGLE: lazy_gettext("negative (single)"),
    PersonState.SUSPECT_POOL: lazy_gettext("suspect pool"),
    PersonState.RETEST_DUE: lazy_gettext("to be sampled again"),
    PersonState.RETEST_RUNNING: lazy_gettext("retest running"),
    PersonState.POS_CONFIRMED: lazy_gettext("positive, confirmed"),
    PersonState.UNRESOLVED: lazy_gettext("unresolved"),
}

# Reasons behind RETEST_DUE that make nobody suspect: the tube said nothing about its members.
NOT_SUSPECT_REASONS = frozenset(
    {"resample", "lost", "discarded", "rejected", "single_invalid", "repeat_tube"}
    | {"antigen_invalid"}
)


class Visit(StrEnum):
    """What the team met when it went to sample a person again."""

    REACHED = "reached"
    REFUSED = "refused"
    MOVED = "moved"
    DIED = "died"
    ABSENT = "absent"


# After these nobody will be sampled again: the person stays in the denominator, unresolved.
ENDING_VISITS = frozenset({Visit.REFUSED, Visit.MOVED, Visit.DIED})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What matching says about one sample, as it is stored.

    Attributes:
        state: a `PersonState`.
        reason: the finding behind a hold or the cause of a retest; may be empty.
    """

    state: str
    reason: str


def stored(state: str, reason: str, visit: str | None) -> Verdict:
    """The verdict to store for an answer of the matcher.

    A positive pool opens the retest at once (SUSPECT_POOL → RETEST_DUE with a deadline); a visit
    that ended without a sample leaves the person unresolved.
    """
    if state == PersonState.SUSPECT_POOL:
        state, reason = PersonState.RETEST_DUE, reason or "suspect"
    if state == PersonState.RETEST_DUE and visit in ENDING_VISITS:
        return Verdict(PersonState.UNRESOLVED, str(visit))
    return Verdict(state, reason)


def retest_due_at(verdict: Verdict, released_at: dt.datetime, hours: int) -> dt.datetime | None:
    """Until when a person of this verdict is to be sampled again; None if not at all."""
    if verdict.state not in TO_SAMPLE_AGAIN:
        return None
    return released_at + dt.timedelta(hours=hours)


def is_suspect(state: str, reason: str) -> bool:
    """Whether the state stems from a positive test, and not from a tube that said nothing."""
    return state in SUSPECT and reason not in NOT_SUSPECT_REASONS


def count_change(before: Verdict, after: Verdict) -> dict[Measure, int]:
    """How the counters change when a person's first sample goes from one verdict to another.

    `people_suspect` counts who is suspect now; the sum over all hours is therefore a level.
    """
    pairs = (
        (Measure.PEOPLE_RESULTED, before.state in FINAL, after.state in FINAL),
        (
            Measure.PEOPLE_CONFIRMED,
            before.state == PersonState.POS_CONFIRMED,
            after.state == PersonState.POS_CONFIRMED,
        ),
        (
            Measure.PEOPLE_SUSPECT,
            is_suspect(before.state, before.reason),
            is_suspect(after.state, after.reason),
        ),
    )
    return {measure: int(is_now) - int(was) for measure, was, is_now in pairs if was != is_now}


def is_urgent(before: Verdict, after: Verdict) -> bool:
    """Whether somebody who was told "negative" is no longer: the team calls at once."""
    return before.state in NEGATIVE and (
        after.state in SUSPECT or after.state == PersonState.POS_CONFIRMED
    )


@dataclass(frozen=True, slots=True)
class Move:
    """What it means for one sample that its verdict changed."""

    after: Verdict
    is_urgent: bool
    counts: tuple[tuple[Measure, int], ...]


@functools.cache  # a few hundred different moves, asked for a hundred thousand times
def move(
    stored_state: str, stored_reason: str, state: str, reason: str, visit: str | None
) -> Move | None:
    """From the stored verdict to the matcher's word; None if nothing changes."""
    before = Verdict(stored_state, stored_reason)
    after = stored(state, reason, visit)
    if before == after:
        return None
    return Move(after, is_urgent(before, after), tuple(count_change(before, after).items()))


_COORDINATION = frozenset({Role.COORDINATOR, Role.DEPARTMENT_ADMIN})
_LABORATORY = _COORDINATION | {Role.LABORATORY_VERIFIER}


@dataclass(frozen=True, slots=True)
class FindingKind:
    """A kind of contradiction: what is wrong, what to do, and which roles may close it."""

    title: str
    effect: str
    closers: frozenset[Role]


# Nobody below a coordinator closes a blocking finding, but for those that the laboratory alone
# can answer (two results of its own, its clock, its assay's size).
FINDINGS: dict[str, FindingKind] = {
    "F1": FindingKind(
        lazy_gettext("A result for a tube that is not registered"),
        lazy_gettext("Compare with the codes offered and assign by hand, never by guess"),
        _LABORATORY,
    ),
    "F2": FindingKind(
        lazy_gettext("One person is in two tubes of one round"),
        lazy_gettext("If the results differ, take a single sample; else note why"),
        _COORDINATION,
    ),
    "F3": FindingKind(
        lazy_gettext("More samples in the tube than allowed"),
        lazy_gettext("Hold, unless the size was validated for the assay"),
        _LABORATORY,
    ),
    "F4": FindingKind(
        lazy_gettext("The laboratory counted another number of swabs"),
        lazy_gettext("Find the missing person or the stranger's swab before anybody is cleared"),
        _COORDINATION,
    ),
    "F5": FindingKind(
        lazy_gettext("A member was added after sealing or after the result"),
        lazy_gettext("Take a new sample, or correct the time with a signature"),
        _COORDINATION,
    ),
    "F6": FindingKind(
        lazy_gettext("Two current results of the tube differ"),
        lazy_gettext("The laboratory says which result stands"),
        _LABORATORY,
    ),
    "F7": FindingKind(
        lazy_gettext("The result or receipt is earlier than the collection"),
        lazy_gettext("Correct the clock or the time zone, then release"),
        _LABORATORY,
    ),
    "F8": FindingKind(
        lazy_gettext("No receipt or no result for too long"),
        lazy_gettext("Chase the shipment or the laboratory"),
        _COORDINATION | {Role.SITE_MANAGER, Role.LABORATORY_VERIFIER},
    ),
    "F9": FindingKind(
        lazy_gettext("Planned, but in no tube"),
        lazy_gettext("The team samples the person or notes why not"),
        _COORDINATION | {Role.SITE_MANAGER},
    ),
    "F10": FindingKind(
        lazy_gettext("The pool is positive and all its members are negative"),
        lazy_gettext("Test the pool again; look for a swap with its neighbours"),
        _COORDINATION,
    ),
    "F11": FindingKind(
        lazy_gettext("The pool is negative and a member is positive on the same day"),
        lazy_gettext("Re-test the members of the pool; look for a swap"),
        _COORDINATION,
    ),
    "F12": FindingKind(
        lazy_gettext("The Ct values do not fit"),
        lazy_gettext("Look for a swap or a stronger member; repeat a weak pool"),
        _LABORATORY,
    ),
    "F13": FindingKind(
        lazy_gettext("The tube code was used twice"),
        lazy_gettext("Find out which tube the result belongs to; sample again"),
        _COORDINATION,
    ),
    "F14": FindingKind(
        lazy_gettext("The share of positive tubes is not explained by chance"),
        lazy_gettext("Look for contamination; think about the pool size"),
        _COORDINATION,
    ),
    "F15": FindingKind(
        lazy_gettext("One person with two identities, or two persons with one"),
        lazy_gettext("Decide who it is in the duplicates list"),
        _COORDINATION | {Role.DATA_OFFICER},
    ),
    "F16": FindingKind(
        lazy_gettext("A member who should not have been pooled"),
        lazy_gettext("Take a single sample"),
        _COORDINATION,
    ),
}


def may_close(code: str, roles: frozenset[str]) -> bool:
    """Whether somebody with these roles may close a finding of this code."""
    return not FINDINGS[code].closers.isdisjoint(roles)
