"""«Nơi ký được tin»: the signers of HC1 certificates that are trusted here."""

from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask_babel import gettext

from portal import clock
from portal.certificates import trust
from portal.errors import DomainError, Invalid
from portal.web.views import (
    StationView,
    current_actor,
    db_session,
    expose,
    permission,
    transaction,
)


class TrustedSignerView(StationView):
    """The list, added to by file, shortened with a reason; every step stands in the audit log."""

    route_base = "/trusted-signers"
    class_permission_name = "TrustedSigners"
    default_view = "index"

    @expose("/")
    @permission("can_list")
    def index(self) -> Any:
        """Who is trusted, until when, for what; and who was."""
        return self._page()

    @expose("/", methods=["POST"])
    @permission("can_edit")
    def add(self) -> Any:
        """Adds every certificate of a file, or none with every problem told."""
        sent = request.files.get("file")
        try:
            if sent is None or not sent.filename:
                raise Invalid(gettext("Choose a file first."))
            with transaction(current_actor()) as session:
                count = len(trust.add(session, current_actor(), sent.read()))
        except DomainError as error:
            return self._page(error), error.status
        self._write_down()
        flash(gettext("%(count)s signers were added.", count=count), "success")
        return redirect(url_for("TrustedSignerView.index"))

    @expose("/<int:signer_id>/remove", methods=["POST"])
    @permission("can_edit")
    def remove(self, signer_id: int) -> Any:
        """Ends the trust in a signer."""
        try:
            with transaction(current_actor()) as session:
                trust.remove(
                    session,
                    current_actor(),
                    signer_id=signer_id,
                    reason=request.form.get("reason", ""),
                )
        except Invalid as error:
            return self._page(error), error.status
        self._write_down()
        flash(gettext("The signer is trusted no more."), "success")
        return redirect(url_for("TrustedSignerView.index"))

    @staticmethod
    def _write_down() -> None:
        trust.write_down(db_session(), current_app.config["TRAM"])

    def _page(self, problem: DomainError | None = None) -> Any:
        return self.render_template(
            "certificates/trusted_signers.html",
            title=gettext("Trusted signers of HC1 certificates"),
            signers=trust.everyone(db_session()),
            problem=problem,
            now=clock.now(),
            usages={
                "test": gettext("Test"),
                "vaccination": gettext("Vaccination"),
                "recovery": gettext("Recovery"),
            },
        )
