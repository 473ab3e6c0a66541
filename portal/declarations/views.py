"""The public declaration form; staff screens stand in `staff_views`."""

import uuid
from typing import Any

from flask import current_app, render_template, request
from flask_babel import gettext

from portal import clock, db
from portal.actors import PUBLIC
from portal.declarations import forms, lookups, queries, services, tickets
from portal.declarations.rules import grouped
from portal.errors import TooMany
from portal.web.views import PublicView, expose
from reports.qr import qr_address

# A network is many families: a village's shared connection may declare this often in an hour.
MOST_FORMS_OF_NETWORK = 600


def caller() -> lookups.Caller:
    """Who asks, as keyed hashes."""
    return lookups.caller(current_app.config["SECRET_KEY"], request.remote_addr or "")


class DeclareView(PublicView):
    """The declaration form: anyone declares, before any account exists (R30)."""

    route_base = ""

    @expose("/khai-bao")
    def declare(self) -> str:
        """The first question."""
        return _page(forms.start(), uid=str(uuid.uuid4()), ticket="")

    @expose("/khai-bao", methods=["POST"])
    def answer(self) -> Any:
        """One answer: the next question, the same again with what is wrong, or the end."""
        uid, ticket = request.form.get("uid", ""), request.form.get("ticket", "")
        if request.form.get("go") == "update":
            return _reopen(ticket)
        wizard = forms.advance(request.form, clock.today())
        if not wizard.wants_submit:
            return _page(wizard, uid=uid, ticket=ticket)
        if ticket:
            return _update(wizard, ticket)
        return _submit(wizard, uid)


def _reopen(ticket: str) -> str:
    """The form of a declaration that its holder has opened, with what was said last."""
    opened = tickets.read(ticket)
    with db.transaction(PUBLIC) as session:
        declaration = queries.get(session, opened.declaration_id or 0)
        answers = queries.current_answers(session, declaration)
    return _page(forms.start(answers), uid="", ticket=ticket)


def _submit(wizard: forms.Wizard, uid: str) -> str:
    try:
        form_id = uuid.UUID(uid)
    except ValueError:
        form_id = uuid.uuid4()
    who = caller()
    with db.transaction(PUBLIC) as session:
        _count_form(session, who)
        declaration = services.submit(session, PUBLIC, raw=wizard.answers, uid=form_id)
    return _done(declaration, is_update=False)


def _update(wizard: forms.Wizard, ticket: str) -> str:
    opened = tickets.read(ticket)
    with db.transaction(PUBLIC) as session:
        declaration = services.update(
            session, PUBLIC, declaration_id=opened.declaration_id or 0, raw=wizard.answers
        )
    return _done(declaration, is_update=True)


def _count_form(session: Any, who: lookups.Caller) -> None:
    if lookups.door_count(session, who, door="declare") >= MOST_FORMS_OF_NETWORK:
        raise TooMany(
            gettext("Very many declarations came from this network. Please try again later."),
            retry_after_seconds=900,
        )
    attempt = lookups.write_down(session, who, door="declare", code="")
    lookups.mark_opened(session, [attempt])


def _done(declaration: Any, *, is_update: bool) -> str:
    config = current_app.config["TRAM"]
    link = f"{config.public_url}/k/{declaration.lookup_code}"
    return render_template(
        "declarations/done.html",
        declaration=declaration,
        code=grouped(declaration.lookup_code),
        link=link,
        qr=qr_address(link.upper()),  # capitals make a smaller symbol; our routes know both
        is_update=is_update,
    )


def _page(wizard: forms.Wizard, *, uid: str, ticket: str) -> str:
    config = current_app.config["TRAM"]
    communes = []
    if wizard.step.name in {"address", "review"}:
        session = db.db_session()
        communes = queries.communes_of(session, config.province_name, clock.today())
    return render_template(
        "declarations/form.html",
        wizard=wizard,
        answers=wizard.answers,
        communes=communes,
        symptoms=forms.symptom_words(),
        summary=forms.summary(wizard.answers, communes),
        uid=uid,
        ticket=ticket,
    )
