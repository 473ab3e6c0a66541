"""Sending a ticket from any screen; the focal point's list with answers."""

from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session
from wtforms import TextAreaField

from portal.actors import Actor
from portal.errors import Invalid
from portal.feedback import rules, services
from portal.feedback.models import FeedbackTicket
from portal.feedback.rules import Kind, TicketStatus
from portal.web.views import (
    RecordView,
    SQLAInterface,
    StationView,
    Step,
    current_actor,
    db_session,
    expose,
    permission,
    transaction,
)

KINDS = [
    (Kind.FAULT, lazy_gettext("Something does not work"), "bad"),
    (Kind.IDEA, lazy_gettext("A wish"), "mute"),
    (Kind.QUESTION, lazy_gettext("A question"), "wait"),
]
STATUSES = [
    (TicketStatus.OPEN, lazy_gettext("Waits for an answer"), "warn"),
    (TicketStatus.ANSWERED, lazy_gettext("Answered"), "ok"),
    (TicketStatus.CLOSED, lazy_gettext("Dealt with"), "mute"),
]


class FeedbackView(StationView):
    """«Báo lỗi / góp ý»: the form, and what became of one's own tickets."""

    class_permission_name = "Feedback"
    route_base = "/feedback"
    default_view = "send"

    @expose("/", methods=["GET", "POST"])
    @permission("can_send")
    def send(self) -> Any:
        """The form with the screen one comes from; posted, a ticket."""
        problem = None
        given = request.form if request.method == "POST" else request.args
        screen = rules.screen_name(given.get("screen", ""), _screens())
        number = rules.request_number(given.get("request", ""))
        if request.method == "POST":
            try:
                with transaction(current_actor()) as session:
                    services.send(
                        session,
                        current_actor(),
                        kind=request.form.get("kind", ""),
                        text=request.form.get("text", ""),
                        screen=screen,
                        request_number=number,
                    )
            except Invalid as error:
                problem = error
            else:
                flash(gettext("Thank you. The answer will stand on this page."), "success")
                return redirect(url_for("FeedbackView.send"))
        page = self.render_template(
            "feedback/send.html",
            kinds=KINDS,
            statuses={status: (label, tone) for status, label, tone in STATUSES},
            tickets=services.own_tickets(db_session(), current_actor()),
            screen=screen,
            number=number,
            given=given,
            problem=problem,
            longest=rules.LONGEST_TEXT,
        )
        return page, problem.status if problem else 200


class TicketView(RecordView):
    """Every ticket, for the focal point (R72): answer, close, export."""

    datamodel = SQLAInterface(FeedbackTicket)
    class_permission_name = "FeedbackTickets"
    route_base = "/feedback-tickets"
    list_title = lazy_gettext("Faults and wishes")
    show_title = lazy_gettext("Fault or wish")
    edit_title = lazy_gettext("Answer")
    # Free text and who wrote it: opening it leaves an event.
    is_personal = True
    base_order = ("id", "desc")
    list_columns = [
        "created_at",
        "kind",
        "text",
        "screen",
        "staff.full_name",
        "staff.site.name",
        "status",
    ]
    show_columns = [
        "created_at",
        "kind",
        "status",
        "staff.full_name",
        "staff.site.name",
        "screen",
        "request_number",
        "text",
        "answer",
        "answered_at",
        "closed_at",
    ]
    search_columns = ["text", "kind", "status", "screen", "request_number", "created_at"]
    order_columns = ["id"]
    sort_columns = {"created_at": "id"}
    edit_columns = ["answer"]
    edit_form_extra_fields = {
        "answer": TextAreaField(
            lazy_gettext("Answer"),
            description=lazy_gettext("Whoever sent the ticket reads it. Name no person."),
        )
    }
    link_columns = ("status", "kind")
    choices_columns = {"kind": KINDS, "status": STATUSES}
    label_columns = {
        "created_at": lazy_gettext("Sent at"),
        "kind": lazy_gettext("Kind"),
        "text": lazy_gettext("What happened"),
        "screen": lazy_gettext("Screen"),
        "request_number": lazy_gettext("Request number"),
        "staff.full_name": lazy_gettext("Who"),
        "staff.site.name": lazy_gettext("Site"),
        "status": lazy_gettext("Status"),
        "answer": lazy_gettext("Answer"),
        "answered_at": lazy_gettext("Answered at"),
        "closed_at": lazy_gettext("Closed"),
    }
    empty_text = lazy_gettext("Nobody has reported anything. Every page has a link for it.")

    def correct_record(
        self, session: Session, actor: Actor, item: FeedbackTicket, values: dict[str, Any]
    ) -> None:
        """The answer."""
        services.answer(session, actor, ticket=item, text=values["answer"] or "")

    def show_steps(self, item: FeedbackTicket) -> list[Step]:
        """Closing."""
        if item.status == TicketStatus.CLOSED:
            return []
        url = f"{self.route_base}/{item.id}/close"
        return [Step(lazy_gettext("Dealt with"), url, "can_edit", is_post=True)]

    @expose("/<int:pk>/close", methods=["POST"])
    @permission("can_edit")
    def close(self, pk: int) -> Any:
        """Closes a ticket."""
        item = self.get_row(pk)
        with transaction(current_actor()) as session:
            services.close(session, current_actor(), ticket=item)
        flash(gettext("Saved."), "success")
        return redirect(self.row_url(item))


def _screens() -> frozenset[str]:
    return frozenset(rule.rule for rule in current_app.url_map.iter_rules())
