"""The coordinator's page «Điều phối», and how whole each site's records are."""

import csv
import io
from typing import Any

from flask import request, send_file
from flask_appbuilder import expose
from flask_babel import gettext, lazy_gettext

from portal.audit import services as audit
from portal.campaigns.counters import Measure
from portal.campaigns.models import Campaign
from portal.reporting import completeness, queries
from portal.web import sheets
from portal.web.views import StationView, current_actor, db_session, permission, transaction

TILES = (
    (Measure.PEOPLE_REGISTERED, lazy_gettext("People registered"), "/samples/list/"),
    (Measure.TUBES_REGISTERED, lazy_gettext("Tubes registered"), "/tubes/list/"),
    (Measure.TUBES_RECEIVED, lazy_gettext("Tubes received"), "/tubes/list/"),
    (Measure.TUBES_RESULTED, lazy_gettext("Tubes with a result"), "/tubes/list/"),
    (Measure.PEOPLE_RESULTED, lazy_gettext("People with a result"), "/samples/list/"),
    (Measure.TUBES_POSITIVE, lazy_gettext("Positive tubes"), "/tubes/list/"),
    (Measure.PEOPLE_CONFIRMED, lazy_gettext("Confirmed people"), "/samples/list/"),
)


class CoordinationView(StationView):
    """People and tubes of a campaign, live, from counters."""

    class_permission_name = "Coordination"
    route_base = "/coordination"
    default_view = "board"

    @expose("/")
    @permission("can_show")
    def board(self) -> Any:
        """The whole page; its script asks for it again every ten seconds."""
        session = db_session()
        choices, chosen = _chosen()
        found = queries.overview(session, chosen.id) if chosen is not None else None
        return self.render_template(
            "reporting/board.html",
            choices=choices,
            chosen=chosen,
            overview=found,
            tiles=TILES,
            measure=Measure,
        )


COLUMNS = (
    ("site", lazy_gettext("Site")),
    ("records", lazy_gettext("Samples")),
    ("without_card", lazy_gettext("No card or number")),
    ("year_only", lazy_gettext("Year of birth only")),
    ("without_phone", lazy_gettext("No phone")),
    ("without_address", lazy_gettext("No address")),
    ("typed", lazy_gettext("Typed by hand")),
    ("doubts", lazy_gettext("To look at")),
)


class CompletenessView(StationView):
    """«Độ đầy đủ dữ liệu»: what each site's records lack (R18)."""

    class_permission_name = "Completeness"
    route_base = "/completeness"
    default_view = "table"

    @expose("/")
    @permission("can_list")
    def table(self) -> Any:
        """A line a site, the least whole first."""
        choices, chosen = _chosen()
        lines = completeness.by_site(db_session(), chosen.id) if chosen is not None else []
        return self.render_template(
            "reporting/completeness.html",
            choices=choices,
            chosen=chosen,
            lines=lines,
            total=completeness.total(lines, gettext("All sites")),
            counted_at=completeness.counted_at(db_session(), chosen.id) if chosen else None,
            is_awaited=chosen is not None
            and not lines
            and queries.has_samples(db_session(), chosen.id),
            columns=COLUMNS,
        )

    @expose("/export.<any(csv, xlsx):file_format>")
    @permission("can_export")
    def export(self, file_format: str) -> Any:
        """The table as a file."""
        _choices, chosen = _chosen()
        lines = completeness.by_site(db_session(), chosen.id) if chosen is not None else []
        with transaction(current_actor()) as session:
            audit.note(session, current_actor(), f"export {file_format}", "samples",
                       row_count=len(lines))  # fmt: skip
        head = [*(str(label) for _name, label in COLUMNS), gettext("Whole records")]
        rows = [
            [*(str(getattr(line, name)) for name, _label in COLUMNS), str(line.whole)]
            for line in lines
        ]
        if file_format == "xlsx":
            content = sheets.write_workbook(head, rows)
        else:
            text = io.StringIO(newline="")
            csv.writer(text).writerows(
                [[sheets.guard(cell) for cell in row] for row in (head, *rows)]
            )
            content = text.getvalue().encode("utf-8-sig")
        return send_file(
            io.BytesIO(content), as_attachment=True, download_name=f"do-day-du.{file_format}"
        )


def _chosen() -> tuple[list[Campaign], Campaign | None]:
    """The campaigns, and the one asked for (the newest without a word)."""
    choices = queries.campaigns(db_session())
    wanted = request.args.get("campaign", type=int)
    return choices, next((c for c in choices if c.id == wanted), choices[0] if choices else None)
