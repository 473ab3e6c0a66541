"""«Đọc ảnh hàng loạt»: many photos or a ZIP in, a worklist out."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from flask import Response, redirect, request, stream_with_context, url_for
from flask_babel import gettext

from portal.readings import services, words
from portal.readings.models import PhotoReading
from portal.readings.rules import Outcome, Upload
from portal.web.views import (
    StationView,
    current_actor,
    db_session,
    expose,
    permission,
    transaction,
)


class PhotoReadingView(StationView):
    """Photos of forms and racks, read in memory."""

    route_base = "/photo-readings"
    class_permission_name = "PhotoReadings"
    default_view = "index"

    @expose("/")
    @permission("can_list")
    def index(self) -> Any:
        """The upload box and the worklist."""
        with_settled = request.args.get("settled") == "1"
        rows = services.worklist(db_session(), current_actor(), with_settled=with_settled)
        return self.render_template(
            "readings/readings.html",
            title=gettext("Read photos"),
            rows=[_shown(row) for row in rows],
            with_settled=with_settled,
            kept_days=services.KEPT_DAYS,
        )

    @expose("/read", methods=["POST"])
    @permission("can_read")
    def read(self) -> Any:
        """Reads one file, the body; answers a line of JSON for each photo as soon as it is read.

        The name comes in `X-File-Name`, percent-encoded: an address would end in logs.
        """
        name = unquote(request.headers.get("X-File-Name", ""))
        upload = Upload(name, request.get_data(cache=False))
        lines = _lines(services.read_upload(current_actor(), upload), len(upload))
        return Response(stream_with_context(lines), mimetype="application/x-ndjson")

    @expose("/<int:pk>/settle", methods=["POST"])
    @permission("can_read")
    def settle(self, pk: int) -> Any:
        """Ticks a row off."""
        with transaction(current_actor()) as session:
            services.settle(session, current_actor(), pk)
        return redirect(url_for("PhotoReadingView.index"))

    @expose("/settle-known", methods=["POST"])
    @permission("can_read")
    def settle_known(self) -> Any:
        """Ticks off all known codes."""
        with transaction(current_actor()) as session:
            services.settle_known(session, current_actor())
        return redirect(url_for("PhotoReadingView.index"))


def _lines(readings: Iterator[list[PhotoReading]], total: int) -> Iterator[str]:
    for done, rows in enumerate(readings, start=1):
        codes = [{"outcome": row.outcome, "text": _sentence(row)} for row in rows]
        line = {"done": done, "total": total, "file": rows[0].file_name, "codes": codes}
        yield json.dumps(line, ensure_ascii=False) + "\n"


def _sentence(row: PhotoReading) -> str:
    shown = _shown(row)
    return " · ".join(str(part) for part in (shown["what"], shown["outcome"]) if part)


def _shown(row: PhotoReading) -> dict[str, Any]:
    outcome = Outcome(row.outcome)
    has_code = outcome in {Outcome.KNOWN, Outcome.UNKNOWN}
    kind = words.KINDS.get(row.kind, words.OTHER_KIND) if has_code else ""
    targets = {
        "tube": "TubeView.show",
        "maybe_tube": "TubeView.show",
        "declaration": "DeclarationView.show",
    }
    target = targets.get(row.kind) if row.target_id else None
    return {
        "id": row.id,
        "file_name": row.file_name,
        "what": f"{kind} {row.shown}".strip(),
        "url": url_for(target, pk=row.target_id) if target else "",
        "outcome": words.OUTCOMES[outcome],
        "tone": words.TONES[outcome],
        "next": words.PROBLEMS.get(row.problem) or words.NEXT_STEPS[outcome],
        "at": row.created_at,
        "is_settled": row.is_settled,
    }
