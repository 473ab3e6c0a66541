"""Tickets: what was signed comes back, and nothing else is taken."""

import pytest
import time_machine
from flask import Flask
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from portal import clock
from portal.declarations import tickets
from portal.declarations.tickets import Ticket
from portal.errors import NotFound


@pytest.mark.parametrize("ticket", [Ticket(sample_id=12), Ticket(declaration_id=7)])
def test_a_ticket_says_what_it_was_signed_for(app: Flask, ticket: Ticket) -> None:
    with app.app_context():
        assert tickets.read(tickets.sign(ticket)) == ticket


def test_what_was_not_signed_here_now_is_refused(app: Flask) -> None:
    key = app.config["SECRET_KEY"]
    with app.app_context():
        good = tickets.sign(Ticket(sample_id=12))
        forged = [
            "",
            "12-",
            good.replace("12-", "13-", 1),
            good[:-1],
            TimestampSigner("another key, as long as it may be", salt="look-up ticket").sign("12-"),
            # As tickets were before: signed with this key, still open in somebody's browser.
            URLSafeTimedSerializer(key, salt="look-up ticket").dumps([12, None]),
        ]
        for text in forged:
            with pytest.raises(NotFound):
                tickets.read(text)


def test_a_ticket_ends_after_half_an_hour(app: Flask) -> None:
    with app.app_context():
        good = tickets.sign(Ticket(sample_id=12))
        with (
            time_machine.travel(clock.now().timestamp() + tickets.LIFETIME_SECONDS + 5),
            pytest.raises(NotFound),
        ):
            tickets.read(good)
