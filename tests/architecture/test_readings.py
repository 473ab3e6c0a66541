"""Law of the house: every page that shows personal data leaves an event of reading.

Every GET route is opened by a role that may, over a province in which a person with unmistakable
values has something in every area. A page on which such a value stands must have written an event,
and must stand in the list below: whoever adds one decides it here.
"""

import uuid
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule

from portal import clock, db, roles
from portal.actors import system
from portal.audit import rules
from portal.audit.models import AuditEvent
from portal.certificates import sealing, services
from portal.declarations import services as declarations
from portal.ingest.models import Device, QuarantinedEvent
from portal.people.models import DuplicateCandidate
from portal.roles import Role
from portal.samples.models import Sample
from tests.portal.certificates.world import World as Results
from tests.portal.web.world import World, sign_in

NAME = "Đặng Thị Dấuvết"
PHONE = "0905987654"
NATIONAL_ID = "048184987654"
# Parts of the values that no mask hides.
MARKS = ("Dấuvết", PHONE, NATIONAL_ID)

# Routes whose pages show them.
SHOWING = {
    "DeclarationView.edit",
    "DeclarationView.list",
    "DeclarationView.show",
    "DuplicateView.index",
    "PairView.list",
    "PairView.show",
    "PersonView.edit",
    "PersonView.list",
    "PersonView.show",
    "QuarantineView.show",
    "ResultPaperView.index",
    "RetestView.index",
    "RetestView.labels",
    "RetestView.paper",
    "SampleView.list",
    "SampleView.show",
    "VerifyView.verify",
}
# Pages that show one row by its key, as the values of their addresses.
_ROWS = {"pk", "sample_id", "person_id", "candidate_id"}


def _refused(session: db.Session, site_id: int) -> QuarantinedEvent:
    device = Device(
        uid=uuid.uuid4(), name="Máy 1", site_id=site_id, token_sha256="0" * 64,
        enrolled_at=clock.now(),
    )  # fmt: skip
    session.add(device)
    session.flush()
    return QuarantinedEvent(
        device_id=device.id, site_id=site_id, code="no_person", quarantined_at=clock.now(),
        body=orjson.dumps({"data": {"person": {"full_name": NAME}}}),
    )  # fmt: skip


@pytest.fixture
def marked(app: Flask, world: World) -> dict[str, Any]:
    """Somebody with a released result, a retest due, a declaration and a twin."""
    with app.app_context():
        results = Results(db.db_session(), code_suffix="9")
        session = results.session
        person = results.person(full_name=NAME, phone=PHONE, national_id=NATIONAL_ID)
        twin = results.person(full_name=NAME, phone=PHONE, national_id="")
        sample = results.sample(person)
        results.release(sample.tube, "negative")
        due = results.sample(person)
        due.state, due.state_reason, due.retest_due_at = "RETEST_DUE", "suspect", clock.now()
        pair = DuplicateCandidate(
            left_id=person.id, right_id=twin.id, left_site_id=results.site.id,
            right_site_id=results.site.id, kind="proposal", bits=9.0, score=0.9,
            evidence={"prior": -10, "weights": []}, created_at=clock.now(),
        )  # fmt: skip
        refused = _refused(session, results.site.id)
        session.add_all([pair, refused])
        session.commit()
        with db.transaction(system("test")) as writing:
            declaration = declarations.submit(
                writing, system("test"), uid=sample.uid,
                raw={"full_name": NAME, "birth": "02/09/1984", "sex": "female", "phone": PHONE,
                     "national_id": NATIONAL_ID, "address": "Tổ 1", "area_code": "",
                     "symptoms": ["none"], "had_contact": "no", "declared_by": "staff"},
            )  # fmt: skip
            issued = services.issue(
                writing, system("test"), sample_id=sample.id,
                office=sealing.office_of(app.config["TRAM"]),
            )  # fmt: skip
            return {
                "people": person.id, "samples": sample.id, "declarations": declaration.id,
                "duplicate_candidates": pair.id, "certificates": issued.id, "code": issued.code,
                "quarantined_events": refused.id,
            }  # fmt: skip


