"""What staff mend afterwards: a finding closed, a visit noted, a sample or tube taken out."""

from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import clock
from portal.actors import Actor
from portal.campaigns import counters
from portal.campaigns.counters import Measure
from portal.errors import Conflict, Invalid
from portal.people.models import Person
from portal.pools import services as pools
from portal.pools.models import Finding
from portal.pools.rules import FINAL, PersonState, Verdict, Visit, count_change
from portal.results.matching import rematch
from portal.samples import services as samples
from portal.samples.models import Sample, Tube
from portal.samples.rules import TubeStatus, may_become

MOST_SWABS = 100


def close_finding(session: Session, actor: Actor, *, finding_id: int, reason: str) -> Finding:
    """Closes a finding with a reason; whoever it held back is matched anew.

    Raises as `pools.services.close_finding`.
    """
    finding = pools.close_finding(session, actor, finding_id=finding_id, reason=reason)
    if finding.tube_id is not None:
        rematch(session, actor, [finding.tube_id], at=clock.now())
    return finding


def note_visit(
    session: Session, actor: Actor, *, sample_id: int, outcome: Visit, note: str = ""
) -> Sample:
    """Notes a visit; somebody who refused, moved or died is left unresolved, with that reason.

    Raises as `pools.services.note_visit`.
    """
    visit = pools.note_visit(session, actor, sample_id=sample_id, outcome=outcome, note=note)
    sample = session.get_one(Sample, visit.sample_id)
    rematch(session, actor, [sample.tube_id], at=clock.now())
    session.refresh(sample)
    return sample


def correct_sample(session: Session, actor: Actor, item: Sample, values: dict[str, Any]) -> None:
    """Corrects what was noted about a sample, before its result; matched anew after.

    Raises:
        Conflict: a result of this sample was released.
    """
    actor.scope.require_site(item.site_id)
    if item.state in FINAL:
        raise Conflict(_("The result of this sample was released; correct the result instead."))
    for name, value in values.items():
        setattr(item, name, value)
    item.version += 1
    session.flush()
    rematch(session, actor, [item.tube_id], at=clock.now())


def withdraw_sample(session: Session, actor: Actor, item: Sample, reason: str) -> None:
    """Takes a sample out of the round: wrong person, taken twice, consent withdrawn.

    Raises:
        Conflict: it was withdrawn before, or its result was released.
    """
    actor.scope.require_site(item.site_id)
    if item.withdrawn_at is not None:
        raise Conflict(_("The sample was already withdrawn."))
    if item.state in FINAL:
        raise Conflict(_("The result of this sample was released; correct the result instead."))
    at = clock.now()
    item.withdrawn_at = at
    item.withdrawal_reason = reason.strip()[:80]
    item.version += 1
    tube = session.get_one(Tube, item.tube_id, with_for_update=True)
    tube.sample_count = max(tube.sample_count - 1, 0)
    before = Verdict(item.state, item.state_reason)
    # Nobody waits for it any more: it leaves the counts of suspects and the list of retests.
    item.state, item.state_reason = PersonState.UNRESOLVED, "withdrawn"
    item.retest_due_at, item.is_urgent = None, False
    changes = {Measure.PEOPLE_WITHDRAWN: 1}
    if item.retest_of_id is None:
        changes |= count_change(before, Verdict(item.state, item.state_reason))
    place = (item.campaign_id, item.site_id, counters.hour_of(at))
    counters.add(session, {(*place, measure): step for measure, step in changes.items()})
    session.flush()
    rematch(session, actor, [item.tube_id], at=at)


def correct_tube(session: Session, actor: Actor, item: Tube, values: dict[str, Any]) -> None:
    """Corrects what was noted about a tube; a new count opens or ends finding F4.

    Raises:
        Invalid: a count out of range.
    """
    counted = values.get("counted_swabs")
    if counted is not None and not 0 <= counted <= MOST_SWABS:
        raise Invalid(_("The count must lie between 0 and %(most)s.", most=MOST_SWABS))
    for name, value in values.items():
        setattr(item, name, value if value is not None or name == "counted_swabs" else "")
    item.version += 1
    session.flush()
    rematch(session, actor, [item.id], at=clock.now())


def lose_tube(session: Session, actor: Actor, item: Tube, reason: str) -> None:
    """Notes a tube as lost; its people are to be sampled again and are suspected of nothing.

    Raises:
        Conflict: its result was released, or it was refused.
    """
    if not may_become(item.status, TubeStatus.LOST):
        raise Conflict(_("This tube can no longer be noted as lost."))
    at = clock.now()
    item.status = TubeStatus.LOST
    item.version += 1
    session.flush()
    samples.note_custody(
        session, actor, [item.id], "lost", at, item.laboratory_id or item.site_id, reason[:160]
    )
    rematch(session, actor, [item.id], at=at)


def reached_count(session: Session, campaign_id: int) -> int:
    """How many people of a campaign were reached for a retest: those with a second sample."""
    return (
        session.scalar(
            sa.select(
                sa.func.count(sa.distinct(sa.func.coalesce(Person.merged_into_id, Person.id)))
            )
            .select_from(Sample)
            .join(Person, Person.id == Sample.person_id)
            .where(Sample.campaign_id == campaign_id, Sample.retest_of_id.is_not(None))
        )
        or 0
    )
