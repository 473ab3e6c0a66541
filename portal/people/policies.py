"""The department's decision about duplicates, and what the answers so far allow."""

import datetime as dt
import math
from dataclasses import dataclass

import sqlalchemy as sa
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal import clock
from portal.actors import Actor
from portal.errors import Invalid
from portal.people.models import DuplicateCandidate, LinkagePolicy
from portal.people.zones import BAND_BITS, Tally, Zone, find_zone

LOWEST_PRECISION = 0.995


@dataclass(frozen=True, slots=True)
class Policy:
    """The decision that counts today."""

    propose_from: float = 0.5
    is_automatic: bool = False
    least_precision: float = LOWEST_PRECISION
    valid_from: dt.date | None = None
    document: str = ""

    @property
    def least_bits(self) -> float:
        """The log2 odds from which a pair is proposed."""
        return math.log2(self.propose_from / (1 - self.propose_from))


def current(session: Session) -> Policy:
    """The newest decision that is in force; without one, people decide everything."""
    row = session.execute(
        sa.select(
            LinkagePolicy.propose_from,
            LinkagePolicy.is_automatic,
            LinkagePolicy.least_precision,
            LinkagePolicy.valid_from,
            LinkagePolicy.document,
        )
        .where(LinkagePolicy.valid_from <= clock.today())
        .order_by(LinkagePolicy.valid_from.desc(), LinkagePolicy.id.desc())
        .limit(1)
    ).one_or_none()
    return Policy(*row) if row is not None else Policy()


def decide(
    session: Session,
    actor: Actor,
    *,
    valid_from: dt.date,
    is_automatic: bool,
    propose_from: float,
    least_precision: float,
    document: str,
) -> LinkagePolicy:
    """Records a decision; earlier ones stay.

    Raises:
        Invalid: every rule that is broken.
    """
    problems = []
    if valid_from < clock.today():
        problems.append(gettext("A decision can not start in the past."))
    if not 0.05 <= propose_from <= 0.99:  # noqa: PLR2004 - beyond these the worklist is useless
        problems.append(gettext("Propose from a probability between 0.05 and 0.99."))
    if not LOWEST_PRECISION <= least_precision < 1:
        problems.append(gettext("The precision must be at least 0.995 and below 1."))
    if not document.strip():
        problems.append(gettext("Name the document that decides this."))
    if problems:
        raise Invalid(gettext("The decision can not be recorded."), details=problems)
    policy = LinkagePolicy(
        valid_from=valid_from,
        is_automatic=is_automatic,
        propose_from=propose_from,
        least_precision=least_precision,
        document=document.strip()[:120],
        created_at=clock.now(),
        created_by_id=actor.user_id,
    )
    session.add(policy)
    session.flush()
    return policy


def zone(session: Session, least: float) -> Zone:
    """What people's own answers show. A pair put off counts against: it was not clear.

    Pairs settled by another decision, and merges made automatically, are no answers.
    """
    edge = (sa.func.floor(DuplicateCandidate.bits / BAND_BITS) * BAND_BITS).label("edge")
    rows = session.execute(
        sa.select(
            edge,
            sa.func.count(DuplicateCandidate.id),
            sa.func.sum(sa.case((DuplicateCandidate.status == "same", 1), else_=0)),
            sa.func.sum(DuplicateCandidate.score),
        )
        .where(
            DuplicateCandidate.status.in_(("same", "different", "later")),
            DuplicateCandidate.kind == "proposal",
            DuplicateCandidate.decided_by_id.is_not(None),
            DuplicateCandidate.decided_with_id.is_(None),
        )
        .group_by(edge)
    )
    return find_zone([Tally(float(b), int(n), int(s), float(p)) for b, n, s, p in rows], least)
