"""Declarations on real databases: once per form, versions kept, scope on write."""

import datetime as dt
import uuid

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.actors import PUBLIC, Actor, Scope, system
from portal.declarations import lookups, queries, services
from portal.declarations.models import Declaration, DeclarationVersion, LookupAttempt
from portal.errors import Conflict, Invalid, NotFound
from tests.portal.certificates.world import World
from tests.portal.declarations.answers import answers

OFFICER = Actor(kind="staff", name="officer", scope=Scope(area_ids=frozenset({-1})))


def _submit(session: Session, **changes: object) -> Declaration:
    declaration = services.submit(session, PUBLIC, raw=answers(**changes), uid=uuid.uuid4())
    session.commit()
    return declaration


def test_a_form_sent_twice_makes_one_declaration(session: Session) -> None:
    uid = uuid.uuid4()
    first = services.submit(session, PUBLIC, raw=answers(), uid=uid)
    session.commit()
    again = services.submit(session, PUBLIC, raw=answers(), uid=uid)
    assert again.id == first.id
    assert session.scalar(sa.select(sa.func.count()).select_from(Declaration)) == 1
    assert len(first.lookup_code) == 11


def test_a_proxy_declaration_says_who_declared_for_whom(session: Session) -> None:
    made = _submit(
        session, declared_by="proxy", proxy_name="Hồ Văn Lái", proxy_phone="0905000111", phone=""
    )
    assert made.is_proxy
    assert made.phone == ""
    kept = queries.current_answers(session, made)
    assert (kept["proxy_name"], kept["proxy_phone"]) == ("Hồ Văn Lái", "0905000111")


def test_an_update_is_a_new_version_and_the_old_one_stays(session: Session) -> None:
    made = _submit(session)
    services.update(
        session, PUBLIC, declaration_id=made.id, raw=answers(symptoms=["fever"], had_contact="yes")
    )
    session.commit()
    assert (made.current_version, made.risk) == (2, "red")
    numbers = [version.number for version in queries.versions(session, made.id)]
    assert numbers == [2, 1]
    assert queries.versions(session, made.id)[1].answers["symptoms"] == []


def test_an_update_that_says_the_same_makes_no_version(session: Session) -> None:
    made = _submit(session)
    services.update(session, PUBLIC, declaration_id=made.id, raw=answers())
    assert session.scalar(sa.select(sa.func.count()).select_from(DeclarationVersion)) == 1


def test_two_who_change_at_once_are_told(session: Session) -> None:
    made = _submit(session)
    services.update(
        session, PUBLIC, declaration_id=made.id, raw=answers(sex="male"), version=made.version
    )
    with pytest.raises(Conflict):
        services.update(session, PUBLIC, declaration_id=made.id, raw=answers(), version=1)


def test_staff_declare_and_withdraw_only_in_their_areas(session: Session) -> None:
    world = World(session)
    made = _submit(session, area_code=world.commune.code)
    assert made.area_id == world.commune.id
    with pytest.raises(NotFound):
        services.submit(
            session, OFFICER, raw=answers(area_code=world.commune.code), uid=uuid.uuid4()
        )
    session.rollback()
    with pytest.raises(NotFound):
        services.withdraw(session, OFFICER, declaration_id=made.id, reason="nhầm")
    with pytest.raises(Invalid):
        services.withdraw(session, system("test"), declaration_id=made.id, reason=" ")


def test_an_unknown_commune_is_refused(session: Session) -> None:
    with pytest.raises(Invalid):
        services.submit(session, PUBLIC, raw=answers(area_code="99999"), uid=uuid.uuid4())


def test_a_new_code_at_the_counter_ends_the_old_one(session: Session) -> None:
    made = _submit(session)
    old = made.lookup_code
    services.reissue(
        session, system("counter"), declaration_id=made.id, who=lookups.caller("k" * 40, "::1")
    )
    session.commit()
    assert queries.find_by_code(session, old) is None
    assert queries.find_by_code(session, made.lookup_code) is made


def test_communes_are_those_of_the_province_today(session: Session) -> None:
    world = World(session)
    found = queries.communes_of(session, "Thành phố Đà Nẵng", dt.date(2026, 8, 5))
    assert [commune.code for commune in found] == [world.commune.code]
    assert queries.communes_of(session, "Tỉnh Không Có", dt.date(2026, 8, 5)) == []


def test_tries_are_counted_by_code_and_network_and_forgiven_when_one_opens(
    session: Session,
) -> None:
    who = lookups.caller("k" * 40, "203.0.113.7")
    other = lookups.caller("k" * 40, "203.0.113.8")
    for _ in range(3):
        lookups.write_down(session, who, door="look-up", code="A")
    last = lookups.write_down(session, other, door="look-up", code="A")
    counted = lookups.failures(session, who, code="A")
    assert (counted.of_code_quarter_hour, counted.of_network_quarter_hour) == (4, 3)
    lookups.mark_opened(session, [last])
    assert lookups.failures(session, who, code="A").of_code_ever == 0
    assert lookups.failures(session, who, code="B").of_code_ever == 0


def test_the_table_of_tries_names_neither_code_nor_address(session: Session) -> None:
    who = lookups.caller("k" * 40, "203.0.113.7")
    lookups.write_down(session, who, door="look-up", code="7Q2M8K4PXH3")
    row = session.scalars(sa.select(LookupAttempt)).one()
    assert "7Q2M8K4PXH3" not in row.code_hash + row.network
    assert "203.0.113" not in row.network
    elsewhere = lookups.caller("another key of this length, or so", "203.0.113.7")
    assert elsewhere.hashed("7Q2M8K4PXH3") != row.code_hash
