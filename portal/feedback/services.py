"""Sending, answering and closing tickets."""

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import clock
from portal.actors import Actor
from portal.errors import Conflict, Forbidden, Invalid
from portal.feedback import rules
from portal.feedback.models import FeedbackTicket
from portal.feedback.rules import Kind, TicketStatus

SHOWN = 50


def send(
    session: Session,
    actor: Actor,
    *,
    kind: str,
    text: str,
    screen: str = "",
    request_number: str = "",
) -> FeedbackTicket:
    """Takes a ticket down.

    Raises:
        Forbidden: the actor is no staff member.
        Invalid: there is no text, it is too long, or it seems to name a person; all at once.
    """
    if actor.user_id is None:
        raise Forbidden(_("Only staff send tickets."), code="feedback.staff")
    text = text.strip()
    problems = []
    if kind not in set(Kind):
        problems.append(_("Choose what it is about."))
    if not text:
        problems.append(_("Write what happened."))
    problems += _text_problems(text)
    if problems:
        raise Invalid(problems[0], code="feedback.invalid", details=problems)
    ticket = FeedbackTicket(
        kind=kind,
        text=text,
        screen=screen,
        request_number=rules.request_number(request_number),
        staff_id=actor.staff_id,
        created_by_id=actor.user_id,
        created_at=clock.now(),
    )
    session.add(ticket)
    session.flush()
    return ticket


def _text_problems(text: str) -> list[str]:
    problems = []
    if len(text) > rules.LONGEST_TEXT:
        problems.append(_("At most %(most)s characters.", most=rules.LONGEST_TEXT))
    if rules.has_long_number(text):
        problems.append(
            _(
                "The text holds a long number, perhaps a phone or an identity card. Leave it out;"
                " no person may be named here."
            )
        )
    return problems


def answer(session: Session, actor: Actor, *, ticket: FeedbackTicket, text: str) -> None:
    """Answers a ticket; answered again, the new answer stands and the audit log keeps the old.

    Raises:
        Conflict: the ticket is closed.
        Invalid: the answer is empty, too long, or seems to name a person.
    """
    text = text.strip()
    problems = _text_problems(text) if text else [_("Write the answer.")]
    if problems:
        raise Invalid(problems[0], code="feedback.answer", details=problems)
    _move(ticket, TicketStatus.ANSWERED)
    ticket.answer, ticket.answered_at = text, clock.now()
    ticket.answered_by_id = actor.user_id
    session.flush()


def close(session: Session, actor: Actor, *, ticket: FeedbackTicket) -> None:
    """Closes a ticket: it was dealt with, or nothing is to be done.

    Raises:
        Conflict: it was closed before.
    """
    del actor
    _move(ticket, TicketStatus.CLOSED)
    ticket.closed_at = clock.now()
    session.flush()


def _move(ticket: FeedbackTicket, status: TicketStatus) -> None:
    if status not in rules.MOVES[ticket.status]:
        raise Conflict(_("The ticket is closed."), code="feedback.closed")
    ticket.status = status
    ticket.version += 1


def own_tickets(session: Session, actor: Actor) -> list[FeedbackTicket]:
    """The actor's newest tickets."""
    own = sa.select(FeedbackTicket).where(FeedbackTicket.created_by_id == actor.user_id)
    return list(session.scalars(own.order_by(FeedbackTicket.id.desc()).limit(SHOWN)))
