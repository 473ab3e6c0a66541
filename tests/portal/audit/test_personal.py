"""Personal values stand in the trail under a key per person; without the key they are gone."""

import datetime as dt
import uuid

import sqlalchemy as sa
import time_machine
from flask import Flask

from portal import clock, db, settings
from portal.actors import EVERYTHING, Actor, system
from portal.audit import heads, personal, proofs, rules, services, verification
from portal.audit.models import AuditEvent
from portal.audit.sealing import Sealer
from portal.jobs import worker
from portal.people.models import Person
from tests.portal.web.world import World, sign_in, token

ACTOR = Actor(kind="staff", name="an", user_id=7, scope=EVERYTHING)


def _renamed(session: db.Session) -> tuple[Person, AuditEvent]:
    services.install(db.session_factory.class_)
    person = Person(
        uid=uuid.uuid4(), full_name="Nguyễn Văn Cũ", folded_name="nguyen van cu",
        birth_year=1980, created_at=clock.now(),
    )  # fmt: skip
    with db.transaction(ACTOR) as writing:
        writing.add(person)
        writing.flush()
        person.full_name = "Nguyễn Văn Mới"
        person.source = "card"
    wanted = sa.select(AuditEvent).where(
        AuditEvent.table_name == "people", AuditEvent.action == "change"
    )
    return person, session.scalars(wanted).one()


def test_a_name_is_ciphertext_that_its_key_opens(session: db.Session) -> None:
    person, event = _renamed(session)
    assert event.subject == f"people/{person.id}"
    assert event.change["full_name"] == []
    assert event.change["source"] == ["typed", "card"]
    stored = session.execute(sa.select(AuditEvent.__table__)).all()
    assert "Mới" not in repr(stored)
    assert event.shown_change["full_name"] == ["Nguyễn Văn Cũ", "Nguyễn Văn Mới"]


def test_erasing_the_key_erases_the_person_and_the_proofs_hold(
    session: db.Session, config: settings.Settings
) -> None:
    person, event = _renamed(session)
    sealer = Sealer(config.var_dir)
    assert sealer.step() > 0
    with db.transaction(system("tests")) as writing:
        subject = f"people/{person.id}"
        assert services.erase(writing, ACTOR, subjects=[subject], reason="asked by letter") == 1
        assert services.erase(writing, ACTOR, subjects=[subject], reason="again") == 0
    assert event.shown_change["full_name"] == []
    sealer.step()
    path = config.var_dir / "export"
    with db.transaction(system("tests")) as reading:
        proofs.write(path, reading, config.var_dir, proofs.Filter())
    report = verification.verify(path, known_heads=heads.filed(config.var_dir))
    assert (report.problems, report.compared) == ([], 2)
    assert "Mới".encode() not in path.read_bytes()
    # Whatever is written later of somebody erased is written without values.
    with db.transaction(ACTOR):
        person.full_name = "Nguyễn Văn Sau"
    last = session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
    assert (last.change["full_name"], last.personal) == ([], b"")


def test_the_key_of_one_person_opens_nobody_else(session: db.Session) -> None:
    _, event = _renamed(session)
    event_key = personal.keys_of(session, [event.subject])[event.subject]
    other = personal.keys_of(session, ["people/999"])["people/999"]
    assert event_key != other
    session.execute(sa.text("UPDATE audit_subject_keys SET key = :key"), {"key": other})
    assert event.shown_change["full_name"] == []


def test_every_column_of_a_person_is_personal_unless_it_is_named() -> None:
    kept = {column.name for column in Person.__table__.c if not rules.is_personal(column.name)}
    assert kept == {
        "area_id", "created_at", "id", "merged_into_id", "site_id", "source", "uid", "version",
    }  # fmt: skip
    assert rules.subject_of("samples", {"id": 4, "person_id": 9}) == "people/9"
    assert rules.subject_of("certificates", {"id": 4, "sample_id": 9}) == "samples/9"
    assert rules.subject_of("sites", {"id": 4}) == ""
    assert rules.ranges([3, 5, 4, 9, 9, 12, 11]) == "3-5, 9, 11-12"
    assert [rules.bounds(text) for text in ("3-5, 9, 11-12", "7", "~3-99")] == [
        (3, 12), (7, 7), (3, 99),
    ]  # fmt: skip


def test_an_auditor_exports_with_proofs_on_the_screen(app: Flask, world: World) -> None:
    del world
    var_dir = app.config["TRAM"].var_dir
    browser = sign_in(app, "auditor")
    empty = browser.get("/audit-seal/").get_data(as_text=True)
    assert "Chưa có mục nào" in empty
    with app.app_context():
        while Sealer(var_dir).step():
            pass
    page = browser.get("/audit-seal/").get_data(as_text=True)
    key_id = heads.load_key(var_dir).key_id
    assert key_id in page
    form = {"csrf_token": token(browser), "first_on": "1/8"}
    assert browser.post("/audit-seal/export", data=form).status_code == 422
    asked = browser.post("/audit-seal/export", data={**form, "first_on": "", "action": "create"})
    assert asked.status_code == 302
    with app.app_context():
        assert worker.run_once(var_dir)
    (path,) = (var_dir / "jobs").iterdir()
    report = verification.verify(path, trusted=heads.known_keys(var_dir))
    assert (report.problems, report.is_key_known, report.is_whole) == ([], True, False)
    assert report.entry_count > 0


def test_days_of_a_filter_are_local(session: db.Session, config: settings.Settings) -> None:
    services.install(db.session_factory.class_)
    for hour in (16, 18):  # 23:00 on the 1st and 01:00 on the 2nd in Việt Nam
        with (
            time_machine.travel(dt.datetime(2026, 8, 1, hour, tzinfo=dt.UTC), tick=False),
            db.transaction(ACTOR) as writing,
        ):
            services.read(writing, ACTOR, "people", str(hour))
    Sealer(config.var_dir).step()
    path = config.var_dir / "export"
    day = dt.date(2026, 8, 2)
    assert proofs.write(path, session, config.var_dir, proofs.Filter(day, day)) == 1
    assert b'"row":"18"' in path.read_bytes()
