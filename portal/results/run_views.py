"""«Nhập kết quả»: the rack at the bench, and the analyser's file."""

import base64
import binascii
from typing import Any

from flask import Response, flash, jsonify, redirect, request, url_for
from flask_babel import gettext

from portal.errors import DomainError, Invalid
from portal.results import importing, screens, services
from portal.results.models import AnalyserMapping
from portal.results.rules import Control
from portal.results.services import Reading, RunFacts
from portal.samples.rules import clean_code
from portal.samples.words import CONTROLS, OUTCOMES
from portal.web.views import (
    StationView,
    current_actor,
    db_session,
    expose,
    permission,
    transaction,
)

LARGEST_FILE = 8 * 1024 * 1024
PLACES = 94  # 96 wells less two controls


class RackView(StationView):
    """A plate of 8 × 12 wells, or a file of one."""

    route_base = "/laboratory/rack"
    class_permission_name = "Rack"
    default_view = "index"

    @expose("/")
    @permission("can_record")
    def index(self) -> Any:
        """The empty rack."""
        session = db_session()
        laboratory = screens.chosen_laboratory(session, request.args.get("laboratory", ""))
        return self.render_template(
            "results/rack.html",
            title=gettext("Enter results"),
            laboratory=laboratory,
            laboratories=screens.laboratories(session),
            waiting_count=screens.count_waiting(session, laboratory.id),
            controls=CONTROLS,
            outcomes=OUTCOMES,
        )

    @expose("/waiting/<int:laboratory_id>")
    @permission("can_record")
    def waiting(self, laboratory_id: int) -> Any:
        """The next tubes to test, by accession number."""
        tubes = screens.waiting_tubes(db_session(), laboratory_id, PLACES)
        return jsonify({"tubes": [_tube(tube) for tube in tubes]})

    @expose("/tubes", methods=["POST"])
    @permission("can_record")
    def tubes(self) -> Any:
        """What is known of scanned codes: `{laboratory_id, codes}`."""
        body = self.body()
        codes = [clean_code(str(code)) for code in body.get("codes", [])][:200]
        found = {tube.code: tube for tube in screens.tubes_of_codes(db_session(), codes)}
        laboratory_id = body.get("laboratory_id")
        answers = []
        for code in codes:
            tube = found.get(code)
            is_here = (
                tube is not None
                and tube.laboratory_id == laboratory_id
                and tube.received_at is not None
            )
            answers.append(_tube(tube) if tube is not None and is_here else {"code": code})
        return jsonify({"tubes": answers})

    @expose("/record", methods=["POST"])
    @permission("can_record")
    def record(self) -> Any:
        """Records the rack: `{laboratory_id, wells: [{well, code, outcome, ct}], controls…}`."""
        body = self.body()
        wells = body.get("wells")
        laboratory_id = body.get("laboratory_id")
        if not isinstance(wells, list) or not isinstance(laboratory_id, int):
            raise Invalid(gettext("The request could not be understood."), code="body")
        facts = RunFacts(
            kit_name=str(body.get("kit_name", ""))[:80],
            kit_lot=str(body.get("kit_lot", ""))[:40],
            instrument=str(body.get("instrument", ""))[:80],
            positive_control=_control(body.get("positive_control")),
            negative_control=_control(body.get("negative_control")),
        )
        with transaction(current_actor()) as session:
            report = services.record(
                session,
                current_actor(),
                laboratory_id=laboratory_id,
                readings=[_reading(well) for well in wells],
                facts=facts,
            )
        flash(gettext("Run %(code)s was recorded.", code=report.run_code), "success")
        return jsonify({"url": url_for("ReleaseView.show", run_id=report.run_id)})

    @expose("/import", methods=["GET", "POST"])
    @permission("can_import")
    def import_file(self) -> Any:
        """A file: first every problem in one table, then the saving."""
        session = db_session()
        laboratory = screens.chosen_laboratory(session, request.values.get("laboratory", ""))
        report, problem, content, name = None, None, b"", ""
        if request.method == "POST":
            try:
                content, name = uploaded()
                mapping = _mapping(laboratory.id)
                if request.form.get("step") == "save":
                    return self._save(laboratory.id, name, content, mapping)
                report = importing.check_file(
                    session,
                    current_actor(),
                    laboratory_id=laboratory.id,
                    file_name=name,
                    content=content,
                    mapping=mapping,
                )
                if request.form.get("step") == "answer":
                    return _download(report.answer, name)
            except DomainError as error:
                problem = error
        page = self.render_template(
            "results/import.html",
            title=gettext("Import an analyser's file"),
            laboratory=laboratory,
            laboratories=screens.laboratories(session),
            mappings=screens.mappings(session, laboratory.id),
            mapping_id=request.form.get("mapping", ""),
            report=report,
            problem=problem,
            file_name=name,
            packed=base64.b64encode(content).decode() if report else "",
            outcomes=OUTCOMES,
            controls=CONTROLS,
        )
        return page, (problem.status if problem else 200)

    def _save(
        self, laboratory_id: int, name: str, content: bytes, mapping: AnalyserMapping | None
    ) -> Any:
        with transaction(current_actor()) as session:
            report = importing.import_run(
                session,
                current_actor(),
                laboratory_id=laboratory_id,
                file_name=name,
                content=content,
                mapping=mapping,
                facts=RunFacts(
                    kit_name=request.form.get("kit_name", "")[:80],
                    kit_lot=request.form.get("kit_lot", "")[:40],
                ),
            )
        if report.run_id is None:
            raise Invalid(
                gettext("Nothing was saved."),
                details=[problem.text for problem in report.problems if problem.is_error],
            )
        flash(gettext("Run %(code)s was recorded.", code=report.run_code), "success")
        return redirect(url_for("ReleaseView.show", run_id=report.run_id))


