"""«Nhận mẫu»: the laboratory door. Scan, count, refuse by a key, print with two signatures."""

import datetime as dt
from typing import Any

from flask import jsonify, request
from flask_babel import gettext

from portal import clock
from portal.errors import Invalid
from portal.results import receiving, screens
from portal.samples import services as samples
from portal.samples.rules import Rejection, clean_code
from portal.samples.services import ScannedTube
from portal.samples.words import REJECTIONS, TUBE_STATUSES
from portal.web.views import (
    StationView,
    current_actor,
    db_session,
    expose,
    permission,
    transaction,
)


class ReceiptView(StationView):
    """Tubes arriving at a laboratory."""

    route_base = "/laboratory/receipt"
    class_permission_name = "Receipt"
    default_view = "index"

    @expose("/")
    @permission("can_list")
    def index(self) -> Any:
        """The work station."""
        session = db_session()
        laboratory = screens.chosen_laboratory(session, request.args.get("laboratory", ""))
        received = screens.received_on(session, laboratory.id, clock.today())
        return self.render_template(
            "results/receipt.html",
            title=gettext("Receive samples"),
            laboratory=laboratory,
            laboratories=screens.laboratories(session),
            boxes=screens.boxes_on_the_way(session, laboratory.id),
            received=received[-50:][::-1],
            received_count=len(received),
            reasons=REJECTIONS,
            statuses=TUBE_STATUSES,
        )

    @expose("/tubes", methods=["POST"])
    @permission("can_receive")
    def receive(self) -> Any:
        """Takes scanned tubes in: `{laboratory_id, tubes: [{code, counted?}]}`."""
        body = self.body()
        scanned = [_scanned(entry) for entry in _list(body, "tubes")]
        laboratory_id = _number(body, "laboratory_id")
        with transaction(current_actor()) as session:
            report = receiving.receive_tubes(
                session, current_actor(), laboratory_id=laboratory_id, tubes=scanned
            )
        codes = [clean_code(tube.code) for tube in scanned]
        return jsonify({"tubes": _answers(report, codes)})

    @expose("/reject", methods=["POST"])
    @permission("can_reject")
    def reject(self) -> Any:
        """Refuses a tube: `{laboratory_id, code, reason, note?}`."""
        body = self.body()
        reason = str(body.get("reason", ""))
        if reason not in set(Rejection):
            raise Invalid(gettext("Choose why the tube is rejected."))
        with transaction(current_actor()) as session:
            receiving.reject_tubes(
                session,
                current_actor(),
                laboratory_id=_number(body, "laboratory_id"),
                codes=[str(body.get("code", ""))],
                reason=Rejection(reason),
                note=str(body.get("note", ""))[:160],
            )
        return jsonify({"reason": str(REJECTIONS[Rejection(reason)])})

    @expose("/box/<code>")
    @permission("can_list")
    def box(self, code: str) -> Any:
        """What a box declares: its tubes, and which of them have been received."""
        session = db_session()
        box = samples.get_box(session, current_actor(), code)
        tubes = {tube.code: tube for tube in screens.tubes_of_codes(session, box.tube_codes)}
        declared = [
            {
                "code": tube_code,
                "registered": tubes[tube_code].sample_count if tube_code in tubes else None,
                "is_received": tube_code in tubes and tubes[tube_code].received_at is not None,
            }
            for tube_code in box.tube_codes
        ]
        return jsonify(
            {
                "code": box.code,
                "is_closed": box.received_at is not None,
                "temperature": box.temperature_celsius,
                "tubes": declared,
            }
        )

    @expose("/box/<code>/close", methods=["POST"])
    @permission("can_receive")
    def close(self, code: str) -> Any:
        """Ends the receipt of a box: `{temperature?}`."""
        given = self.body().get("temperature")
        try:
            temperature = float(given) if given not in (None, "") else None
        except (TypeError, ValueError):
            raise Invalid(gettext("The temperature is no number.")) from None
        with transaction(current_actor()) as session:
            samples.close_box(session, current_actor(), code=code, temperature_celsius=temperature)
        return jsonify({})

    @expose("/paper")
    @permission("can_list")
    def paper(self) -> Any:
        """The printable receipt of a day, or of a box, with two signatures."""
        session = db_session()
        laboratory = screens.chosen_laboratory(session, request.args.get("laboratory", ""))
        code, box = request.args.get("box", ""), None
        day = _day(request.args.get("day", ""))
        if code:
            box = samples.get_box(session, current_actor(), code)
            tubes = screens.tubes_of_codes(session, box.tube_codes)
            day = clock.local(box.received_at or box.sent_at).date()
        else:
            tubes = screens.received_on(session, laboratory.id, day)
        return self.render_template(
            "results/receipt_paper.html",
            title=gettext("Receipt of samples"),
            laboratory=laboratory,
            box=box,
            day=day,
            tubes=tubes,
            reasons=REJECTIONS,
            statuses=TUBE_STATUSES,
            printed_at=clock.now(),
        )


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text) if text else clock.today()
    except ValueError:
        raise Invalid(gettext("This is no day.")) from None


def _list(body: dict[str, Any], name: str) -> list[Any]:
    value = body.get(name)
    if not isinstance(value, list):
        raise Invalid(gettext("The request could not be understood."), code="body")
    return value


def _number(body: dict[str, Any], name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int):
        raise Invalid(gettext("The request could not be understood."), code="body")
    return value


def _scanned(entry: Any) -> ScannedTube:
    if not isinstance(entry, dict):
        raise Invalid(gettext("The request could not be understood."), code="body")
    counted = entry.get("counted")
    if counted is not None and not isinstance(counted, int):
        raise Invalid(gettext("The count is no number."))
    return ScannedTube(
        str(entry.get("code", "")), counted, str(entry.get("accession_number", ""))[:24]
    )


def _answers(report: samples.ReceiptReport, codes: list[str]) -> list[dict[str, Any]]:
    """What the screen shows for each scanned code, in the order of scanning."""
    tubes = {tube.code: tube for tube in screens.tubes_of_codes(db_session(), codes)}
    answers: list[dict[str, Any]] = []
    for code in codes:
        tube = tubes.get(code)
        if code in report.refused:
            status = report.refused[code]
            said = TUBE_STATUSES[status][0] if status in TUBE_STATUSES else status  # type: ignore[index]
            answers.append({"code": code, "outcome": "refused", "said": str(said)})
        elif tube is None:
            answers.append({"code": code, "outcome": "unknown"})
        else:
            answers.append(
                {
                    "code": code,
                    "outcome": "already" if tube.id in report.already else "received",
                    "accession_number": tube.accession_number,
                    "registered": tube.sample_count,
                    "planned": tube.planned_size,
                    "counted": tube.counted_swabs,
                    "is_miscounted": tube.counted_swabs not in {None, tube.sample_count},
                    "site": tube.site.name,
                    "status": tube.status,
                }
            )
    return answers
