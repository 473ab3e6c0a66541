"""How dates, numbers and states are written for people: dd/mm/yyyy, 1.286.990, 3,4 %."""

import datetime as dt
from typing import Any

from flask import Flask
from flask_babel import format_timedelta, gettext

from portal import clock


def day(value: dt.date | dt.datetime | None) -> str:
    """31/08/2021, on a Vietnamese wall clock."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        value = clock.local(value)
    return value.strftime("%d/%m/%Y")


def instant(value: dt.datetime | None) -> str:
    """31/08/2021 14:05, on a Vietnamese wall clock."""
    return clock.local(value).strftime("%d/%m/%Y %H:%M") if value else ""


def number(value: float | None) -> str:
    """1.286.990 and 0,25: points between thousands, a comma before decimals."""
    if value is None:
        return ""
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")
    return text.translate(str.maketrans(",.", ".,"))


def percent(share: float | None, digits: int = 1) -> str:
    """0.034 as 3,4 %, with a space that does not break."""
    if share is None:
        return ""
    return f"{share * 100:.{digits}f}".replace(".", ",") + "\u00a0%"


def ago(seconds: int | None) -> str:
    """52 phút trước, in the language of the page."""
    if seconds is None:
        return ""
    return format_timedelta(dt.timedelta(seconds=-seconds), threshold=1, add_direction=True)


def birth(birth_on: dt.date | None, birth_year: int | None) -> str:
    """The day of birth, or the year alone where only that is known."""
    return day(birth_on) if birth_on else str(birth_year or "")


def yes_no(value: bool | None) -> str:  # noqa: FBT001 - a formatter has one argument
    """A flag in words."""
    if value is None:
        return ""
    return gettext("Yes") if value else gettext("No")


def masked(value: str, keep: int = 3) -> str:
    """An identifier with all but its last characters hidden: •••••••••123."""
    return "•" * max(len(value) - keep, 0) + value[-keep:] if value else ""


def shown(value: Any) -> Any:
    """Any column value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return yes_no(value)
    if isinstance(value, dt.datetime):
        return instant(value)
    if isinstance(value, dt.date):
        return day(value)
    if isinstance(value, float):
        return number(value)
    return value


def init_app(app: Flask) -> None:
    """Registers the functions below as filters, and `birth`."""
    for function in (day, instant, ago, number, percent, yes_no, masked, shown):
        app.jinja_env.filters[function.__name__] = function
    app.jinja_env.globals["birth"] = birth
