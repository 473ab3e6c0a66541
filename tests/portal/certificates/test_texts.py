"""Texts of papers: checked whole, kept by version, activated by a second person; all kinds."""

import datetime as dt
import io

import pikepdf
import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from sqlalchemy.orm import Session

from portal import db
from portal.accounts import login
from portal.actors import Actor, system
from portal.audit.models import AuditEvent
from portal.certificates import preview, queries, sealing, services, templates, wording
from portal.certificates.models import Certificate, CertificateDraft, CertificateTemplate
from portal.certificates.rules import Office
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from tests.portal.certificates.world import AT, World
from tests.portal.web import world as staff_worlds

OFFICE = Office("Thành phố Đà Nẵng", "https://xn.example.vn")
SYSTEM = system("test")
TODAY = dt.date(2026, 8, 6)


@pytest.fixture
def clock_at() -> object:
    with time_machine.travel(dt.datetime(2026, 8, 6, 3, tzinfo=dt.UTC), tick=False) as moved:
        yield moved


@pytest.fixture
def world(session: Session) -> World:
    return World(session)


def _staff(world: World, name: str) -> Actor:
    user = world._add(
        type(world.verifier)(
            first_name=name, last_name=name, username=name, email=f"{name}@example.vn",
            password="x", active=True,
        )
    )  # fmt: skip
    world.session.commit()
    return Actor(kind="staff", name=name, user_id=user.id)


@pytest.mark.parametrize("kind", sorted(wording.WORDINGS))
def test_every_kind_is_worded_in_both_languages_and_breaks_no_rule_of_its_own(kind: str) -> None:
    for language in wording.LANGUAGES:
        assert templates.problems_of(kind, language, wording.built_in(kind, language)) == []
    texts = wording.joined(wording.built_in(kind, "vi"), wording.built_in(kind, "en"))
    pdf = preview.pdf_of(kind, texts, OFFICE)
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert len(document.pages) == 1
        assert document.Root.MarkInfo.Marked


def test_all_problems_of_texts_are_named_at_once(
    session: Session, world: World, clock_at: object
) -> None:
    texts = {
        "title": "PHIẾU $benh",
        "outcome": "",
        "notes": ["x" * 400, "giá 5$ một mẫu"],
        "signer_title": "A",
    }
    with pytest.raises(Invalid) as refused:
        templates.propose(
            session, _staff(world, "an"), kind="negative", language="vi", texts=texts,
            valid_from=TODAY - dt.timedelta(days=1),
        )  # fmt: skip
    said = " ".join(refused.value.details)
    for part in ("$benh", "$disease", "empty", "letters", "begins no placeholder", "from today"):
        assert part in said
    assert len(refused.value.details) == 6
    assert session.scalar(sa.select(sa.func.count()).select_from(CertificateDraft)) == 0
    with pytest.raises(NotFound):
        templates.propose(
            session, SYSTEM, kind="negative", language="fr", texts={}, valid_from=TODAY
        )


def test_a_draft_counts_only_after_a_second_look_and_from_its_day(
    session: Session, world: World, clock_at: time_machine.Traveller
) -> None:
    sample = world.sample(world.person())
    world.release(sample.tube, "negative")
    old = services.issue(session, SYSTEM, sample_id=sample.id, office=OFFICE)
    before = dict(old.snapshot)
    an, ba = _staff(world, "an"), _staff(world, "ba")
    texts = {**wording.built_in("negative", "vi"), "title": "PHIẾU TRẢ KẾT QUẢ $disease"}
    draft = templates.propose(
        session, an, kind="negative", language="vi", texts=texts, valid_from=TODAY + dt.timedelta(1)
    )
    with pytest.raises(Forbidden):
        templates.activate(session, an, draft_id=draft.id)
    made = templates.activate(session, ba, draft_id=draft.id)
    assert (made.version, draft.status, draft.template_id) == (1, "activated", made.id)
    with pytest.raises(Conflict):
        templates.activate(session, ba, draft_id=draft.id)
    session.commit()
    # Not before its day; then a new issue, and the old one keeps its words and stands no more.
    assert services.issue(session, SYSTEM, sample_id=sample.id, office=OFFICE).id == old.id
    clock_at.shift(dt.timedelta(days=1))
    new = services.issue(session, SYSTEM, sample_id=sample.id, office=OFFICE)
    assert new.snapshot["title"] == "PHIẾU TRẢ KẾT QUẢ SARS-CoV-2"
    assert old.snapshot == before
    assert (old.status, old.ending_reason, new.number) == ("replaced", "reworded", 2)
    verified = services.verify(session, code=old.code, office=OFFICE)
    assert (verified.verdict, verified.reason, verified.replaced_by_number) == (
        "replaced", "reworded", 2,
    )  # fmt: skip


