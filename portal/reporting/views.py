"""The coordinator's page «Điều phối»."""

from typing import Any

from flask import request
from flask_appbuilder import expose
from flask_babel import lazy_gettext

from portal.campaigns.counters import Measure
from portal.reporting import queries
from portal.web.views import StationView, db_session, permission

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
        choices = queries.campaigns(session)
        wanted = request.args.get("campaign", type=int)
        chosen = next((c for c in choices if c.id == wanted), choices[0] if choices else None)
        found = queries.overview(session, chosen.id) if chosen is not None else None
        return self.render_template(
            "reporting/board.html",
            choices=choices,
            chosen=chosen,
            overview=found,
            tiles=TILES,
            measure=Measure,
        )
