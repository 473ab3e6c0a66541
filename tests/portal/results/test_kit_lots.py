"""Lots of rapid test kits: registered whole, offered until their last day, recalled."""

import datetime as dt

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import clock, db
from portal.actors import system
from portal.campaigns.models import CollectionSession
from portal.db import transaction
from portal.errors import Conflict, Invalid
from portal.results import kits
from portal.results.models import KitLot
from tests.portal import builders
from tests.portal.web.world import World, sign_in, token

SYSTEM = system("tests")


def add(session, **values):
    lot = {"kit_name": "Kit A", "lot_number": "L1", "expires_on": clock.today()}
    with transaction(SYSTEM) as writing:
        return kits.add_lot(writing, SYSTEM, **{**lot, **values}).id


def test_all_that_is_wrong_with_a_lot_is_said_at_once(session) -> None:
    with pytest.raises(Invalid) as refused:
        add(session, kit_name=" ", expires_on=None, reading_minutes=40)
    assert len(refused.value.details) == 3
    with pytest.raises(Invalid, match="expired"):
        add(session, expires_on=clock.today() - dt.timedelta(days=1))
    add(session)
    with pytest.raises(Conflict):
        add(session, kit_name="  Kit  A ")


def test_stations_offer_what_has_not_expired_and_is_not_recalled(session) -> None:
    today = clock.today()
    later = add(session, lot_number="L2", expires_on=today + dt.timedelta(days=9))
    first = add(session)
    assert [lot.id for lot in kits.usable_lots(session, today)] == [first, later]
    assert [lot.id for lot in kits.usable_lots(session, today + dt.timedelta(days=1))] == [later]
    with transaction(SYSTEM) as writing:
        kits.withdraw_lot(writing, SYSTEM, writing.get_one(KitLot, later), "recalled")
    with transaction(SYSTEM) as writing, pytest.raises(Conflict):
        kits.withdraw_lot(writing, SYSTEM, writing.get_one(KitLot, later), "again")
    assert [lot.id for lot in kits.usable_lots(session, today)] == [first]


def test_a_session_of_rapid_tests_opens_one_for_rt_pcr_beside_it(session) -> None:
    place = builders.site(session)
    campaign = builders.campaign(session)
    builders.sitting(session, campaign, place, method="antigen", pool_size=1)
    builders.sitting(session, campaign, place, method="antigen", pool_size=1)
    rows = session.execute(
        sa.select(
            CollectionSession.method, CollectionSession.pool_size, CollectionSession.status
        ).where(CollectionSession.method == "pcr")
    ).all()
    assert rows == [("pcr", 1, "open")]


def test_a_site_manager_registers_and_recalls_a_lot_on_the_screen(app: Flask, world: World) -> None:
    manager = sign_in(app, "site-manager-a")
    page = manager.get("/kit-lots/add").get_data(as_text=True)
    assert "Hạn dùng" in page
    form = {
        "csrf_token": token(manager, "/kit-lots/add"),
        "kit_name": "Kit A",
        "lot_number": "L1",
        "expires_on": clock.today().isoformat(),
        "reading_minutes": "10",
        "latest_minutes": "20",
    }
    assert manager.post("/kit-lots/add", data=form).status_code == 302
    with app.app_context():
        lot = db.db_session().scalars(sa.select(KitLot)).one()
        assert (lot.reading_minutes, lot.latest_minutes) == (10, 20)
        key = lot.id
        db.db_session().rollback()
    collector = sign_in(app, "collector-a")
    assert "Kit A" in collector.get("/kit-lots/list/").get_data(as_text=True)
    assert collector.get("/kit-lots/add").status_code == 403
    path = f"/kit-lots/withdraw/{key}"
    form = {"csrf_token": token(manager, path), "reason": "thu hồi"}
    assert manager.post(path, data=form).status_code == 302
    with app.app_context():
        assert db.db_session().scalars(sa.select(KitLot)).one().withdrawal_reason == "thu hồi"
