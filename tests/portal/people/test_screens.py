"""The screens of people over HTTP: scope, decisions, corrections, policy, on both databases."""

import re

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import clock, db
from portal.audit.models import AuditEvent
from portal.people.models import DuplicateCandidate, LinkagePolicy, Person, PersonChange
from tests.portal.web.world import World, sign_in, token, token_of


@pytest.fixture
def pair(app: Flask, world: World) -> tuple[int, int]:
    """Keys of a pair within site a, and of one across both sites."""
    with app.app_context(), db.session_factory() as session, session.begin():
        a, b = (world.samples[name] for name in "ab")
        keys = []
        for one, other in ((a[0], a[1]), (a[0], b[0])):
            row = DuplicateCandidate(
                left_id=one.person_id,
                right_id=other.person_id,
                left_site_id=one.site_id,
                right_site_id=other.site_id,
                bits=5.0,
                score=0.97,
                evidence={"prior": -9.0, "weights": [["dob", "same", 14.0]]},
                created_at=clock.now(),
            )
            session.add(row)
            session.flush()
            keys.append(row.id)
    return keys[0], keys[1]


def _seen(page: str) -> str:
    found = re.search(r'name="seen" value="([\d.]+)"', page)
    assert found
    return found[1]


def test_a_pair_is_decided_and_taken_back(app: Flask, world: World, pair: tuple[int, int]) -> None:
    browser = sign_in(app, "data-officer")
    page = browser.get(f"/duplicates/?pair={pair[0]}").get_data(as_text=True)
    sent = {"csrf_token": token_of(page), "seen": _seen(page), "answer": "same"}
    url = f"/duplicates/{pair[0]}/decide"
    assert browser.post(url, data=sent).status_code == 302
    again = browser.post(url, data=sent)
    assert again.status_code == 409
    assert browser.post(url, data={**sent, "answer": "x"}).status_code == 422
    person = world.samples["a"][1].person_id
    shown = browser.get(f"/people/show/{person}").get_data(as_text=True)
    assert "Hồ sơ này đã được gộp." in shown
    (merge_url,) = set(re.findall(r"/people/merges/\d+/undo", shown))
    sent = {"csrf_token": token_of(shown), "reason": "sinh đôi"}
    assert browser.post(merge_url, data=sent).status_code == 302
    with db.session_factory() as session:
        assert session.get_one(DuplicateCandidate, pair[0]).status == "different"
        assert set(session.scalars(sa.select(Person.merged_into_id))) == {None}
        read = sa.select(AuditEvent.id).where(AuditEvent.table_name == "duplicate_candidates")
        assert session.scalars(read.where(AuditEvent.action == "read")).first() is not None
    sent = {"csrf_token": token(browser)}
    assert browser.post(f"/duplicates/{pair[0]}/reopen", data=sent).status_code == 302
    assert browser.post("/duplicates/undo", data=sent).status_code == 302


def test_a_site_sees_and_decides_its_own_pairs_only(
    app: Flask, world: World, pair: tuple[int, int]
) -> None:
    manager = sign_in(app, "site-manager-a")
    assert manager.get(f"/duplicates/?pair={pair[0]}").status_code == 200
    assert manager.get(f"/duplicates/?pair={pair[1]}").status_code == 404
    sent = {"csrf_token": token(manager), "seen": "1.1.1.1.1", "answer": "same"}
    assert manager.post(f"/duplicates/{pair[1]}/decide", data=sent).status_code == 404
    assert manager.get(f"/pairs/show/{pair[1]}").status_code == 404
    other = sign_in(app, "site-manager-b")
    assert other.get(f"/duplicates/?pair={pair[0]}").status_code == 404
    assert other.get("/duplicates/").status_code == 200
    assert other.get(f"/people/show/{world.samples['a'][0].person_id}").status_code == 404
    assert sign_in(app, "collector-a").get("/duplicates/").status_code == 403


def test_a_record_is_corrected_with_all_errors_at_once(app: Flask, world: World) -> None:
    browser = sign_in(app, "data-officer")
    key = world.samples["a"][0].person_id
    page = browser.get(f"/people/edit/{key}").get_data(as_text=True)
    bad = {
        "csrf_token": token_of(page), "row_version": "1", "full_name": "Lan 2", "birth": "32/13/1",
        "sex": "female", "phone": "12", "address": "",
    }  # fmt: skip
    refused = browser.post(f"/people/edit/{key}", data=bad)
    text = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert text.count("<li>") >= 3
    good = {**bad, "full_name": "Nguyễn Thị Lan", "birth": "2/9/1985", "phone": "0912 345 671"}
    assert browser.post(f"/people/edit/{key}", data=good).status_code == 302
    with db.session_factory() as session:
        person = session.get_one(Person, key)
        assert (person.folded_name, str(person.birth_on), person.phone, person.sex) == (
            "nguyen thi lan", "1985-09-02", "0912345671", "female",
        )  # fmt: skip
        assert session.scalars(sa.select(PersonChange.person_id)).all() == [key]
    assert browser.post(f"/people/edit/{key}", data=good).status_code == 409


def test_only_the_department_decides_about_automatic_merging(app: Flask, world: World) -> None:
    sent = {
        "valid_from": clock.today().isoformat(), "is_automatic": "yes", "least_precision": "0,999",
        "propose_from": "0,6", "document": "QĐ 12/QĐ-SYT",
    }  # fmt: skip
    officer = sign_in(app, "data-officer")
    refused = officer.post("/duplicates/policy/decide", data={**sent, "csrf_token": token(officer)})
    assert refused.status_code == 403
    admin = sign_in(app, "department-admin")
    sent["csrf_token"] = token(admin)
    bad = admin.post("/duplicates/policy/decide", data={**sent, "propose_from": "x"})
    assert bad.status_code == 422
    bad = admin.post("/duplicates/policy/decide", data={**sent, "valid_from": "mai"})
    assert bad.status_code == 422
    assert admin.post("/duplicates/policy/decide", data=sent).status_code == 302
    assert "QĐ 12/QĐ-SYT" in admin.get("/duplicates/policy/").get_data(as_text=True)
    with db.session_factory() as session:
        (made,) = session.scalars(sa.select(LinkagePolicy)).all()
    assert (made.is_automatic, made.least_precision, made.propose_from) == (True, 0.999, 0.6)
