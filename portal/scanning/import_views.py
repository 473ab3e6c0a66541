"""Sampling lists: upload, every problem at once, the same file back, the result codes."""

import base64
import io
from typing import Any

from flask import current_app, request, send_file
from flask_babel import gettext as _

from portal.errors import DomainError, Unavailable
from portal.ingest.journal import Arrival, JournalDown, open_journal
from portal.scanning import importing, services
from portal.settings import Settings
from portal.web.views import (
    StationView,
    current_actor,
    db_session,
    expose,
    permission,
    transaction,
)


class SampleImportView(StationView):
    """A list of tubes and people, taken where there was no device."""

    class_permission_name = "SampleImports"
    route_base = "/sample-imports"
    default_view = "upload"

    @expose("/", methods=["GET", "POST"])
    @permission("can_import")
    def upload(self) -> Any:
        """The upload box and what became of the list."""
        report = problem = None
        if request.method == "POST":
            file = request.files.get("file")
            try:
                report = self._import(
                    (file.filename if file else "") or "", file.read() if file else b""
                )
            except DomainError as error:
                problem = error
        page = self.render_template(
            "scanning/import.html",
            sittings=services.open_sessions(db_session(), current_actor()),
            report=report,
            problem=problem,
            answer=_packed(report.answer_file) if report else "",
            codes=_packed(report.codes_file) if report else "",
        )
        return page, problem.status if problem else 200

    def _import(self, file_name: str, content: bytes) -> importing.Report:
        config = current_app.config["TRAM"]
        with transaction(current_actor()) as session:
            sitting = services.get_session_of(
                session, current_actor(), request.form.get("session_code", "")
            )
            report, arrivals = importing.import_samples(
                session,
                current_actor(),
                sitting,
                file_name=file_name,
                content=content,
                secret_key=config.secret_key,
            )
        append(config, arrivals)
        return report

    @expose("/template.xlsx")
    @permission("can_import")
    def template(self) -> Any:
        """The empty list, made from the importer's own schema."""
        return send_file(io.BytesIO(importing.template()), download_name="mau-lay-mau.xlsx")


def append(config: Settings, arrivals: list[Arrival]) -> None:
    """Puts batches into the journal, which is another database: their device stands before.

    Raises:
        Unavailable: the journal does not answer.
    """
    journal = open_journal(config)
    try:
        journal.append(arrivals)
    except JournalDown:
        raise Unavailable(
            _("Nothing was kept: the journal is away."), code="journal_down"
        ) from None
    finally:
        journal.close()


def _packed(content: bytes) -> str:
    return base64.b64encode(content).decode()
