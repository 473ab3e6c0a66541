"""The public pages without JavaScript: declare, look up, save the paper, verify."""

import base64
import re

import pytest
import sqlalchemy as sa
from flask import Flask

import core_rs
from portal import db
from portal.audit.models import AuditEvent
from portal.certificates import slips
from portal.certificates.models import CorrectionRequest
from portal.declarations.models import Declaration, DeclarationVersion
from portal.declarations.rules import grouped
from tests.portal.certificates.browser import Browser
from tests.portal.certificates.world import AT, HOUR, World

BIRTH = "02/09/1984"


@pytest.fixture
def world(app: Flask) -> World:
    return World(db.db_session())


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app.test_client())


STEPS = (
    {"declared_by": "self"},
    {"full_name": "Nguyễn Thị Hồng Ánh"},
    {"birth": BIRTH},
    {"sex": "female"},
    {"phone": "0905123456"},
    {"national_id": "048184000123"},
    {"address": "Tổ 12, Hòa Khánh"},
    {"travelled": ""},
    {"symptoms": ["none"]},
    {"had_contact": "no"},
)


def _declare(browser: Browser) -> str:
    browser.open("/khai-bao")
    for answers in STEPS:
        browser.send(go="next", **answers)
    page = browser.send(go="next")
    return re.search(r'class="code-big"[^>]*>([^<]+)<', page.html).group(1)


