"""The laboratory door: what follows for people when tubes arrive, are counted or refused."""

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import clock
from portal.actors import Actor
from portal.db import across_sites
from portal.results.matching import ReleaseReport, rematch
from portal.samples import services as samples
from portal.samples.bulk import among
from portal.samples.models import Sample
from portal.samples.rules import Rejection
from portal.samples.services import ReceiptReport, ScannedTube

S = Sample.__table__


@across_sites("a laboratory takes in tubes of every site")
def receive_tubes(
    session: Session,
    actor: Actor,
    *,
    laboratory_id: int,
    tubes: Sequence[ScannedTube],
    received_at: dt.datetime | None = None,
) -> ReceiptReport:
    """Receives tubes, and matches those of which people's states or findings may change now.

    A tube with a retest in it sets its person to RETEST_RUNNING; a wrong count is finding F4.
    Raises as `samples.services.receive`.
    """
    at = received_at or clock.now()
    report = samples.receive(
        session, actor, laboratory_id=laboratory_id, tubes=tubes, received_at=at
    )
    touched = set(report.miscounted) | set(report.recounted)
    if report.received:
        touched |= set(
            session.scalars(
                sa.select(S.c.tube_id).where(
                    among(session, S.c.tube_id, report.received), S.c.retest_of_id.is_not(None)
                )
            )
        )
    if touched:
        rematch(session, actor, touched, at=at)
    return report


def reject_tubes(
    session: Session,
    actor: Actor,
    *,
    laboratory_id: int,
    codes: Sequence[str],
    reason: Rejection,
    note: str = "",
    at: dt.datetime | None = None,
) -> ReleaseReport:
    """Refuses tubes; their people are to be sampled again and are suspected of nothing.

    Raises as `samples.services.reject`.
    """
    at = at or clock.now()
    tube_ids = samples.reject(
        session,
        actor,
        laboratory_id=laboratory_id,
        codes=codes,
        reason=reason,
        note=note,
        at=at,
    )
    return rematch(session, actor, tube_ids, at=at)
