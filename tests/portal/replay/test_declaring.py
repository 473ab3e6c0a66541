"""People of a replay who declared before: their declarations stand once, under the codes shown."""

import datetime as dt

import sqlalchemy as sa

import core_rs
from portal.actors import system
from portal.areas.models import AdminUnit
from portal.db import transaction
from portal.declarations.models import Declaration, DeclarationVersion
from portal.replay import declaring, events, plan
from portal.replay.people import households
from tests.portal import builders

ACTOR = system("test")
AT = dt.datetime(2026, 11, 9, tzinfo=dt.UTC)


def test_declarations_stand_once_under_the_codes_that_are_shown(session) -> None:
    commune = session.get(AdminUnit, builders.area(session).id)
    people = list(households(1, 2000, ["Phường Một"], 2026))
    tubes = plan.tubes(1, plan.Figures.of(2000), 1)
    declared = declaring.declared_people(tubes, people)
    assert 30 <= len(declared) <= 90
    ids = events.Ids("salt")
    for again, new in enumerate((len(declared), 0)):
        with transaction(ACTOR) as writing:
            made = declaring.declare(writing, ACTOR, ids, declared, [commune.code], AT)
        assert (again, made) == (again, new)
    assert session.scalar(sa.select(sa.func.count(DeclarationVersion.id))) == len(declared)
    shift = events.Shift("ABC234", "grant", 0)
    shown = {
        core_rs.parse_payload(event["data"]["payload"]).code
        for tube in tubes
        for event in events.tube_events(
            ids,
            shift,
            tube,
            "T",
            people[tube.first_person : tube.first_person + tube.size],
            AT,
        )
        if event["data"].get("source") == "declaration"
    }
    assert shown == set(session.scalars(sa.select(Declaration.lookup_code)))