def test_a_declaration_goes_question_by_question_and_ends_with_a_code(browser: Browser) -> None:
    code = _declare(browser)
    assert re.fullmatch(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{3}", code)
    assert "data:image/png" in browser.page.html
    made = db.db_session().scalars(sa.select(Declaration)).one()
    assert grouped(made.lookup_code) == code
    # Sent again by a reload: still one.
    session = db.db_session()
    assert session.scalar(sa.select(sa.func.count()).select_from(Declaration)) == 1


def test_back_keeps_answers_and_a_wrong_one_is_said_at_once(browser: Browser) -> None:
    browser.open("/khai-bao")
    browser.send(go="next", declared_by="self")
    browser.send(go="next", full_name="Trần Văn Bình")
    page = browser.send(go="next", birth="31/02/2000")
    assert 'role="alert"' in page.html
    assert 'name="birth" value="31/02/2000"' in page.html
    page = browser.send(go="back")
    assert 'value="Trần Văn Bình"' in page.html
    page = browser.send(go="next")
    page = browser.send(go="next", birth="1990")
    assert page.field("full_name") == "Trần Văn Bình"
    assert page.field("birth") == "1990"


@pytest.mark.parametrize(("typed", "shown"), [("3/2/90", "03/02/1990"), ("1990", "1990")])
def test_the_review_shows_the_birth_as_it_will_be_kept(
    browser: Browser, typed: str, shown: str
) -> None:
    browser.open("/khai-bao")
    for answers in STEPS:
        page = browser.send(go="next", **({"birth": typed} if "birth" in answers else answers))
    assert re.search(rf">\s*{shown}\s*<", page.html)


def test_a_driver_declares_for_a_passenger(browser: Browser) -> None:
    browser.open("/khai-bao")
    page = browser.send(go="next", declared_by="proxy")
    assert 'role="alert"' in page.html
    page = browser.send(
        go="next", declared_by="proxy", proxy_name="Hồ Văn Lái", proxy_phone="0905000111"
    )
    assert 'role="alert"' not in page.html


def test_the_declaration_is_opened_and_updated_by_code_and_factor(browser: Browser) -> None:
    code = _declare(browser)
    page = browser.open(f"/k/{code}")
    assert page.field("code") == code
    page = browser.send(factor=BIRTH)
    assert page.status == 200
    page = browser.send(0, go="update")
    page = browser.send(go="step:8")
    page = browser.send(go="next", symptoms=["fever", "cough"])
    page = browser.send(go="next")
    page = browser.send(go="next")
    assert code in page.html
    session = db.db_session()
    session.expire_all()
    made = session.scalars(sa.select(Declaration)).one()
    assert (made.current_version, made.risk) == (2, "yellow")
    assert session.scalar(sa.select(sa.func.count()).select_from(DeclarationVersion)) == 2


def test_a_result_is_looked_up_and_its_paper_saved_and_verified(
    browser: Browser, world: World
) -> None:
    sample = world.sample(world.person())
    world.release(sample.tube, "negative")
    browser.open("/tra-cuu")
    page = browser.send(code=f" {grouped(sample.result_code).lower()} ", factor="3456")
    assert page.status == 200
    assert "N••••• Thị Hồng Ánh" in page.html
    assert "Nguyễn" not in page.html
    paper = browser.post(0)
    assert paper.mimetype == "application/pdf"
    assert paper.data.startswith(b"%PDF-1.7")
    code = re.search(r"ket-qua-(\w+)\.pdf", paper.headers["Content-Disposition"]).group(1)
    page = browser.open(f"/C/{code}")
    assert page.status == 200
    assert 'class="box good"' in page.html
    page = browser.open("/kiem-tra")
    page = browser.send(code=grouped(code))
    assert 'class="box good"' in page.html
    reads = (
        db.db_session()
        .scalars(
            sa.select(AuditEvent.purpose).where(
                AuditEvent.action == "read", AuditEvent.table_name == "samples"
            )
        )
        .all()
    )
    assert sorted(reads) == ["certificate", "look-up"]


def test_a_released_result_has_a_signed_slip(app: Flask, browser: Browser, world: World) -> None:
    sample = world.sample(world.person())
    waiting = world.sample(world.person(national_id="048184000124"))
    world.release(sample.tube, "negative")
    browser.open("/tra-cuu")
    page = browser.send(code=sample.result_code, factor="3456")
    (address,) = re.findall(r'<a href="([^"]+/R/[^"]+)"', page.html)
    keys = slips.public_keys(app.config["TRAM"])
    slip = core_rs.verify_slip(address, {n: base64.b64decode(key) for n, key in keys.items()})
    assert (slip.is_valid, slip.kind, slip.outcome) == (True, "single", "negative")
    assert (slip.code, slip.sampled_at) == (sample.result_code, AT)
    assert slip.is_of("Nguyễn Thị Hồng Ánh", "1984-09-02")
    page = browser.open("/R/" + address.rsplit("/", 1)[1])
    assert page.status == 200
    assert address.rsplit("/", 1)[1] in page.html
    assert keys[slips.KEY_ID] in page.html
    browser.open("/kiem-tra")
    assert "data-slip" in browser.send(code=address).html
    assert "data-slip" in browser.open("/kiem-tra/phieu").html
    # A look-up code still leads to the look-up, and what has no result has no slip.
    assert 'name="factor"' in browser.open(f"/R/{sample.result_code}").html
    browser.open("/tra-cuu")
    assert "/R/" not in browser.send(code=waiting.result_code, factor="3456").html


def test_a_suspect_pool_is_never_called_positive(browser: Browser, world: World) -> None:
    pool = world.tube(sample_count=5)
    sample = world.sample(world.person(), pool)
    world.release(pool, "positive", state="RETEST_DUE")
    browser.open(f"/r/{sample.result_code}")
    page = browser.send(factor="3456")
    assert page.status == 200
    assert 'class="box wait"' in page.html
    assert 'class="box alert"' not in page.html


def test_a_pool_answered_by_a_newer_sample_no_longer_asks_to_wait(
    browser: Browser, world: World
) -> None:
    person, pool = world.person(), world.tube(sample_count=5)
    first = world.sample(person, pool)
    world.release(pool, "positive", state="RETEST_RUNNING")
    later = world.sample(person, retest_of_id=first.id, collected_at=first.collected_at + HOUR)
    world.release(later.tube, "negative")
    browser.open(f"/r/{first.result_code}")
    page = browser.send(factor="3456")
    tones = re.findall(r'class="box (\w+)"', page.html)
    assert tones == ["good", "plain"]


def test_every_no_is_the_same_page(browser: Browser, world: World) -> None:
    sample = world.sample(world.person())
    db.db_session().commit()
    answers = set()
    for code, factor in (
        (sample.result_code, "0000"),
        ("7Q2M-8K4P-XH3", BIRTH),
        ("zzz", BIRTH),
        ("", ""),
    ):
        browser.open("/tra-cuu")
        page = browser.send(code=code, factor=factor)
        assert page.status == 404
        text = re.sub(r'name="(csrf_token|code)" value="[^"]*"', "", page.html)
        answers.add(re.sub(r"nonce-[^']*|\s+", " ", text))
    assert len(answers) == 1


def test_a_ticket_opens_only_its_own_papers(browser: Browser, world: World) -> None:
    mine, other = world.sample(world.person()), world.sample(world.person(full_name="Lê B"))
    for sample in (mine, other):
        world.release(sample.tube, "negative")
    browser.open("/tra-cuu")
    browser.send(code=mine.result_code, factor="3456")
    assert browser.post(0, sample=str(other.id)).status_code == 404
    assert browser.post(0, ticket="forged").status_code == 404


def test_a_citizen_asks_for_a_correction(browser: Browser, world: World) -> None:
    sample = world.sample(world.person())
    db.db_session().commit()
    browser.open("/tra-cuu")
    browser.send(code=sample.result_code, factor=BIRTH)
    page = browser.send(-1, message="Sai năm sinh: 1985")
    assert 'class="box good" role="status"' in page.html
    asked = db.db_session().scalars(sa.select(CorrectionRequest)).one()
    assert (asked.sample_id, asked.site_id) == (sample.id, world.site.id)


@pytest.mark.parametrize("address", ["/cong-dan", "/tra-cuu", "/khai-bao", "/kiem-tra"])
def test_public_pages_are_light_and_not_kept(app: Flask, address: str) -> None:
    client = app.test_client()
    answer = client.get(address)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    assert 'name="robots" content="noindex' in html
    assert "<script" not in html
    linked = re.findall(r'<link rel="stylesheet" href="([^"]+)"', html)
    weight = len(answer.data) + sum(len(client.get(link).data) for link in linked)
    assert weight < 100_000


def test_an_unknown_certificate_is_said_to_be_unknown(browser: Browser) -> None:
    page = browser.open("/c/7Q2M8K4PXH3")
    assert page.status == 404
    assert 'class="box alert"' in page.html
