"""The auditor's page of the seal: how far the log is sealed, and its export with proofs."""

import base64
import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask_babel import gettext

from portal import clock, db
from portal.audit import heads, names, proofs, sealing, verification
from portal.audit import services as audit
from portal.errors import Invalid, NotFound
from portal.jobs import kinds
from portal.jobs.services import enqueue
from portal.roles import may
from portal.web.access import current_actor, permission
from portal.web.views import StationView, db_session, expose, transaction

KIND = "audit export"
_WORDS = ("actor_name", "table_name", "row_key", "action")


def install() -> None:
    """Gives the worker its function."""
    kinds.register(KIND, write)


def write(running: kinds.Running) -> str:
    """Writes the export; gives its name."""
    if not may(running.actor.roles, "can_export", SealView.class_permission_name):
        raise NotFound("Not found.")
    asked = {k: str(v) for k, v in running.arguments.items() if k != "title"}
    wanted = proofs.Filter.of_json(asked)
    var_dir = current_app.config["TRAM"].shared_dir
    with db.transaction(running.actor) as session:
        try:
            count = proofs.write(running.path, session, var_dir, wanted, running.progress)
        except proofs.NothingSealed:
            raise Invalid(gettext("Nothing is sealed yet. Try again in a few seconds.")) from None
        audit.note(
            session, running.actor, "export with proofs", "audit_events",
            row_count=count, change=dict(wanted.as_json()),
        )  # fmt: skip
    return f"nhat-ky-{clock.local(clock.now()):%Y%m%d-%H%M}.tram-audit"


class SealView(StationView):
    """The newest signed head, what waits for it, and the export with proofs."""

    route_base = "/audit-seal"
    class_permission_name = "AuditEvents"
    default_view = "index"

    @expose("/")
    @permission("can_list")
    def index(self) -> Any:
        """How far the log is sealed."""
        return self._page(None)

    @expose("/export", methods=["POST"])
    @permission("can_export")
    def export(self) -> Any:
        """Asks for the file of a filter."""
        try:
            wanted = _filter()
        except Invalid as problem:
            return self._page(problem), 422
        with transaction(current_actor()) as session:
            arguments = {"title": gettext("Audit log with proofs"), **wanted.as_json()}
            enqueue(session, current_actor(), KIND, arguments)
        flash(gettext("The file is being written. You can go on working meanwhile."), "info")
        return redirect(url_for("JobsView.index"))

    @expose("/verify", methods=["POST"])
    @permission("can_show")
    def verify(self) -> Any:
        """Checks an export, whoever brings it, against the keys and heads kept here."""
        sent = request.files.get("file")
        if sent is None or not sent.filename:
            problem = Invalid(gettext("Choose a file first."))
            return self._page(problem), problem.status
        var_dir = current_app.config["TRAM"].shared_dir
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "export"
            sent.save(path)
            report = verification.verify(
                path, trusted=heads.known_keys(var_dir), known_heads=heads.filed(var_dir)
            )
        return self._page(None, report)

    def _page(self, problem: Invalid | None, report: verification.Report | None = None) -> str:
        session = db_session()
        head = sealing.newest_head(session)
        keys = heads.known_keys(current_app.config["TRAM"].shared_dir)
        signer = next((key for key in keys if head and heads.is_signed_by(head, key)), b"")
        return str(
            self.render_template(
                "exports/audit_seal.html",
                head=head,
                public_key=base64.b64encode(signer).decode("ascii"),
                key_id=head.key_id if head else "",
                unsealed_count=sealing.count_unsealed(session),
                seconds=int(sealing.INTERVAL_SECONDS),
                days=[one.short for one in sealing.heads_of_days(session)[-14:][::-1]],
                given=request.form,
                problem=problem,
                report=report,
                steps=names.STEPS.items(),
                tables=names.TABLES.items(),
            )
        )


def _filter() -> proofs.Filter:
    """The filter of the form.

    Raises:
        Invalid: naming every field that can not be read.
    """
    problems: list[str] = []
    days: dict[str, Any] = {}
    for name in ("first_on", "last_on"):
        text = request.form.get(name, "").strip()
        try:
            days[name] = dt.date.fromisoformat(text) if text else None
        except ValueError:
            problems.append(gettext("Write the day as year-month-day, for example 2026-08-01."))
    if not problems and days["first_on"] and days["last_on"] and days["last_on"] < days["first_on"]:
        problems.append(gettext("The last day lies before the first."))
    if problems:
        raise Invalid(problems[0], details=problems)
    words: dict[str, Any] = {name: request.form.get(name, "").strip()[:80] for name in _WORDS}
    return proofs.Filter(**days, **words)
