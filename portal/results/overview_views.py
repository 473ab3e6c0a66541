"""Turnaround by step, and what the pools say of an area."""

from typing import Any

from flask import request
from flask_babel import gettext

from portal.errors import NotFound
from portal.results import advice, turnaround
from portal.web.views import StationView, db_session, expose, permission


class TurnaroundView(StationView):
    """How long each step takes."""

    route_base = "/turnaround"
    class_permission_name = "Turnaround"
    default_view = "index"

    @expose("/")
    @permission("can_list")
    def index(self) -> Any:
        """The last seven days."""
        steps, sites = turnaround.measure(db_session())
        return self.render_template(
            "results/turnaround.html",
            title=gettext("Turnaround"),
            steps=steps,
            sites=sites,
            names={name: step[2] for name, step in turnaround.STEPS.items()},
            days=turnaround.DAYS,
        )


class PoolAdviceView(StationView):
    """Positive share by area, and the pool size it speaks for."""

    route_base = "/pools/advice"
    class_permission_name = "Pool advice"
    default_view = "index"

    @expose("/")
    @permission("can_list")
    def index(self) -> Any:
        """One campaign."""
        session = db_session()
        campaigns = advice.campaigns(session)
        wanted = request.args.get("campaign", "")
        chosen = next((c for c in campaigns if str(c.id) == wanted), None)
        if chosen is None and wanted:
            raise NotFound(gettext("There is no such campaign."))
        chosen = chosen or (campaigns[0] if campaigns else None)
        wanted = request.args.get("sensitivity", "")
        sensitivity = next(
            (each for each in advice.SENSITIVITIES if str(each) == wanted),
            advice.USUAL_SENSITIVITY,
        )
        return self.render_template(
            "results/advice.html",
            title=gettext("Pools and positive share"),
            campaigns=campaigns,
            campaign=chosen,
            sensitivity=sensitivity,
            sensitivities=advice.SENSITIVITIES,
            advice=(advice.advise(session, chosen.id, sensitivity=sensitivity) if chosen else None),
        )
