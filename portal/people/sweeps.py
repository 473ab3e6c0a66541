"""Proposals for people who were stored before the index compared everybody who came."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import clock
from portal.people.models import Person, PersonSweep


def ask(session: Session) -> PersonSweep:
    """Asks the applier to compare everybody stored; a sweep that has not ended goes on."""
    running = current(session)
    if running is not None and running.finished_at is None:
        return running
    last = session.scalar(sa.select(sa.func.max(Person.id))) or 0
    sweep = PersonSweep(after_id=0, until_id=last, found_count=0, started_at=clock.now())
    session.add(sweep)
    session.flush()
    return sweep


def current(session: Session) -> PersonSweep | None:
    """The newest sweep as the database has it now."""
    newest = sa.select(PersonSweep).order_by(PersonSweep.id.desc()).limit(1)
    return session.scalars(newest.execution_options(populate_existing=True)).first()
