"""Law of the house: also the answer to a form, and a page that only a site's team has, leaves an
event of reading when it shows a person.

As in `test_readings`, a person with unmistakable values stands behind everything; nothing that is
posted holds one of these values, so that an answer that shows one has read it from the database.
"""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule

from portal import db, roles
from portal.declarations.models import Declaration
from portal.people.models import Person
from portal.roles import Role
from portal.samples.models import Sample, Tube
from reports.certificate.reading import read_paper
from tests.architecture.test_readings import (
    MARKS,
    NAME,
    NATIONAL_ID,
    PHONE,
    _address,
    _readings,
    marked,
)
from tests.portal.web.world import World, sign_in, token

__all__ = ["marked"]

# Answers to forms that show a person, by endpoint; whoever adds one decides it here.
ANSWERING = {
    "CertificateView.paper",
    "DeclarationView.edit",
    "LookupView.look_up",
    "PersonView.edit",
    "PrintCopyView.make",
    "ResultPaperView.paper",
}
# Pages that only the team of a site has and that show a person.
OF_SITES: set[str] = set()

_SITE_ROLES = [role for role in Role if role not in roles.PROVINCE_WIDE]


def _holders(view: Any, rule: Rule) -> set[Role]:
    method = getattr(type(view), rule.endpoint.partition(".")[2], None)
    name = getattr(method, "_permission_name", None)
    held = roles.GRANTS.get(view.class_permission_name or "", {}).get(f"can_{name}", frozenset())
    return {role for role in Role if role in held}


def _account(role: Role) -> str:
    """The account of a role in the world: of the whole province, or of site a."""
    name = role.value.lower().replace(" ", "-")
    return name if role in roles.PROVINCE_WIDE else f"{name}-a"


def _is_public(view: Any) -> bool:
    return any(base.__name__ == "PublicView" for base in type(view).__mro__)


def _shows(answer: Any) -> bool:
    """Whether an answer, a page or a PDF, tells of the person."""
    content = answer.get_data()
    is_pdf = answer.mimetype == "application/pdf"
    text = (read_paper(content).text or "") if is_pdf else content.decode(errors="replace")
    return any(mark in text for mark in MARKS)


def _forms(session: Any, marked: dict[str, Any]) -> list[dict[str, str]]:
    """What is posted everywhere: nothing; and every field that finds something, filled."""
    sample = session.get(Sample, marked["samples"])
    tube = session.get(Tube, sample.tube_id)
    declaration = session.get(Declaration, marked["declarations"])
    filled = {
        "code": sample.result_code, "typed": sample.result_code, "text": sample.result_code,
        "q": sample.result_code, "factor": PHONE[-4:], "second": PHONE[-4:], "birth_year": "1984",
        "birth": "02/09/1984", "rowid": str(sample.id), "ids": str(sample.id),
        "sample_id": str(sample.id), "samples": str(sample.id), "tubes": tube.code,
        "tube": tube.code, "tube_code": tube.code, "reason": "kiểm tra", "answer": "đã xong",
        "purpose": "check", "decision": "same", "chosen": "all", "decide": "same",
        "lookup_code": declaration.lookup_code,
    }  # fmt: skip
    return [{}, filled, {**filled, "code": declaration.lookup_code, "typed": str(sample.id)},
            {**filled, "code": marked["code"], "typed": marked["code"]}]  # fmt: skip


def test_every_answer_to_a_form_that_shows_a_person_leaves_an_event(
    app: Flask, world: World, marked: dict[str, Any]
) -> None:
    views = {view.endpoint: view for view in app.appbuilder.baseviews}  # type: ignore[attr-defined]
    showing, silent, posted = set(), set(), 0
    for rule in app.url_map.iter_rules():
        view = views.get(rule.endpoint.partition(".")[0])
        # Signing out would end the browser; every other form is posted.
        if view is None or "POST" not in rule.methods or rule.endpoint.endswith(".logout"):
            continue
        wide = [role for role in _holders(view, rule) if role in roles.PROVINCE_WIDE]
        if not wide and not _is_public(view):
            continue
        for form in _forms(db.db_session(), marked):
            browser = app.test_client() if _is_public(view) else sign_in(app, _account(wide[0]))
            before = _readings()
            data = {**form, "csrf_token": token(browser, "/kiem-tra" if _is_public(view) else "/")}
            answer = browser.post(_address(rule, view, marked), data=data)
            posted += 1
            if _shows(answer):
                showing.add(rule.endpoint)
                if _readings() == before:
                    silent.add(rule.endpoint)
    assert posted > 100
    assert silent == set()
    assert showing == ANSWERING


@pytest.fixture
def of_site_a(world: World) -> dict[str, Any]:
    """The same values behind the rows of site a, one of them due for a retest."""
    session = db.db_session()
    sample = world.samples["a"][0]
    values = {"full_name": NAME, "phone": PHONE, "national_id": NATIONAL_ID}
    session.execute(sa.update(Person).where(Person.id == sample.person_id).values(values))
    due = {"state": "RETEST_DUE", "state_reason": "suspect"}
    session.execute(sa.update(Sample).where(Sample.id == sample.id).values(due))
    session.commit()
    return {"samples": sample.id, "people": sample.person_id, "code": sample.result_code}


def test_every_page_of_a_sites_team_alone_leaves_an_event(
    app: Flask, world: World, of_site_a: dict[str, Any]
) -> None:
    views = {view.endpoint: view for view in app.appbuilder.baseviews}  # type: ignore[attr-defined]
    showing, silent, opened = set(), set(), 0
    for rule in app.url_map.iter_rules():
        view = views.get(rule.endpoint.partition(".")[0])
        if view is None or rule.endpoint.endswith(("static", "logout")):
            continue
        holders = _holders(view, rule)
        if not holders or holders & roles.PROVINCE_WIDE:
            continue
        browser = sign_in(app, _account(min(holders, key=lambda role: role.value)))
        address = _address(rule, view, of_site_a)
        before = _readings()
        answer = (
            browser.get(address, follow_redirects=True)
            if "GET" in rule.methods
            else browser.post(address, data={"csrf_token": token(browser)})
        )
        opened += 1
        if _shows(answer):
            showing.add(rule.endpoint)
            if _readings() == before:
                silent.add(rule.endpoint)
    assert opened
    assert silent == set()
    assert showing == OF_SITES
