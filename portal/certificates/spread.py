"""A large release does not bring everyone at once: when a citizen may open a released result.

Within the window after its release (`TRAM_RELEASE_SPREAD_MINUTES`) a plain negative opens from a
moment of its own, drawn from the code on the slip: the page tells that moment at once, so that
nobody has to try. Whatever somebody must act on, or waits for in isolation, opens at once:
positives, suspects, new samples that are needed, and the answer of a retest. Staff see every result
from its release on.
"""

import datetime as dt
from hashlib import blake2b

from portal.certificates.rules import SampleFacts, shown_state

_SPREAD_STATES = {"NEG_SINGLE", "NEG_BY_POOL"}


def opens_at(facts: SampleFacts, *, minutes: int) -> dt.datetime | None:
    """From when a citizen may open this result; None: there is nothing to wait for."""
    is_plain = shown_state(facts) in _SPREAD_STATES and facts.retest_of_id is None
    if not minutes or not is_plain or facts.released_at is None:
        return None
    drawn = int.from_bytes(blake2b(facts.result_code.encode(), digest_size=8).digest())
    # Whole minutes: the page names no seconds.
    opens = facts.released_at + dt.timedelta(minutes=drawn % minutes + 1)
    return opens.replace(second=0, microsecond=0)


def waits_until(facts: SampleFacts, *, minutes: int, now: dt.datetime) -> dt.datetime | None:
    """The moment to wait for; None once it has come."""
    opens = opens_at(facts, minutes=minutes)
    return opens if opens is not None and opens > now else None
