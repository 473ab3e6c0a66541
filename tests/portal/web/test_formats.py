"""How figures are written for people."""

import pytest
from flask import Flask
from flask_babel import force_locale

from portal.web import formats


@pytest.mark.parametrize(
    ("seconds", "vietnamese", "english"),
    [
        (None, "", ""),
        (4, "4 giây trước", "4 seconds ago"),
        (3168, "53 phút trước", "53 minutes ago"),
        (400_000, "5 ngày trước", "5 days ago"),
    ],
)
def test_how_long_ago(app: Flask, seconds: int | None, vietnamese: str, english: str) -> None:
    with app.test_request_context():
        with force_locale("vi"):
            assert formats.ago(seconds) == vietnamese
        with force_locale("en"):
            assert formats.ago(seconds) == english


def test_points_stand_between_thousands_and_a_comma_before_decimals() -> None:
    assert [formats.number(one) for one in (1_286_990, 0.25, 7, None)] == [
        "1.286.990", "0,25", "7", "",
    ]  # fmt: skip
    assert formats.percent(0.034) == "3,4\u00a0%"
    assert formats.masked("048090000123") == "•••••••••123"
