"""What a merge of people means for results: states are computed anew, and a person's history."""

from collections.abc import Iterable

import sqlalchemy as sa
from flask import has_request_context, url_for
from flask_babel import lazy_gettext
from sqlalchemy.orm import Session, joinedload

from portal import clock
from portal.actors import Actor
from portal.people import followers
from portal.people.followers import Happening
from portal.pools.rules import STATE_NAMES, PersonState
from portal.results.matching import rematch
from portal.samples.models import Sample

MOST_LINES = 200
_TONES = {
    PersonState.WAITING: "wait",
    PersonState.HOLD: "warn",
    PersonState.SUSPECT_POOL: "warn",
    PersonState.RETEST_DUE: "warn",
    PersonState.RETEST_RUNNING: "wait",
    PersonState.POS_CONFIRMED: "bad",
    PersonState.NEG_BY_POOL: "ok",
    PersonState.NEG_SINGLE: "ok",
}


def rematch_people(session: Session, actor: Actor, person_ids: list[int]) -> None:
    """Computes anew every tube that holds a sample of these records.

    Who is in two tubes, and whose single sample answers a pool, depends on who is one person.
    """
    wanted = sa.text(
        "SELECT DISTINCT tube_id FROM samples WHERE withdrawn_at IS NULL AND person_id IN :people"
    ).bindparams(sa.bindparam("people", expanding=True))
    tube_ids = session.execute(wanted, {"people": person_ids}).scalars().all()
    rematch(session, actor, tube_ids, at=clock.now())


def samples_of(session: Session, person_ids: list[int]) -> Iterable[Happening]:
    """Samples of these records that the reader may see, with their state."""
    rows = session.scalars(
        sa.select(Sample)
        .where(Sample.person_id.in_(person_ids))
        .options(joinedload(Sample.tube), joinedload(Sample.site))
        .order_by(Sample.collected_at.desc())
        .limit(MOST_LINES)
    ).all()
    for row in rows:
        is_withdrawn = row.withdrawn_at is not None
        state = PersonState(row.state)
        yield Happening(
            at=row.collected_at,
            record_id=row.person_id,
            what=lazy_gettext("Sample"),
            detail=f"{row.tube.code} · {row.site.name}",
            state=lazy_gettext("Withdrawn") if is_withdrawn else STATE_NAMES[state],
            tone="mute" if is_withdrawn else _TONES.get(state, "mute"),
            url=url_for("SampleView.show", pk=row.id) if has_request_context() else "",
        )


followers.register(rematch_people, samples_of)