def _tube(tube: Any) -> dict[str, Any]:
    return {
        "code": tube.code,
        "accession_number": tube.accession_number,
        "samples": tube.sample_count,
        "status": tube.status,
        "is_here": True,
    }


def _control(value: Any) -> str:
    return value if value in set(Control) else str(Control.UNSET)


def _reading(well: Any) -> Reading:
    if not isinstance(well, dict):
        raise Invalid(gettext("The request could not be understood."), code="body")
    ct = well.get("ct")
    if ct is not None and not isinstance(ct, int | float):
        raise Invalid(gettext("A Ct value is no number."))
    return Reading(
        code=str(well.get("code", "")),
        outcome=str(well.get("outcome") or ""),
        well=str(well.get("well", ""))[:8],
        ct_values={} if ct is None else {"Ct": float(ct)},
    )


def uploaded() -> tuple[bytes, str]:
    """The file of the form: uploaded now, or carried along from the page before."""
    packed = request.form.get("packed", "")
    name = request.form.get("file_name", "file")[:200]
    if packed:
        try:
            return base64.b64decode(packed, validate=True), name
        except binascii.Error:
            raise Invalid(gettext("The file was damaged on the way. Choose it again.")) from None
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Invalid(gettext("Choose a file first."))
    content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise Invalid(gettext("The file is larger than 8 MB."))
    return content, file.filename[:200]


def _mapping(laboratory_id: int) -> AnalyserMapping | None:
    wanted = request.form.get("mapping", "")
    own = screens.mappings(db_session(), laboratory_id)
    found = next((mapping for mapping in own if str(mapping.id) == wanted), None)
    if wanted and found is None:
        raise Invalid(gettext("This mapping was changed or retired. Choose it again."))
    return found


def _download(content: bytes, name: str) -> Response:
    is_workbook = content.startswith(b"PK")
    kind = (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        if is_workbook
        else "text/csv; charset=utf-8"
    )
    stem = "".join(c for c in name.rsplit(".", 1)[0] if c.isalnum() or c in "-_")[:80] or "file"
    answer = Response(content, mimetype=kind)
    suffix = "xlsx" if is_workbook else "csv"
    answer.headers.set("Content-Disposition", "attachment", filename=f"{stem}-loi.{suffix}")
    return answer
