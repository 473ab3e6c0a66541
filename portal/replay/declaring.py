"""Declarations made before the round: some people come with a look-up code instead of a card."""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from portal.actors import Actor
from portal.declarations.services import Declared, submit_many
from portal.replay.events import Ids, source_of
from portal.replay.people import SyntheticPerson
from portal.replay.plan import PlannedTube

ROWS_A_TIME = 500


def declared_people(
    tubes: Iterable[PlannedTube], people: Sequence[SyntheticPerson]
) -> list[tuple[int, SyntheticPerson]]:
    """Ward and person of everybody who shows a declaration's code at the point."""
    return [
        (tube.ward, person)
        for tube in tubes
        for person in people[tube.first_person : tube.first_person + tube.size]
        if source_of(person.number) == "declaration"
    ]


def declare(
    session: Session,
    actor: Actor,
    ids: Ids,
    declared: Sequence[tuple[int, SyntheticPerson]],
    commune_codes: Sequence[str],
    at: dt.datetime,
) -> int:
    """Submits declarations; those that an interrupted run already made stay. How many were new."""
    rows = [
        Declared(
            uid=uuid.UUID(ids.uuid(f"declaration:{person.number}", at)),
            lookup_code=ids.code(f"declaration:{person.number}"),
            raw={
                "declared_by": "self",
                "full_name": person.full_name,
                "birth": person.birth_on.strftime("%d/%m/%Y"),
                "sex": person.sex,
                "national_id": person.national_id,
                "phone": person.phone,
                "area_code": commune_codes[ward],
                "address": person.address.split(",")[0],
                "travelled": "",
                "symptoms": ["none"],
                "had_contact": "no",
            },
        )
        for ward, person in declared
    ]
    return submit_many(session, actor, rows)
