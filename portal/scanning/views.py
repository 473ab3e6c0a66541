"""The sampling station «Lấy mẫu»: begin a shift, enrol a device, scan."""

from typing import Any

from flask import current_app, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf

from core_rs import (
    CoreError,
    QrError,
    decode_image,
    normalise_name,
    parse_payload,
    verify_dcc,
)
from portal import clock
from portal.audit import services as audit
from portal.errors import DomainError, Invalid
from portal.ingest import services as devices
from portal.ingest.trust import trust_list
from portal.results import kits
from portal.scanning import services
from portal.scanning.texts import rapid_texts, station_texts
from portal.web.views import StationView, current_actor, db_session, may, permission, transaction

LARGEST_PHOTO = 12 * 1024 * 1024
_DEADLINE_MS = 400


class ScanningView(StationView):
    """Where collectors work all day."""

    class_permission_name = "Scanning"
    route_base = "/scanning"
    default_view = "start"

    @expose("/")
    @permission("can_scan")
    def start(self) -> Any:
        """Sessions that are open at one's sites, and whether this browser is an enrolled device."""
        return self.render_template(
            "scanning/start.html",
            sittings=services.open_sessions(db_session(), current_actor()),
            can_enrol=may("can_enrol", "Devices"),
            problem=None,
        )

    @expose("/begin", methods=["POST"])
    @permission("can_scan")
    def begin(self) -> Any:
        """Remembers session and device, and goes to the station."""
        session["shift"] = [
            request.form.get("session_code", ""),
            request.form.get("device_uid", ""),
        ]
        return redirect(url_for("ScanningView.station"))

    @expose("/station")
    @permission("can_scan")
    def station(self) -> Any:
        """The station itself; every opening signs a fresh grant."""
        config = current_app.config["TRAM"]
        code, device_uid = session.get("shift", ["", ""])
        try:
            shift = services.begin_shift(
                db_session(),
                current_actor(),
                session_code=code,
                device_uid=device_uid,
                secret_key=config.secret_key,
            )
        except DomainError as error:
            page = self.render_template(
                "scanning/start.html",
                sittings=services.open_sessions(db_session(), current_actor()),
                can_enrol=may("can_enrol", "Devices"),
                problem=error,
            )
            return page, error.status
        facts = {
            "session_code": shift.sitting.code,
            "device_id": str(shift.device.uid),
            "grant": shift.grant,
            "pool_size": shift.sitting.pool_size,
            "max_size": shift.max_size,
            "rolls": shift.rolls,
            "public_url": config.public_url,
            "decode_url": url_for("ScanningView.decode"),
            "read_url": url_for("ScanningView.read"),
            "csrf": generate_csrf(),
            "day": clock.today().isoformat(),
            "texts": station_texts(),
        }
        if not shift.is_rapid:
            return self.render_template("scanning/station.html", shift=shift, facts=facts)
        facts["texts"] |= rapid_texts()
        facts |= {
            "user": current_actor().user_id,
            "pcr_session_code": shift.pcr_session_code,
            "tests_url": url_for("ScanningView.rapid_tests"),
            "lots": [
                {
                    "kit": lot.kit_name,
                    "lot": lot.lot_number,
                    "readAfter": lot.reading_minutes,
                    "readUntil": lot.latest_minutes,
                }
                for lot in shift.lots
            ],
        }
        return self.render_template("scanning/rapid.html", shift=shift, facts=facts)

    @expose("/rapid-tests")
    @permission("can_scan")
    def rapid_tests(self) -> Any:
        """Rapid tests of the session at hand that somebody still has to do something for."""
        code, _device = session.get("shift", ["", ""])
        actor = current_actor()
        with transaction(actor) as db:
            sitting = services.get_session_of(db, actor, code)
            tests = kits.open_tests(db, actor, sitting)
            seen = session.get("rapid_seen")
            if tests and seen != code:
                # The list is asked for every few seconds: one reading a sitting is written down.
                audit.note(db, actor, "read rapid tests", "samples", row_count=len(tests))
                session["rapid_seen"] = code
        return {"tests": tests}

    @expose("/decode", methods=["POST"])
    @permission("can_scan")
    def decode(self) -> Any:
        """The texts of the QR codes in a photo or camera frame, read in memory and kept nowhere."""
        photo = request.get_data(cache=False)
        if not photo or len(photo) > LARGEST_PHOTO:
            raise Invalid(_("The photo is empty or larger than 12 MB."), code="scanning.photo")
        try:
            symbols = decode_image(photo, mode="thorough", deadline_ms=_DEADLINE_MS)
        except QrError as error:
            raise Invalid(_("This is no photo that can be read."), code=error.code) from None
        return {"texts": [symbol.text for symbol in symbols if symbol.text]}

    @expose("/read", methods=["POST"])
    @permission("can_scan")
    def read(self) -> Any:
        """What a scanned text is, with all the server's tables: kind, name, warnings, problem."""
        text = str(self.body().get("text", ""))
        try:
            found = parse_payload(text)
        except CoreError as problem:
            return {"problem": problem.code}
        if found.kind == "dcc":
            return _certificate(text)
        return {
            "kind": found.kind,
            "name": found.full_name or found.name_hint,
            "warnings": [warning.code for warning in found.warnings],
        }


class BrowserDeviceView(StationView):
    """Enrolling this browser as a device of a site; the token is shown to it once."""

    class_permission_name = "Devices"
    route_base = "/browser-device"
    default_view = "enrol"

    @expose("/enrol", methods=["POST"])
    @permission("can_enrol")
    def enrol(self) -> Any:
        """Makes a device of the site; answers its public id and its token."""
        asked = self.body()
        site_id = asked.get("site_id")
        if not isinstance(site_id, int):
            raise Invalid(_("Choose the site."))
        with transaction(current_actor()) as db:
            device, token = devices.enrol_device(
                db, current_actor(), site_id=site_id, name=str(asked.get("name", ""))
            )
            return {"device_uid": str(device.uid), "token": token}


def _certificate(text: str) -> dict[str, Any]:
    """Name and year in an HC1 certificate, and what keeps it from being proof."""
    verdict = verify_dcc(text.strip(), trust_list(db_session()), clock.now())
    content = verdict.content or {}
    names = content.get("nam")
    names = names if isinstance(names, dict) else {}
    # Việt Nam writes the surname alone in `fn`, middle and given name in `gn`.
    parts = [str(names.get(key) or "") for key in ("fn", "gn")]
    return {
        "kind": "dcc",
        "name": normalise_name(" ".join(part for part in parts if part)),
        "year": str(content.get("dob") or "")[:4],
        "is_proved": verdict.is_valid,
        "warnings": [problem.code for problem in verdict.problems],
    }
