"""«Lấy lại mẫu»: who, where, phone, hours left; on the screen and on paper."""

import io
from typing import Any

from flask import flash, redirect, request, send_file, url_for
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
from reports import slips
from reports.qr import qr_address

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
    "discarded": lazy_gettext("tube thrown away at the point"),
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

    @expose("/labels", methods=["POST"])
    @permission("can_note")
    def reserve(self) -> Any:
        """Reserves a tube code for everybody on the list, then shows the sheet with them."""
        chosen = {name: _number(request.form.get(name, "")) for name in ("area", "site")}
        try:
            with transaction(current_actor()) as session:
                count = retests.reserve_labels(
                    session, current_actor(), area_id=chosen["area"], site_id=chosen["site"]
                )
        except DomainError as error:
            flash(error.message, "danger")
            return redirect(_url("index", chosen))
        if count:
            flash(gettext("%(count)s labels were reserved.", count=count), "success")
        return redirect(_url("paper", chosen))

    @expose("/labels.pdf")
    @permission("can_note")
    def labels(self) -> Any:
        """The reserved labels of the list, to stick on, in the order of the sheet."""
        lines = retests.due(
            db_session(),
            area_id=_number(request.args.get("area", "")),
            site_id=_number(request.args.get("site", "")),
        )
        hamlets = retests.by_hamlet(lines)
        codes = [line.label for hamlet in hamlets for line in hamlet.lines if line.label]
        if not codes:
            flash(gettext("No label is reserved yet."), "warning")
            return redirect(url_for("RetestView.index"))
        return send_file(
            io.BytesIO(slips.label_sheet(codes)),
            mimetype="application/pdf",
            download_name="nhan-lay-mau-lai.pdf",
        )

    def _page(self, template: str) -> Any:
        area_id = _number(request.args.get("area", ""))
        site_id = _number(request.args.get("site", ""))
        with transaction(current_actor()) as session:
            lines = retests.due(session, area_id=area_id, site_id=site_id)
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
                unlabelled=sum(not line.label for line in lines),
                tube_count=len({line.sample.tube_id for line in lines}),
                areas=retests.areas_with_work(session),
                area_id=area_id,
                sites=retests.teams_with_work(session),
                site_id=site_id,
                visits=VISITS,
                reasons=REASONS,
                printed_at=clock.now(),
                qr=qr_address,
            )

    @expose("/<int:sample_id>/visit", methods=["POST"])
    @permission("can_note")
    def visit(self, sample_id: int) -> Any:
        """Notes what the team met."""
        outcome = request.form.get("outcome", "")
        chosen = {name: _number(request.form.get(name, "")) for name in ("area", "site")}
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
        return redirect(_url("index", chosen))


def _url(name: str, chosen: dict[str, int | None]) -> str:
    return url_for(f"RetestView.{name}", area=chosen["area"], site=chosen["site"])


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004
