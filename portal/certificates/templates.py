"""New wordings of papers: written as drafts, checked whole, looked at by a second person.

An activated draft becomes a new version of its kind and language, valid from its day on. Nothing
is overwritten: papers issued before keep their words, byte for byte, in their snapshots.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import clock
from portal.actors import Actor
from portal.certificates.models import CertificateDraft, CertificateTemplate
from portal.certificates.wording import (
    LANGUAGES,
    LISTED,
    MOST_LETTERS,
    MOST_LETTERS_OF_LINE,
    MOST_LINES,
    WORDINGS,
    Texts,
    names_in,
)
from portal.errors import Conflict, Forbidden, Invalid, NotFound


def require_kind(kind: str, language: str) -> None:
    """Raises `NotFound` for a kind or language that is none."""
    if kind not in WORDINGS or language not in LANGUAGES:
        raise NotFound("Not found.")


def read_texts(kind: str, language: str, form: Mapping[str, str]) -> Texts:
    """The texts of a form: fields of many lines as lists, spaces tidied."""
    texts: Texts = {}
    for name in WORDINGS[kind].fields(language):
        given = form.get(name, "")
        if name in LISTED:
            lines = (" ".join(line.split()) for line in given.splitlines())
            texts[name] = [line for line in lines if line]
        else:
            texts[name] = " ".join(given.split())
    return texts


def problems_of(kind: str, language: str, texts: Texts) -> list[str]:
    """Everything that is wrong with texts; empty if nothing is."""
    return list(_problems(kind, language, texts))


def _problems(kind: str, language: str, texts: Texts) -> Iterator[str]:
    wording = WORDINGS[kind]
    for name in wording.fields(language):
        label = str(field_label(name))
        lines = texts.get(name, [])
        lines = lines if name in LISTED else [lines]
        if not any(lines):
            if name not in wording.optional:
                yield _("“%(field)s” is empty.", field=label)
            continue
        yield from _problems_of_size(name, label, lines)
        yield from _problems_of_placeholders(kind, name, label, lines)


def _problems_of_size(name: str, label: str, lines: list[str]) -> Iterator[str]:
    most = MOST_LETTERS.get(name, MOST_LETTERS_OF_LINE)
    if len(lines) > MOST_LINES:
        yield _("“%(field)s” has at most %(most)s lines.", field=label, most=MOST_LINES)
    if any(len(line) > most for line in lines):
        yield _("A line of “%(field)s” has at most %(most)s letters.", field=label, most=most)


def _problems_of_placeholders(kind: str, name: str, label: str, lines: list[str]) -> Iterator[str]:
    wording = WORDINGS[kind]
    found, is_broken = names_in("\n".join(lines))
    for unknown in sorted(found - wording.allowed):
        yield _(
            "“%(field)s” names the placeholder $%(name)s, which this paper does not have.",
            field=label, name=unknown,
        )  # fmt: skip
    for missing in sorted(wording.needed.get(name, frozenset()) - found):
        yield _("“%(field)s” lacks the placeholder $%(name)s.", field=label, name=missing)
    if is_broken:
        yield _("“%(field)s” holds a $ that begins no placeholder.", field=label)


def field_label(name: str) -> str:
    """The name of a field on the screen."""
    return {
        "title": _("Title"),
        "outcome": _("Outcome"),
        "notes": _("Notes"),
        "signer_title": _("Title of the signer"),
        "subject": _("Subject"),
        "recipients": _("Recipients"),
    }[name]


def propose(
    session: Session,
    actor: Actor,
    *,
    kind: str,
    language: str,
    texts: Texts,
    valid_from: dt.date | None,
) -> CertificateDraft:
    """Keeps new texts for a second person to look at.

    Raises:
        NotFound: no such kind or language.
        Invalid: naming every empty or overlong field, unknown or missing placeholder, a day that
            is missing or past.
    """
    require_kind(kind, language)
    problems = problems_of(kind, language, texts)
    if valid_from is None:
        problems.append(_("Give the day from which the texts count."))
    elif valid_from < clock.today():
        problems.append(_("The texts can count from today on, not earlier."))
    if problems or valid_from is None:
        raise Invalid(_("The texts are not in order."), details=problems)
    draft = CertificateDraft(
        kind=kind,
        language=language,
        texts=texts,
        valid_from=valid_from,
        status="waiting",
        created_at=clock.now(),
        created_by_id=actor.user_id,
    )
    session.add(draft)
    session.flush()
    return draft


def get_draft(session: Session, draft_id: int) -> CertificateDraft:
    """A draft.

    Raises:
        NotFound: there is none.
    """
    draft = session.get(CertificateDraft, draft_id)
    if draft is None:
        raise NotFound("Not found.")
    return draft


def activate(session: Session, actor: Actor, *, draft_id: int) -> CertificateTemplate:
    """Makes a draft the next version of its kind and language.

    Raises:
        Forbidden: by whoever wrote it.
        Conflict: it was decided already.
        Invalid: its day has passed meanwhile.
    """
    draft = _waiting(session, draft_id)
    if draft.created_by_id == actor.user_id:
        raise Forbidden(_("Another person must look at the texts you wrote."))
    if draft.valid_from < clock.today():
        problem = _("The texts can count from today on, not earlier.")
        raise Invalid(problem, details=[problem])
    newest = session.scalar(
        sa.select(sa.func.max(CertificateTemplate.version)).where(
            CertificateTemplate.kind == draft.kind,
            CertificateTemplate.language == draft.language,
        )
    )
    made = CertificateTemplate(
        kind=draft.kind,
        language=draft.language,
        version=(newest or 0) + 1,
        texts=draft.texts,
        valid_from=draft.valid_from,
        created_at=clock.now(),
        created_by_id=draft.created_by_id,
    )
    session.add(made)
    session.flush()
    _decide(draft, actor, "activated")
    draft.template_id = made.id
    session.flush()
    return made


def discard(session: Session, actor: Actor, *, draft_id: int) -> None:
    """Puts a draft away; the writer may do it as well.

    Raises:
        Conflict: it was decided already.
    """
    _decide(_waiting(session, draft_id), actor, "discarded")
    session.flush()


def _waiting(session: Session, draft_id: int) -> CertificateDraft:
    draft = get_draft(session, draft_id)
    if draft.status != "waiting":
        raise Conflict(_("This draft was decided already."))
    return draft


def _decide(draft: CertificateDraft, actor: Actor, status: str) -> None:
    draft.status, draft.decided_at, draft.decided_by_id = status, clock.now(), actor.user_id


def versions_of(session: Session, kind: str, language: str) -> list[CertificateTemplate]:
    """Every version of a kind and language, the newest first."""
    return list(
        session.scalars(
            sa.select(CertificateTemplate)
            .where(CertificateTemplate.kind == kind, CertificateTemplate.language == language)
            .order_by(CertificateTemplate.version.desc())
        )
    )


def waiting_drafts(session: Session) -> list[CertificateDraft]:
    """The drafts that nobody has decided, the oldest first."""
    return list(
        session.scalars(
            sa.select(CertificateDraft)
            .where(CertificateDraft.status == "waiting")
            .order_by(CertificateDraft.id)
        )
    )


def as_form(texts: Texts) -> dict[str, Any]:
    """Texts as the fields of a form show them."""
    return {
        name: "\n".join(text) if isinstance(text, list) else str(text)
        for name, text in texts.items()
    }
