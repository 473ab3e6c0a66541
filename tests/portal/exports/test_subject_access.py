"""Who saw a person's data: found by any code, by row and by ranges, and asking leaves an event."""

import io
import re

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from portal import db
from portal.accounts import login
from portal.audit.models import AuditEvent
from portal.audit.sealing import Sealer
from portal.jobs import worker
from portal.jobs.models import Job
from portal.people.models import Person
from tests.portal.web.world import World, make, sign_in, token_of


@pytest.fixture
def world(app: Flask) -> World:
    login.forget_logins()
    return make(app)


def _ask(browser: FlaskClient, typed: str, **more: str) -> str:
    token = token_of(browser.get("/audit-subject/").get_data(as_text=True))
    answer = browser.post("/audit-subject/", data={"typed": typed, "csrf_token": token, **more})
    return answer.get_data(as_text=True)


def _steps(page: str) -> list[tuple[str, str]]:
    """(who, step) of each line, the newest first."""
    return re.findall(
        r'<td data-label="[^"]+">([\w.-]+)</td><td data-label="[^"]+">([\w ,]+)</td>', page
    )


def test_every_reading_of_a_person_is_found_and_no_other(app: Flask, world: World) -> None:
    session = db.db_session()
    mine, other = (world.samples[name][0] for name in "ab")
    sign_in(app, "site-manager-a").get("/samples/list/")
    sign_in(app, "site-manager-b").get("/samples/list/")
    sign_in(app, "site-manager-a").get(f"/samples/show/{mine.id}")
    sign_in(app, "data-officer").get(f"/people/show/{mine.person_id}")
    auditor = sign_in(app, "auditor")
    by_record = _ask(auditor, str(mine.person_id))
    seen = _steps(by_record)
    assert ("site-manager-a", "list") in seen
    assert ("site-manager-a", "read") in seen
    assert ("data-officer", "read") in seen
    assert not [who for who, _step in seen if who == "site-manager-b"]
    assert seen[0] == ("auditor", "subject access")
    # The same by the code of the sample; changes only when they are asked for.
    person = session.get(Person, mine.person_id)
    person.phone = "0905000111"
    session.commit()
    assert "change" not in {step for _who, step in _steps(_ask(auditor, str(mine.person_id)))}
    with_changes = _steps(_ask(auditor, str(mine.person_id), all="1"))
    assert "change" in {step for _who, step in with_changes}
    assert ("site-manager-b", "list") in _steps(_ask(auditor, str(other.person_id)))


def test_nobody_behind_a_code_is_said_and_nothing_typed_stands_in_the_address(
    app: Flask, world: World
) -> None:
    auditor = sign_in(app, "auditor")
    assert "Không có ai ứng với mã" in _ask(auditor, "99999999")
    assert "Hãy nhập mã" in _ask(auditor, "")
    assert sign_in(app, "collector-a").get("/audit-subject/").status_code == 403


def test_an_export_is_verified_on_the_screen(app: Flask, world: World) -> None:
    auditor = sign_in(app, "auditor")
    config = app.config["TRAM"]
    page = auditor.get("/audit-seal/").get_data(as_text=True)
    token = token_of(page)
    with app.app_context():
        sealer = Sealer(config.var_dir)
        while sealer.step():
            pass
        auditor.post("/audit-seal/export", data={"csrf_token": token})
        assert worker.run_once(config.var_dir)
        uid = db.db_session().scalars(sa.select(Job.uid)).one()
    content = auditor.get(f"/jobs/{uid}/file").data

    def verify(sent: bytes) -> str:
        answer = auditor.post(
            "/audit-seal/verify",
            data={"file": (io.BytesIO(sent), "x.tram-audit"), "csrf_token": token},
        )
        return answer.get_data(as_text=True)

    good = verify(content)
    assert "toàn bộ nhật ký" in good
    assert "Ký bằng khóa của hệ thống này" in good
    assert "Tệp được ghi trước" not in good
    with app.app_context():
        assert sealer.step()
    older = verify(content)
    assert "toàn bộ nhật ký" in older
    assert "Tệp được ghi trước" in older
    at = content.index(b"create")
    assert "Tệp không đúng" in verify(content[:at] + b"Create" + content[at + 6 :])
    assert "Tệp không đúng" in verify(b"nothing of ours")
    empty = auditor.post("/audit-seal/verify", data={"csrf_token": token})
    assert empty.status_code == 422
    count = db.db_session().scalar(sa.select(sa.func.count()).select_from(AuditEvent))
    assert count
