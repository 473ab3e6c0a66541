"""«Lấy lại mẫu»: who, where, phone, hours left; on the screen and on paper."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext, lazy_gettext

from portal import clock
from portal.audit import services as audit
from portal.errors import DomainError, Invalid
from portal.pools.rules import Visit
from portal.results import corrections, retests
from portal.web.views import (
    StationView,
    current_actor,
    db_session,
    expose,
    permission,
    transaction,
)

VISITS = {
    Visit.REACHED: lazy_gettext("reached, sample taken"),
    Visit.ABSENT: lazy_gettext("not at home"),
    Visit.REFUSED: lazy_gettext("refused"),
    Visit.MOVED: lazy_gettext("moved away"),
    Visit.DIED: lazy_gettext("died"),
}
REASONS = {
    "suspect": lazy_gettext("positive pool"),
    "resample": lazy_gettext("invalid test"),
    "single_invalid": lazy_gettext("invalid test"),
    "lost": lazy_gettext("tube lost"),
    "rejected": lazy_gettext("tube rejected"),
    "antigen_positive": lazy_gettext("positive rapid test"),
    "antigen_inconclusive": lazy_gettext("rapid test read differently"),
    "antigen_invalid": lazy_gettext("invalid rapid test"),
}


class RetestView(StationView):
    """The field team's list of the day."""

    route_base = "/retests"
    class_permission_name = "Retests"
    default_view = "index"

    @expose("/")
    @permission("can_list")
    def index(self) -> Any:
        """Everybody who waits, by hamlet."""
        return self._page("results/retests.html")

    @expose("/paper")
    @permission("can_list")
    def paper(self) -> Any:
        """The sheet to take along."""
        return self._page("results/retests_paper.html")

    def _page(self, template: str) -> Any:
        wanted = request.args.get("area", "")
        area_id = int(wanted) if wanted.isdigit() else None
        with transaction(current_actor()) as session:
            lines = retests.due(session, area_id=area_id)
            if lines:
                keys = [line.sample.id for line in lines]
                audit.read_many(session, current_actor(), "samples", keys, action="list to retest")
        return self.render_template(
            template,
            title=gettext("Sample again"),
            hamlets=retests.by_hamlet(lines),
            total=len(lines),
            overdue=sum(line.is_overdue for line in lines),
            urgent=sum(line.sample.is_urgent for line in lines),
            areas=retests.areas_with_work(db_session()),
            area_id=area_id,
            visits=VISITS,
            reasons=REASONS,
            printed_at=clock.now(),
        )

    @expose("/<int:sample_id>/visit", methods=["POST"])
    @permission("can_note")
    def visit(self, sample_id: int) -> Any:
        """Notes what the team met."""
        outcome = request.form.get("outcome", "")
        area = request.form.get("area") or None
        try:
            if outcome not in set(Visit):
                raise Invalid(gettext("Choose what the team met."))
            with transaction(current_actor()) as session:
                corrections.note_visit(
                    session,
                    current_actor(),
                    sample_id=sample_id,
                    outcome=Visit(outcome),
                    note=request.form.get("note", ""),
                )
        except DomainError as error:
            flash(error.message, "danger")
        else:
            flash(gettext("Noted: %(what)s.", what=VISITS[Visit(outcome)]), "success")
        return redirect(url_for("RetestView.index", area=area))
