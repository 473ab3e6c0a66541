"""«Lời trên giấy»: versions of the texts, a form beside the real page, the second look."""

import datetime as dt
from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session

from portal import clock
from portal.certificates import documents, preview, queries, sealing, templates, wording
from portal.certificates.wording import WORDINGS, Texts
from portal.errors import DomainError, Forbidden, Invalid
from portal.web.views import (
    StationView,
    current_actor,
    db_session,
    expose,
    permission,
    transaction,
)

KINDS = {
    "negative": lazy_gettext("Negative, alone"),
    "pool_negative": lazy_gettext("Negative, in a pool"),
    "positive": lazy_gettext("Positive"),
    "retest_notice": lazy_gettext("To be sampled again"),
    "session_list": lazy_gettext("Result list of a session"),
    "quarantine_completion": lazy_gettext("Completed quarantine"),
    "vaccination": lazy_gettext("Vaccination"),
}
LANGUAGES = {"vi": lazy_gettext("Vietnamese"), "en": lazy_gettext("English")}


class CertificateTextView(StationView):
    """What is in force, what waits, and the editor."""

    route_base = "/certificate-texts"
    class_permission_name = "CertificateTexts"
    default_view = "index"

    @expose("/")
    @permission("can_list")
    def index(self) -> Any:
        """Every kind and language with its version in force, the next one, and the drafts."""
        session = db_session()
        rows = []
        for kind in WORDINGS:
            for language in wording.LANGUAGES:
                versions = templates.versions_of(session, kind, language)
                current = queries.template_of(session, kind, language, clock.today())
                coming = [one for one in versions if one.valid_from > clock.today()]
                rows.append((kind, language, current, coming))
        return self.render_template(
            "certificates/texts.html",
            title=gettext("Texts of papers"),
            rows=rows,
            drafts=templates.waiting_drafts(session),
            user_id=current_actor().user_id,
            **_words(),
        )

    @expose("/<kind>/<language>")
    @permission("can_edit")
    def edit(self, kind: str, language: str) -> Any:
        """The editor, beginning with the texts in force."""
        templates.require_kind(kind, language)
        texts = _in_force(db_session(), kind, language)
        return self._editor(kind, language, templates.as_form(texts), texts)

    @expose("/<kind>/<language>", methods=["POST"])
    @permission("can_edit")
    def write(self, kind: str, language: str) -> Any:
        """Steps `preview` and `propose`."""
        templates.require_kind(kind, language)
        form = request.form.to_dict()
        texts = templates.read_texts(kind, language, form)
        try:
            if form.get("step") == "propose":
                with transaction(current_actor()) as session:
                    draft = templates.propose(
                        session, current_actor(), kind=kind, language=language,
                        texts=texts, valid_from=_day(form.get("valid_from", "")),
                    )  # fmt: skip
                flash(gettext("Kept as a draft. Another person activates it."), "success")
                return redirect(url_for("CertificateTextView.draft", draft_id=draft.id))
            problems = templates.problems_of(kind, language, texts)
            if problems:
                raise Invalid(gettext("The texts are not in order."), details=problems)
        except DomainError as error:
            shown = templates.as_form(texts)
            return self._editor(kind, language, shown, None, form, error), error.status
        return self._editor(kind, language, templates.as_form(texts), texts, form)

    @expose("/versions/<kind>/<language>")
    @permission("can_list")
    def versions(self, kind: str, language: str) -> Any:
        """All versions, with their words."""
        templates.require_kind(kind, language)
        return self.render_template(
            "certificates/text_versions.html",
            title=gettext("Versions of the texts"),
            kind=kind,
            language=language,
            versions=templates.versions_of(db_session(), kind, language),
            built_in=wording.built_in(kind, language),
            label=templates.field_label,
            **_words(),
        )

    @expose("/drafts/<int:draft_id>")
    @permission("can_list")
    def draft(self, draft_id: int) -> Any:
        """A draft beside what it would replace, both as real pages."""
        session = db_session()
        draft = templates.get_draft(session, draft_id)
        before = _in_force(session, draft.kind, draft.language, draft.valid_from)
        return self.render_template(
            "certificates/text_draft.html",
            title=gettext("Look at a draft"),
            draft=draft,
            before=templates.as_form(before),
            after=templates.as_form(draft.texts),
            pictures_before=_pictures(session, draft.kind, draft.language, before),
            pictures_after=_pictures(session, draft.kind, draft.language, draft.texts),
            label=templates.field_label,
            is_own=draft.created_by_id == current_actor().user_id,
            **_words(),
        )

    @expose("/drafts/<int:draft_id>/activate", methods=["POST"])
    @permission("can_activate")
    def activate(self, draft_id: int) -> Any:
        """The second look: not by the writer."""
        try:
            with transaction(current_actor()) as session:
                made = templates.activate(session, current_actor(), draft_id=draft_id)
                version, day = made.version, made.valid_from
        except (Forbidden, Invalid) as error:
            flash(error.message, "warning")
            return redirect(url_for("CertificateTextView.draft", draft_id=draft_id))
        flash(
            gettext("Version %(number)s counts from %(day)s.", number=version,
                    day=f"{day:%d/%m/%Y}"), "success",
        )  # fmt: skip
        return redirect(url_for("CertificateTextView.index"))

    @expose("/drafts/<int:draft_id>/discard", methods=["POST"])
    @permission("can_edit")
    def discard(self, draft_id: int) -> Any:
        """Puts a draft away."""
        with transaction(current_actor()) as session:
            templates.discard(session, current_actor(), draft_id=draft_id)
        flash(gettext("The draft was put away."), "success")
        return redirect(url_for("CertificateTextView.index"))

    def _editor(
        self,
        kind: str,
        language: str,
        given: dict[str, str],
        texts: Texts | None,
        form: dict[str, str] | None = None,
        problem: DomainError | None = None,
    ) -> Any:
        kept = WORDINGS[kind]
        fields = [
            (name, templates.field_label(name), name in wording.LISTED,
             sorted(kept.needed.get(name, frozenset())))
            for name in kept.fields(language)
        ]  # fmt: skip
        return self.render_template(
            "certificates/text_editor.html",
            title=gettext("Change the texts"),
            kind=kind,
            language=language,
            fields=fields,
            given=given,
            valid_from=(form or {}).get("valid_from") or clock.today().isoformat(),
            allowed=sorted(kept.allowed),
            pictures=_pictures(db_session(), kind, language, texts) if texts else [],
            is_previewed=form is not None and problem is None,
            problem=problem,
            **_words(),
        )


def _words() -> dict[str, Any]:
    return {"kinds": KINDS, "languages": LANGUAGES, "wordings": WORDINGS}


def _in_force(session: Session, kind: str, language: str, day: dt.date | None = None) -> Texts:
    row = queries.template_of(session, kind, language, day or clock.today())
    return {**wording.built_in(kind, language), **(row.texts if row else {})}


def _pictures(session: Session, kind: str, language: str, texts: Texts) -> list[str]:
    """The real page with sample data: these texts, and the other language's in force."""
    both = {other: _in_force(session, kind, other) for other in wording.LANGUAGES}
    both[language] = texts
    office = sealing.office_of(current_app.config["TRAM"])
    pdf = preview.pdf_of(kind, wording.joined(both["vi"], both["en"]), office)
    return documents.pictures(pdf)


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
