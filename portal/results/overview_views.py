"""Turnaround by step, and what the pools say of an area."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext

from portal.errors import DomainError
from portal.results import advice, turnaround
from portal.results.board_views import chosen_campaign
from portal.web.formats import day
from portal.web.views import (
    StationView,
    current_actor,
    db_session,
    expose,
    permission,
    transaction,
)


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
        campaigns, chosen = chosen_campaign(session, request.args.get("campaign", ""))
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

    @expose("/apply", methods=["POST"])
    @permission("can_apply")
    def apply(self) -> Any:
        """Makes a size the rule from tomorrow on; the dialog on the page asked first."""
        campaign, size = (request.form.get(name, "") for name in ("campaign", "size"))
        try:
            with transaction(current_actor()) as session:
                rule = advice.apply_size(
                    session,
                    current_actor(),
                    campaign_id=int(campaign) if campaign.isdigit() else 0,
                    size=int(size) if size.isdigit() else 0,
                )
                told = {"size": rule.default_size, "day": day(rule.valid_from)}
        except DomainError as error:
            flash(error.message, "danger")
        else:
            flash(gettext("From %(day)s on %(size)s people share a tube.", **told), "success")
        return redirect(url_for("PoolAdviceView.index", campaign=campaign))
