"""The pages of the look-up by code, the same whichever door shows them."""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from flask import current_app, render_template
from markupsafe import escape
from sqlalchemy.orm import Session

from portal import clock
from portal.certificates import rules, slips
from portal.certificates.opening import Opened
from portal.certificates.spread import waits_until
from portal.certificates.texts import Explanation, explain, explain_wait
from portal.declarations import forms, queries, tickets
from portal.declarations.rules import grouped, read_code
from portal.declarations.tickets import Ticket
from portal.web.formats import instant
from reports.qr import screen_symbol_address


@dataclass(frozen=True, slots=True)
class Told:
    """One sample as the page tells it: what many share, then what is this sample's own.

    Attributes:
        words: title, meaning and advice.
        kind: the kind of paper it may have, empty for none.
        sample_id: its key, in the form that asks for the paper.
        name: of the person, masked.
        sampled: when, on a Vietnamese wall clock.
        site: where.
        released: when; empty without a result.
        code: in groups.
        slip: address of the signed slip; empty for none.
        symbol: the slip's picture.
    """

    words: Explanation
    kind: str
    sample_id: str
    name: str
    sampled: str
    site: str
    released: str
    code: str
    slip: str
    symbol: str


# Fields of a sample's own.
OWN = tuple(field.name for field in fields(Told)[2:])


def shown_code(code: str) -> str:
    """A code as the form shows it again."""
    return grouped(read_code(code)) or code[:40]


def form_page(code: str = "", *, is_no: bool = False, **more: Any) -> str:
    """The two questions; `more` replaces what a template finds otherwise (its token)."""
    return render_template("certificates/look_up.html", code=shown_code(code), is_no=is_no, **more)


def ticket_of(opened: Opened) -> str:
    """The signed ticket with which its holder goes on."""
    declaration = opened.declaration
    return tickets.sign(
        Ticket(
            sample_id=None if declaration else opened.results[0].sample_id,
            declaration_id=declaration.id if declaration else None,
        )
    )


def opened_page(
    session: Session,
    opened: Opened,
    *,
    told: list[Told] | None = None,
    is_noted: bool = False,
    problem: str = "",
    ticket: str = "",
    **more: Any,
) -> str:
    """What a code has opened; `ticket` stands in its forms (a new one if empty).

    `told` stands in place of what `told_of` says of the results.
    """
    declaration = opened.declaration
    answers: list[tuple[str, str, int]] = []
    if declaration is not None:
        config = current_app.config["TRAM"]
        communes = queries.communes_of(session, config.province_name, clock.today())
        said = forms.start(queries.current_answers(session, declaration)).answers
        answers = forms.summary(said, communes)
    return render_template(
        "certificates/opened.html",
        declaration=declaration,
        answers=answers,
        results=told_of(opened) if told is None else told,
        ticket=ticket or ticket_of(opened),
        is_noted=is_noted,
        problem=problem,
        **more,
    )


def waiting(opened: Opened) -> dict[int, dt.datetime]:
    """The results that were released but open later (`spread`), by sample."""
    minutes = current_app.config["TRAM"].release_spread_minutes
    now = clock.now()
    found = {f.sample_id: waits_until(f, minutes=minutes, now=now) for f in opened.results}
    return {key: until for key, until in found.items() if until is not None}


def told_of(
    opened: Opened, slip_of: Callable[[rules.SampleFacts], str] | None = None
) -> list[Told]:
    """Each sample as the page tells it; the newest first.

    `slip_of` is a `slips.maker`, for whoever tells many at once.
    """
    told = []
    slip_of = slip_of or slips.maker(current_app.config["TRAM"])
    later = waiting(opened)
    for number, facts in enumerate(opened.results):
        words, kind, slip = None, "", ""
        if facts.sample_id in later:
            words = explain_wait(later[facts.sample_id])
        else:
            is_overtaken = rules.is_overtaken(facts, opened.results[:number])
            words = explain(facts, is_overtaken=is_overtaken)
            kind = "" if is_overtaken else rules.kind_of(facts)
            slip = slip_of(facts)
        own = (
            str(facts.sample_id),
            rules.masked_name(facts.full_name),
            instant(facts.collected_at),
            facts.site,
            instant(facts.released_at),
            grouped(facts.result_code),
            slip,
            screen_symbol_address(slip) if slip else "",
        )
        told.append(Told(words, kind, *own))
    return told


def shape_of(told: Told) -> tuple[object, ...]:
    """What two pages must have in common to differ in nothing but places that can be filled in."""
    return told.words, told.kind, bool(told.released), bool(told.slip)


class Shape:
    """A page made once; what each answer has of its own is filled into its places."""

    def __init__(self, page: str, places: Mapping[str, str]) -> None:
        """Takes a page with places, and the name of what stands in each place."""
        pattern = "|".join(map(re.escape, places))
        self._between = [part.encode() for part in re.split(pattern, page)]
        self._names = [places[place] for place in re.findall(pattern, page)]

    def fill(self, values: Mapping[str, bytes]) -> bytes:
        """The page in UTF-8; the values are escaped already (`own_values`)."""
        whole = [self._between[0]]
        for name, part in zip(self._names, self._between[1:], strict=True):
            whole += (values[name], part)
        return b"".join(whole)


def with_places(told: Told, places: Mapping[str, str]) -> Told:
    """The same with a place, by name of the field, in each own field that is not empty."""
    own = (places[name] if getattr(told, name) else "" for name in OWN)
    return Told(told.words, told.kind, *own)


def own_values(told: Told) -> dict[str, bytes]:
    """The own fields as the template would write them."""
    return {name: str(escape(getattr(told, name))).encode() for name in OWN}