def test_a_later_version_never_overwrites_an_earlier_one(
    session: Session, world: World, clock_at: object
) -> None:
    an, ba = _staff(world, "an"), _staff(world, "ba")
    for outcome in ("Không phát hiện", "Âm tính (không phát hiện)"):
        texts = {**wording.built_in("negative", "vi"), "outcome": outcome}
        draft = templates.propose(
            session, an, kind="negative", language="vi", texts=texts, valid_from=TODAY
        )
        templates.activate(session, ba, draft_id=draft.id)
    rows = templates.versions_of(session, "negative", "vi")
    assert [(row.version, row.texts["outcome"]) for row in rows] == [
        (2, "Âm tính (không phát hiện)"), (1, "Không phát hiện"),
    ]  # fmt: skip
    joined = queries.texts_of(session, "negative", TODAY)
    assert joined.values["outcome"] == "Âm tính (không phát hiện)"
    assert joined.values["outcome_en"] == "Negative"
    assert joined.template_id == rows[0].id


def test_why_a_paper_was_replaced_is_told_apart(session: Session, world: World) -> None:
    person = world.person()
    sample = world.sample(person)
    world.release(sample.tube, "negative")
    first = services.issue(session, SYSTEM, sample_id=sample.id, office=OFFICE)
    person.full_name = "Nguyễn Thị Hồng Anh"
    session.commit()
    waiting = services.verify(session, code=first.code, office=OFFICE)
    assert (waiting.verdict, waiting.reason, waiting.replaced_by_number) == (
        "replaced", "person", None,
    )  # fmt: skip
    second = services.issue(session, SYSTEM, sample_id=sample.id, office=OFFICE)
    assert first.ending_reason == "person"
    world.release(sample.tube, "positive", version=2)
    session.expire_all()
    third = services.issue(session, SYSTEM, sample_id=sample.id, office=OFFICE)
    assert (second.ending_reason, third.number) == ("result", 3)


def test_the_editor_shows_the_real_page_and_every_problem(app: Flask) -> None:
    login.forget_logins()
    staff = staff_worlds.make(app)
    with app.app_context():
        session = db.session_factory()
        staff.session = session
        staff.add_staff("admin-2", staff_worlds.Role.DEPARTMENT_ADMIN)
        session.commit()
        session.close()
    admin = staff_worlds.sign_in(app, "department-admin")
    page = admin.get("/certificate-texts/positive/vi").get_data(as_text=True)
    assert "data:image/png;base64," in page
    token = staff_worlds.token_of(page)
    fields = templates.as_form(wording.built_in("positive", "vi"))
    bad = admin.post(
        "/certificate-texts/positive/vi",
        data={**fields, "title": "PHIẾU $nobody", "outcome": "", "csrf_token": token},
    )
    assert bad.status_code == 422
    said = bad.get_data(as_text=True)
    assert "$nobody" in said
    assert "$disease" in said
    assert "PHIẾU $nobody" in said  # nothing typed is lost
    good = {**fields, "outcome": "DƯƠNG TÍNH rõ", "csrf_token": token, "valid_from": "2999-01-01"}
    shown = admin.post("/certificate-texts/positive/vi", data={**good, "step": "preview"})
    assert shown.status_code == 200
    assert "data:image/png;base64," in shown.get_data(as_text=True)
    kept = admin.post("/certificate-texts/positive/vi", data={**good, "step": "propose"})
    assert kept.status_code == 302
    path = kept.headers["Location"]
    admin.post(f"{path}/activate", data={"csrf_token": token})
    session = db.db_session()
    assert session.scalars(sa.select(CertificateDraft.status)).one() == "waiting"
    other = staff_worlds.sign_in(app, "admin-2")
    look = other.get(path).get_data(as_text=True)
    assert look.count("data:image/png;base64,") == 2
    other.post(f"{path}/activate", data={"csrf_token": staff_worlds.token_of(look)})
    session.expire_all()
    assert session.scalars(sa.select(CertificateTemplate.version)).one() == 1
    events = session.scalars(
        sa.select(AuditEvent.action).where(AuditEvent.table_name == "certificate_drafts")
    ).all()
    assert sorted(events) == ["change", "create"]
    assert admin.get("/certificate-texts/").status_code == 200
    assert admin.get("/certificate-texts/versions/positive/vi").status_code == 200


def test_an_old_paper_stays_byte_identical_after_new_texts(
    app: Flask, clock_at: time_machine.Traveller
) -> None:
    world = World(db.db_session())
    sample = world.sample(world.person())
    world.release(sample.tube, "negative")
    session = db.db_session()
    config = app.config["TRAM"]
    with app.app_context():
        office = sealing.office_of(config)
        old = services.issue(session, SYSTEM, sample_id=sample.id, office=office)
        session.commit()
        before = sealing.paper_of(old, config)
        session.add(
            CertificateTemplate(
                kind="negative", language="en", version=1, valid_from=AT.date(), created_at=AT,
                texts={**wording.built_in("negative", "en"), "outcome": "Not detected"},
            )
        )  # fmt: skip
        session.commit()
        new = services.issue(session, SYSTEM, sample_id=sample.id, office=office)
        session.commit()
        assert new.snapshot["outcome_en"] == "Not detected"
        assert new.snapshot["english_template_id"] is not None
        assert sealing.paper_of(session.get(Certificate, old.id), config) == before
