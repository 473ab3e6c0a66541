"""Merging without asking: only by policy, only where answers have shown that it is safe."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy.orm import Session

from portal.actors import system
from portal.errors import Conflict
from portal.people import policies, services
from portal.people.proposals import Stored

ACTOR = system("person index")


def merge_certain(session: Session, stored: Sequence[Stored]) -> int:
    """Merges the pairs of the automatic zone; how many.

    Someone who resembles two people that surely is neither of them alone: left to a person.
    """
    if not stored:
        return 0
    policy = policies.current(session)
    if not policy.is_automatic:
        return 0
    least_bits = policies.zone(session, policy.least_precision).least_bits
    if least_bits is None:
        return 0
    certain = [
        pair
        for pair in stored
        if pair.proposal.kind == "proposal"
        and pair.proposal.bits >= least_bits
        and pair.proposal.probability >= policy.least_precision
    ]
    seen = Counter(root for pair in certain for root in pair.roots)
    merged = 0
    for pair in certain:
        if max(seen[root] for root in pair.roots) > 1:
            continue
        try:
            services.merge_automatically(session, ACTOR, candidate_id=pair.id)
        except Conflict:
            continue  # a decision of a person stands against it
        merged += 1
    return merged
