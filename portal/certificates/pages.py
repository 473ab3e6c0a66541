"""The pages of the look-up by code, the same whichever door shows them."""

import datetime as dt
from typing import Any

from flask import current_app, render_template
from sqlalchemy.orm import Session

from portal import clock
from portal.certificates import rules, slips
from portal.certificates.opening import Opened
from portal.certificates.rules import SampleFacts
from portal.certificates.spread import waits_until
from portal.certificates.texts import Explanation, explain, explain_wait
from portal.declarations import forms, queries, tickets
from portal.declarations.rules import grouped, read_code
from portal.declarations.tickets import Ticket
from reports.qr import symbol_address


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
    is_noted: bool = False,
    problem: str = "",
    ticket: str = "",
    **more: Any,
) -> str:
    """What a code has opened; `ticket` stands in its forms (a new one if empty)."""
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
        results=_told(opened),
        masked_name=rules.masked_name,
        grouped=grouped,
        slips=_slips(opened),
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


def _slips(opened: Opened) -> dict[int, tuple[str, str]]:
    """Address and picture of each sample's slip; none for what has no result to tell."""
    config = current_app.config["TRAM"]
    later = waiting(opened)
    made = {
        facts.sample_id: slips.address_of(facts, config)
        for facts in opened.results
        if facts.sample_id not in later
    }
    return {key: (address, symbol_address(address)) for key, address in made.items() if address}


def _told(opened: Opened) -> list[tuple[SampleFacts, Explanation, str]]:
    """Each sample with its words and the kind of paper it may have; the newest first."""
    told = []
    later = waiting(opened)
    for number, facts in enumerate(opened.results):
        if facts.sample_id in later:
            told.append((facts, explain_wait(later[facts.sample_id]), ""))
            continue
        is_overtaken = rules.is_overtaken(facts, opened.results[:number])
        kind = "" if is_overtaken else rules.kind_of(facts)
        told.append((facts, explain(facts, is_overtaken=is_overtaken), kind))
    return told
