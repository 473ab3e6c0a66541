"""Pages for everyone: landing, look-up, verification of a certificate, its PDF."""

import io
from typing import Any

from flask import current_app, redirect, render_template, request, send_file, url_for
from flask_babel import gettext

from portal import db
from portal.actors import PUBLIC
from portal.audit import services as audit
from portal.certificates import checking, opening, pages, sealing, services, slips
from portal.certificates.rules import Office
from portal.declarations import lookups, tickets
from portal.declarations.views import caller
from portal.errors import Invalid, NotFound, TooMany
from portal.web.views import PublicView, expose

# Codes are random; whoever tries this many unknown ones in an hour is not reading papers.
MOST_UNKNOWN_OF_NETWORK = 300
# An HC1 certificate has at most some 2,000 letters.
_LONGEST_TYPED = 4000


def office() -> Office:
    """Who issues, from the settings."""
    return sealing.office_of(current_app.config["TRAM"])


class LookupView(PublicView):
    """Look-up by code and second factor: citizens have no accounts (R28, R29, R31)."""

    route_base = ""

    @expose("/cong-dan")
    def landing(self) -> str:
        """Where a citizen begins."""
        return render_template("certificates/landing.html")

    @expose("/tra-cuu")
    def ask(self) -> str:
        """The two questions: code and second factor."""
        return pages.form_page()

    @expose("/k/<code>")
    @expose("/K/<code>")
    def of_declaration(self, code: str) -> str:
        """The same, from a declaration's symbol."""
        return pages.form_page(code=code)

    @expose("/r/<code>")
    @expose("/R/<code>")
    def of_slip(self, code: str) -> str:
        """The same, from a slip's symbol; a signed slip is verified."""
        if slips.is_slip(code):
            return _slip_page(request.base_url)
        return pages.form_page(code=code)

    @expose("/tra-cuu", methods=["POST"])
    def look_up(self) -> Any:
        """What belongs to the code, or the same «no» for every reason."""
        typed = request.form.get("code", "")[:200]
        factor = request.form.get("factor", "")[:40]
        who = caller()
        with db.transaction(PUBLIC) as session:
            attempt_id = lookups.write_down(
                session, who, door="look-up", code=opening.known_code(typed)
            )
        with db.transaction(PUBLIC) as session:
            opened = opening.look_up(
                session, who=who, attempt_id=attempt_id, code=typed, factor=factor
            )
            if opened is None:
                return pages.form_page(code=typed, is_no=True), 404
            opening.note_reading(session, [opened], "look-up")
            return pages.opened_page(session, opened)

    @expose("/tra-cuu/giay", methods=["POST"])
    def paper(self) -> Any:
        """The PDF of a sample that the ticket's holder has opened."""
        wanted = request.form.get("sample", "")
        with db.transaction(PUBLIC) as session:
            opened = _of_ticket(session)
            later = pages.waiting(opened)
            ids = {str(f.sample_id) for f in opened.results if f.sample_id not in later}
            if wanted not in ids:
                raise NotFound("Not of this ticket.")
            certificate = services.issue(session, PUBLIC, sample_id=int(wanted), office=office())
            opening.note_reading(session, [opened], "certificate")
            pdf = sealing.paper_of(certificate, current_app.config["TRAM"])
        return send_file(
            io.BytesIO(pdf),
            mimetype="application/pdf",
            as_attachment=True,
            download_name=f"ket-qua-{certificate.code}.pdf",
        )

    @expose("/tra-cuu/sai-sot", methods=["POST"])
    def correct(self) -> Any:
        """Takes a citizen's word that something is wrong."""
        opened_ticket = tickets.read(request.form.get("ticket", ""))
        problem = ""
        with db.transaction(PUBLIC) as session:
            try:
                services.ask_correction(
                    session,
                    message=request.form.get("message", ""),
                    sample_id=opened_ticket.sample_id,
                    declaration_id=opened_ticket.declaration_id,
                )
            except Invalid as error:
                problem = error.message
            opened = _of_ticket(session)
            opening.note_reading(session, [opened], "correction")
            return pages.opened_page(session, opened, is_noted=not problem, problem=problem)


class VerifyView(PublicView):
    """Verification of a printed certificate: an official at a gate has no account here."""

    route_base = ""

    @expose("/kiem-tra", methods=["GET", "POST"])
    def ask(self) -> Any:
        """A box for the code under the symbol, and one for a file."""
        if request.method == "GET":
            return render_template("certificates/verify.html", verification=None)
        sent = request.files.get("file")
        content = sent.read(checking.LARGEST_UPLOAD + 1) if sent is not None else b""
        typed = request.form.get("code", "")[:_LONGEST_TYPED]
        try:
            with db.transaction(PUBLIC) as session:
                shown = checking.check(
                    session, current_app.config["TRAM"], typed=typed, content=content
                )
        except Invalid as error:
            page = render_template(
                "certificates/verify.html", verification=None, problem=error.message
            )
            return page, error.status
        if shown.kind == "slip":
            return redirect(url_for("LookupView.of_slip", code=shown.slip), code=303)
        if shown.kind == "code":
            code = opening.known_code(shown.code[:200])
            return redirect(url_for("VerifyView.verify", code=code), code=303)
        return render_template(
            "certificates/verify.html", verification=shown.verification, shown=shown
        )

    @expose("/kiem-tra/phieu")
    def ask_slip(self) -> str:
        """The same for a signed slip, which the browser verifies by itself."""
        return _slip_page("")

    @expose("/c/<code>")
    @expose("/C/<code>")
    def verify(self, code: str) -> Any:
        """Whether the certificate stands, and what it says in short."""
        who = caller()
        with db.transaction(PUBLIC) as session:
            if lookups.failed_count(session, who, door="verify") >= MOST_UNKNOWN_OF_NETWORK:
                raise TooMany(
                    gettext("Very many unknown codes came from this network. Try again later."),
                    retry_after_seconds=900,
                )
            verification = services.verify(session, code=code, office=office())
            if verification.certificate is None:
                lookups.write_down(session, who, door="verify", code="")
            else:
                key = str(verification.certificate.id)
                audit.read(session, PUBLIC, "certificates", key, "verification")
        page = render_template("certificates/verify.html", verification=verification, code=code)
        return page, 404 if verification.verdict == "unknown" else 200


def _slip_page(slip: str) -> str:
    outcomes = [
        ("negative", gettext("Negative")),
        ("positive", gettext("Positive")),
        ("inconclusive", gettext("No conclusion")),
        ("invalid", gettext("Invalid")),
        ("rejected", gettext("Rejected")),
    ]
    keys = slips.public_keys(current_app.config["TRAM"])
    return render_template(
        "certificates/verify_slip.html", slip=slip, slip_keys=keys, slip_outcomes=outcomes
    )


def _of_ticket(session: Any) -> opening.Opened:
    ticket = tickets.read(request.form.get("ticket", ""))
    return opening.open_by_id(
        session, sample_id=ticket.sample_id, declaration_id=ticket.declaration_id
    )
