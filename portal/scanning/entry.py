"""One sample typed at a desk: the same rules and the same door as a list or a device."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.actors import Actor
from portal.audit import services as audit
from portal.campaigns.models import CollectionSession
from portal.errors import Invalid
from portal.ingest.journal import Arrival
from portal.samples.models import Tube
from portal.scanning import importing
from portal.web.sheets import Sheet


def enter_sample(
    session: Session,
    actor: Actor,
    sitting: CollectionSession,
    *,
    cells: Mapping[str, str],
    subject_group: str = "",
    is_symptomatic: bool = False,
    secret_key: str,
) -> tuple[str, list[Arrival]]:
    """Checks one sample; gives its result code and what to append to the journal after the commit.

    A tube that is new is closed with this sample in it; into one that is known the sample is added.

    Raises:
        Forbidden: the session is closed, or the actor is no staff of its site.
        Invalid: with every problem at once.
    """
    importing.require_open(actor, sitting)
    names = [column.name for column in importing.COLUMNS]
    row = [cells.get(name, "").strip() for name in names]
    positions = {name: place for place, name in enumerate(names)}
    sheet = Sheet(importing.COLUMNS, names, [row], positions, "", b"")
    tubes, _count = importing.check_rows(session, sheet, sitting, secret_key)
    problems = list(sheet.errors.get(0, []))
    tube = None
    if tubes:
        (listed,) = tubes
        tube = session.scalars(sa.select(Tube).where(Tube.code == listed.code)).one_or_none()
        if tube is not None:
            listed.held_count, listed.is_sealed_after = tube.sample_count, False
        noted: dict[str, Any] = {"is_symptomatic": is_symptomatic, "subject_group": subject_group}
        listed.rows[0]["noted"] = {key: value for key, value in noted.items() if value}
    if is_symptomatic and tube is not None and tube.sample_count:
        problems.append(_("A person with symptoms gets a tube alone."))
    if problems:
        raise Invalid(_("Nothing was taken down."), code="scanning.entry", details=problems)
    arrivals = importing.send(session, actor, sitting, tubes, secret_key)
    audit.note(session, actor, "enter sample", "samples", row_count=1)
    return str(tubes[0].rows[0]["result_code"]), arrivals
