"""Tube labels: ranges of codes handed to a site, ours or on pre-printed rolls.

Our codes are three letters, the day as yymmdd, six digits and an ISO/IEC 7064 MOD 11,10 check
digit (glossary, "Codes"); a foreign roll is any prefix with running numbers.
"""

import datetime as dt
import re
from collections.abc import Iterator

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core_rs import tube_check_digit
from portal import clock
from portal.actors import Actor
from portal.errors import Conflict, Invalid
from portal.samples.models import TubeLabelRange

OWN_WIDTH = 6
MOST_LABELS = 20_000
_LETTERS = re.compile(r"^[A-Z]{3}$")
_NUMBERED = re.compile(r"^(.*?)(\d{1,9})$")
_FOREIGN_PREFIX = re.compile(r"^[A-Z0-9-]{0,16}$")


def issue(
    session: Session, actor: Actor, *, site_id: int, letters: str, count: int, on: dt.date
) -> TubeLabelRange:
    """Hands the next `count` of our own codes of a day to a site."""
    actor.scope.require_site(site_id)
    problems = []
    if not _LETTERS.match(letters):
        problems.append(_("The code begins with three letters A to Z."))
    if not 1 <= count <= MOST_LABELS:
        problems.append(_("From 1 to %(most)s labels at a time.", most=MOST_LABELS))
    if problems:
        raise Invalid(problems[0], code="labels.invalid", details=problems)
    prefix = f"{letters}{on:%y%m%d}"
    last = session.scalar(
        sa.select(sa.func.max(TubeLabelRange.last_number)).where(TubeLabelRange.prefix == prefix)
    )
    first = (last or 0) + 1
    if first + count > 10**OWN_WIDTH:
        raise Conflict(_("The codes of this day are used up."), code="labels.used_up")
    return _add(session, actor, site_id, "own", prefix, (first, first + count - 1), OWN_WIDTH, on)


def register_roll(
    session: Session, actor: Actor, *, site_id: int, first_code: str, last_code: str
) -> TubeLabelRange:
    """Registers a pre-printed roll by its first and last code, as they are read off it."""
    actor.scope.require_site(site_id)
    first, last = (
        re.match(r"^(.*?)(\d{1,9})$", c.strip().upper()) for c in (first_code, last_code)
    )
    if first is None or last is None or first[1] != last[1] or len(first[2]) != len(last[2]):
        raise Invalid(
            _("Both codes must have the same letters and as many digits at the end."),
            code="labels.roll",
        )
    if not _FOREIGN_PREFIX.match(first[1]) or int(first[2]) > int(last[2]):
        raise Invalid(_("The first code must not come after the last."), code="labels.roll")
    numbers = (int(first[2]), int(last[2]))
    clash = session.scalar(
        sa.select(TubeLabelRange.id).where(
            TubeLabelRange.prefix == first[1],
            TubeLabelRange.number_width == len(first[2]),
            TubeLabelRange.first_number <= numbers[1],
            TubeLabelRange.last_number >= numbers[0],
        )
    )
    if clash is not None:
        raise Conflict(_("Some of these codes are registered already."), code="labels.clash")
    return _add(session, actor, site_id, "foreign", first[1], numbers, len(first[2]), clock.today())


def _add(
    session: Session,
    actor: Actor,
    site_id: int,
    kind: str,
    prefix: str,
    numbers: tuple[int, int],
    width: int,
    on: dt.date,
) -> TubeLabelRange:
    made = TubeLabelRange(
        site_id=site_id,
        kind=kind,
        prefix=prefix,
        first_number=numbers[0],
        last_number=numbers[1],
        number_width=width,
        issued_on=on,
        issued_by_id=actor.user_id,
        created_at=clock.now(),
    )
    session.add(made)
    session.flush()
    return made


def codes(of: TubeLabelRange) -> Iterator[str]:
    """Every code of a range, in order."""
    for number in range(of.first_number, of.last_number + 1):
        body = f"{of.prefix}{number:0{of.number_width}d}"
        yield body + tube_check_digit(body) if of.kind == "own" else body
