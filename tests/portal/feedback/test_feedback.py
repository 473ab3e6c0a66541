"""Tickets: sent from any page without personal data, answered by the focal point, read by both."""

import uuid

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import db
from portal.feedback import rules
from portal.feedback.models import FeedbackTicket
from tests.portal.web.world import World, sign_in, token


def send(browser, **values: str):
    form = {"csrf_token": token(browser, "/feedback/"), "kind": "fault", **values}
    return browser.post("/feedback/", data=form)


def test_a_ticket_goes_from_a_page_to_the_focal_point_and_back(app: Flask, world: World) -> None:
    collector = sign_in(app, "collector-a")
    page = collector.get("/samples/list/").text
    assert "/feedback/?screen=/samples/list/" in page
    number = str(uuid.uuid4())
    text = "Nút In không chạy\nsau khi quét ống"
    assert send(collector, text=text, screen="/samples/list/", request=number).status_code == 302
    with app.app_context(), db.session_factory() as session:
        ticket = session.scalars(sa.select(FeedbackTicket)).one()
        assert (ticket.screen, ticket.request_number) == ("/samples/list/", number)
        assert ticket.staff_id == world.staff["collector-a"].id

    focal = sign_in(app, "department-admin")
    listed = focal.get("/feedback-tickets/list/?status=open").text
    assert "Nút In không chạy" in listed
    assert world.sites["a"].name in listed
    edit = f"/feedback-tickets/edit/{ticket.id}"
    form = {"csrf_token": token(focal, edit), "row_version": "1", "answer": "Đã sửa, hãy tải lại."}
    assert focal.post(edit, data=form).status_code == 302
    assert "Đã sửa, hãy tải lại." in collector.get("/feedback/").text
    assert focal.post(f"/feedback-tickets/{ticket.id}/close", data=form).status_code == 302
    late = focal.post(edit, data={**form, "row_version": "3"})
    assert late.status_code == 409
    assert focal.post("/feedback-tickets/export", data={**form, "format": "csv"}).status_code == 302


def test_nobody_else_reads_a_ticket(app: Flask, world: World) -> None:
    collector, colleague = sign_in(app, "collector-a"), sign_in(app, "site-manager-a")
    send(collector, text="Chữ quá nhỏ", kind="idea")
    assert "Chữ quá nhỏ" in collector.get("/feedback/").text
    assert "Chữ quá nhỏ" not in colleague.get("/feedback/").text
    assert colleague.get("/feedback-tickets/list/").status_code == 403


def test_what_names_a_person_is_refused_and_nothing_typed_is_lost(app: Flask, world: World) -> None:
    collector = sign_in(app, "collector-a")
    answer = send(collector, text="Người này gọi 0905 123 456 không được", kind="x")
    assert answer.status_code == 422
    assert "gọi 0905 123 456 không được" in answer.text
    assert answer.text.count("<li>") >= 2
    assert send(collector, text="   ").status_code == 422
    # A screen or a number that is none of ours is not kept.
    send(collector, text="Ổn", screen="/samples/show/17?name=An", request="An 0905")
    with app.app_context(), db.session_factory() as session:
        ticket = session.scalars(sa.select(FeedbackTicket)).one()
        assert (ticket.screen, ticket.request_number) == ("", "")


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("048168000296", True),
        ("0905.123.456", True),
        ("0905 123 456", True),
        ("lỗi 500 lúc 14:30 ngày 28/11/2026", False),
        ("ống 12345678", False),
    ],
)
def test_long_numbers_are_found_however_they_are_spaced(text: str, is_found: bool) -> None:
    assert rules.has_long_number(text) is is_found
