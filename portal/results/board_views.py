"""«Ống mẫu lúc này»: tubes now, what is urgent, what to chase, who is planned and in no tube."""

from typing import Any

from flask import Response, request
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session

from portal import clock
from portal.audit import services as audit
from portal.campaigns.models import Campaign
from portal.errors import DomainError, NotFound
from portal.results import advice, board, planned, roster
from portal.results.run_views import uploaded
from portal.samples.words import TUBE_STATUSES
from portal.sites.models import Site
from portal.web.sheets import template_file
from portal.web.views import (
    StationView,
    current_actor,
    db_session,
    expose,
    permission,
    transaction,
)

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
STEPS = {
    "unsent": lazy_gettext("sealed, not sent"),
    "unreceived": lazy_gettext("sent, not received"),
    "untested": lazy_gettext("received, no result"),
}


def chosen_campaign(session: Session, wanted: str) -> tuple[list[Campaign], Campaign | None]:
    """All campaigns and the one asked for, or the newest.

    Raises:
        NotFound: there is none of this number.
    """
    campaigns = advice.campaigns(session)
    chosen = next((c for c in campaigns if str(c.id) == wanted), None)
    if chosen is None and wanted:
        raise NotFound(gettext("There is no such campaign."))
    return campaigns, chosen or (campaigns[0] if campaigns else None)


class PoolBoardView(StationView):
    """Tubes of a campaign now, urgent first."""

    route_base = "/pools/board"
    class_permission_name = "Pool board"
    default_view = "index"

    @expose("/")
    @permission("can_list")
    def index(self) -> Any:
        """The page; its script asks for it again every ten seconds."""
        session = db_session()
        campaigns, chosen = chosen_campaign(session, request.args.get("campaign", ""))
        now = clock.now()
        found = board.look(session, chosen.id, at=now) if chosen else None
        sites = [row.site_id or row.laboratory_id for row in found.alarms] if found else []
        return self.render_template(
            "results/board.html",
            title=gettext("Tubes now"),
            campaigns=campaigns,
            campaign=chosen,
            board=found,
            statuses=TUBE_STATUSES,
            in_flight=board.IN_FLIGHT,
            steps=STEPS,
            site_names={
                site.id: site.name
                for site in session.query(Site).where(Site.id.in_([key for key in sites if key]))
            },
            looked_at=now,
        )


class ChaseView(StationView):
    """Overdue tubes by team and laboratory (F8)."""

    route_base = "/pools/chase"
    class_permission_name = "Pool board"
    default_view = "index"

    @expose("/")
    @permission("can_list")
    def index(self) -> Any:
        """Whom to call, longest waiting first."""
        groups = board.chase_list(db_session())
        return self.render_template(
            "results/chase.html",
            title=gettext("Overdue tubes"),
            groups=groups,
            tube_count=sum(len(lines) for _name, lines in groups),
            people_count=sum(line.tube.sample_count for _n, lines in groups for line, _id in lines),
            steps=STEPS,
            looked_at=clock.now(),
        )


class PlannedView(StationView):
    """Who declared and is in no tube (F9)."""

    route_base = "/pools/planned"
    class_permission_name = "Retests"
    default_view = "index"

    @expose("/")
    @permission("can_list")
    def index(self) -> Any:
        """A commune: households not finished first."""
        return self._page({})

    @expose("/compare", methods=["POST"])
    @permission("can_list")
    def compare(self) -> Any:
        """A list of who was to be sampled: who of it is in no tube. Nothing of it is kept."""
        try:
            content, name = uploaded()
            with transaction(current_actor()) as session:
                _campaigns, chosen = chosen_campaign(session, request.form.get("campaign", ""))
                compared = roster.compare(
                    session,
                    current_actor(),
                    campaign_id=chosen.id if chosen else 0,
                    file_name=name,
                    content=content,
                )
        except DomainError as error:
            return self._page({"problem": error}), error.status
        return self._page({"compared": compared, "file_name": name})

    @expose("/template")
    @permission("can_list")
    def template(self) -> Any:
        """The empty list."""
        answer = Response(template_file(roster.COLUMNS), mimetype=XLSX)
        answer.headers.set("Content-Disposition", "attachment", filename="danh-sach-du-kien.xlsx")
        return answer

    def _page(self, given: dict[str, Any]) -> Any:
        with transaction(current_actor()) as session:
            campaigns, chosen = chosen_campaign(session, request.values.get("campaign", ""))
            areas = planned.areas_of(session, chosen.id) if chosen else []
            wanted = request.values.get("area", "")
            area = next((a for a in areas if str(a.id) == wanted), areas[0] if areas else None)
            found = None
            if chosen and area and not given:
                found = planned.list_of(session, chosen, area.id)
            if found is not None and found.people:
                audit.note(
                    session, current_actor(), "read planned list", "declarations",
                    row_count=found.people,
                )  # fmt: skip
            return self.render_template(
                "results/planned.html",
                title=gettext("Planned, in no tube"),
                campaigns=campaigns,
                campaign=chosen,
                areas=areas,
                area=area,
                found=found,
                given=given,
            )
