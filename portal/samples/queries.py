"""Reading tubes and samples for the laboratory: by code, in bulk, past the collection sites' scope.

A laboratory holds tubes of every site; what it may read of them is decided by the services, which
check the laboratory's own scope, and by what these queries give: never a person.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.samples.bulk import among
from portal.samples.models import SampleBox, Tube

TUBES = Tube.__table__

TUBE_COLUMNS = (
    TUBES.c.id,
    TUBES.c.code,
    TUBES.c.campaign_id,
    TUBES.c.site_id,
    TUBES.c.status,
    TUBES.c.planned_size,
    TUBES.c.sample_count,
    TUBES.c.counted_swabs,
    TUBES.c.laboratory_id,
    TUBES.c.received_at,
    TUBES.c.accession_number,
    TUBES.c.outcome,
)


def tubes_by_code(
    session: Session, codes: Sequence[str], *, for_update: bool = False
) -> dict[str, Any]:
    """The tubes with these codes, by code; unknown codes are absent."""
    if not codes:
        return {}
    statement = sa.select(*TUBE_COLUMNS).where(among(session, TUBES.c.code, codes))
    if for_update:
        # Ordered, so that two laboratories' clerks wait for each other and never block for good.
        statement = statement.order_by(TUBES.c.id).with_for_update()
    return {row.code: row for row in session.execute(statement)}


def tubes_by_id(session: Session, tube_ids: Sequence[int]) -> dict[int, Any]:
    """The tubes with these keys, by key."""
    if not tube_ids:
        return {}
    statement = sa.select(*TUBE_COLUMNS).where(among(session, TUBES.c.id, tube_ids))
    return {row.id: row for row in session.execute(statement)}


def last_accession(session: Session, laboratory_id: int, prefix: str) -> int:
    """The last running number that the laboratory gave under the prefix; 0 for none."""
    newest = session.scalar(
        sa.select(TUBES.c.accession_number)
        .where(
            TUBES.c.accession_number.startswith(prefix, autoescape=True),
            TUBES.c.laboratory_id == laboratory_id,
        )
        .order_by(sa.func.length(TUBES.c.accession_number).desc(), TUBES.c.accession_number.desc())
        .limit(1)
    )
    number = (newest or "").removeprefix(prefix)
    return int(number) if number.isdigit() else 0


def find_box(session: Session, code: str) -> SampleBox | None:
    """The box with this code."""
    return session.scalar(sa.select(SampleBox).where(SampleBox.code == code))
