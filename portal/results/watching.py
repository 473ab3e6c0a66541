"""Every few minutes: overdue tubes (F8) and shares beyond chance (F14) become findings."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import clock
from portal.actors import Actor
from portal.jobs import kinds
from portal.pools import watch

EVERY_SECONDS = 180
_LOCK = 7_305_008  # any number of our own: two workers never look at the same time


def look(session: Session, actor: Actor) -> dict[str, int]:
    """Keeps the findings that no single release shows; says what changed."""
    if session.get_bind().dialect.name == "postgresql" and not session.scalar(
        sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK))
    ):
        return {}
    at = clock.now()
    late = watch.note_overdue(session, actor, at=at)
    shares = watch.note_shares(session, actor, at=at)
    return {
        "overdue_opened": late["opened"],
        "overdue_ended": late["gone"],
        "shares_opened": shares["opened"],
        "shares_ended": shares["gone"],
    }


kinds.repeat("pools.watch", EVERY_SECONDS, look)
