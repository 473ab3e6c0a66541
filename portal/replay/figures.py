"""The figures of a round, computed from the database, to stand beside the published ones."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.people.models import Person
from portal.replay.plan import Figures
from portal.samples.models import Sample, Tube
from portal.samples.rules import Outcome


def computed(session: Session, campaign_id: int) -> Figures:
    """Counts facts, not counters: people, pools, positive pools, people sampled again, cases."""

    def count(query: sa.Select[int]) -> int:
        return session.scalar(query) or 0

    standing = sa.and_(Sample.campaign_id == campaign_id, Sample.withdrawn_at.is_(None))
    pools = sa.and_(Tube.campaign_id == campaign_id, Tube.sample_count > 1)
    person = sa.func.coalesce(Person.merged_into_id, Person.id)
    people = (
        sa.select(sa.func.count(sa.distinct(person)))
        .select_from(Sample)
        .join(Person, Person.id == Sample.person_id)
    )
    return Figures(
        people=count(people.where(standing, Sample.retest_of_id.is_(None))),
        pools=count(sa.select(sa.func.count(Tube.id)).where(pools)),
        positive_pools=count(
            sa.select(sa.func.count(Tube.id)).where(pools, Tube.outcome == Outcome.POSITIVE)
        ),
        resampled=count(people.where(standing, Sample.retest_of_id.is_not(None))),
        cases=count(people.where(standing, Sample.state == "POS_CONFIRMED")),
    )