def _address(rule: Rule, view: Any, marked: dict[str, Any]) -> str:
    values: dict[str, Any] = {}
    model = getattr(view, "model", None)
    for name in rule.arguments:
        converter = type(rule._converters[name]).__name__
        if name in _ROWS and converter == "IntegerConverter":
            table = model.__tablename__ if model is not None else "samples"
            values[name] = marked.get(table, 1)
        elif converter == "IntegerConverter":
            values[name] = 1
        elif converter == "AnyConverter":
            values[name] = min(rule._converters[name].items)
        else:
            values[name] = marked["code"]
    return str(rule.build(values)[1])


def _role_for(view: Any, rule: Rule) -> str | None:
    """The account of a role that sees the whole province if any may, else of the site."""
    method = getattr(type(view), rule.endpoint.partition(".")[2], None)
    name = getattr(method, "_permission_name", None)
    held = roles.GRANTS.get(view.class_permission_name or "", {}).get(f"can_{name}", frozenset())
    wide = [role for role in Role if role in held and role in roles.PROVINCE_WIDE]
    return wide[0].value.lower().replace(" ", "-") if wide else None


def _readings() -> int:
    session = db.db_session()
    session.rollback()
    starts = (AuditEvent.action.startswith(word) for word in rules.READINGS)
    query = sa.select(sa.func.count()).select_from(AuditEvent).where(sa.or_(*starts))
    return int(session.scalar(query) or 0)


def test_every_page_that_shows_a_person_leaves_an_event(
    app: Flask, world: World, marked: dict[str, Any]
) -> None:
    views = {view.endpoint: view for view in app.appbuilder.baseviews}  # type: ignore[attr-defined]
    browsers: dict[str, Any] = {}
    showing, silent, opened = set(), set(), 0
    for rule in app.url_map.iter_rules():
        view = views.get(rule.endpoint.partition(".")[0])
        if view is None or "GET" not in rule.methods or rule.endpoint.endswith("static"):
            continue
        is_public = any(base.__name__ == "PublicView" for base in type(view).__mro__)
        who = "" if is_public else _role_for(view, rule)
        if who is None:
            continue
        if who not in browsers:
            browsers[who] = sign_in(app, who) if who else app.test_client()
        before = _readings()
        answer = browsers[who].get(_address(rule, view, marked), follow_redirects=True)
        opened += 1
        is_text = answer.mimetype in {"text/html", "application/json", "text/csv", "text/plain"}
        text = answer.get_data(as_text=True) if is_text else ""
        if any(mark in text for mark in MARKS):
            showing.add(rule.endpoint)
            if _readings() == before:
                silent.add(rule.endpoint)
    assert opened > 60
    assert silent == set()
    assert showing == SHOWING


def test_every_list_and_record_with_personal_columns_says_that_it_is_personal(app: Flask) -> None:
    personal = {"full_name", "phone", "national_id", "address", "birth_on", "birth_year", "birth"}
    places = {"address", "phone"}  # of a site
    loose = {
        type(view).__name__
        for view in app.appbuilder.baseviews  # type: ignore[attr-defined]
        if hasattr(view, "is_personal") and not view.is_personal
        for column in [*view.list_columns, *view.show_columns]
        if column.split(".")[-1] in personal
        and not (view.model.__tablename__ == "sites" and column in places)
    }
    assert loose == set()


def test_a_site_team_leaves_events_on_the_pages_it_alone_has(
    app: Flask, world: World, marked: dict[str, Any]
) -> None:
    session = db.db_session()
    sample = world.samples["a"][0]
    session.execute(
        sa.update(Sample)
        .where(Sample.id == sample.id)
        .values(state="RETEST_DUE", state_reason="suspect")
    )
    session.commit()
    before = _readings()
    page = sign_in(app, "collector-a").get("/retests/").get_data(as_text=True)
    assert "Nguyễn Văn a0" in page
    assert "Dấuvết" not in page
    assert _readings() == before + 1
