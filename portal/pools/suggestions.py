"""Finding F1: which registered code could an unknown one have been meant for. Only offered."""

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.samples.bulk import among
from portal.samples.models import Tube
from portal.samples.rules import TubeStatus

SYMBOLS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-"
LONGEST = 24
MOST_OFFERED = 5
T = Tube.__table__


def neighbours(code: str) -> Iterator[str]:
    """Every code one edit away: a symbol wrong, missing or too many, two neighbours swapped."""
    for at in range(len(code) + 1):
        head, tail = code[:at], code[at:]
        for symbol in SYMBOLS:
            yield head + symbol + tail
            if tail:
                yield head + symbol + tail[1:]
        if tail:
            yield head + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]


def similar_codes(session: Session, code: str, laboratory_id: int) -> list[str]:
    """Codes of tubes at this laboratory, not yet resulted, that are one edit away; at most five."""
    if len(code) > LONGEST:
        return []
    candidates = sorted(set(neighbours(code)) - {code})
    statement = (
        sa.select(T.c.code)
        .where(
            among(session, T.c.code, candidates),
            T.c.laboratory_id == laboratory_id,
            T.c.status.in_([TubeStatus.RECEIVED, TubeStatus.IN_TEST]),
        )
        .order_by(T.c.code)
        .limit(MOST_OFFERED)
    )
    return list(session.scalars(statement))
