"""«Duyệt kết quả»: positives first, what holds, one key to release; corrections."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext

from portal.errors import DomainError
from portal.pools.rules import FINDINGS, STATE_NAMES
from portal.results import screens, services
from portal.results.matching import ReleaseReport
from portal.results.models import LabRun
from portal.results.rules import READABLE, ResultStatus, RunStatus, is_blocked
from portal.samples.words import CONTROLS, OUTCOMES, RESULT_STATUSES, RUN_STATUSES
from portal.web.formats import number
from portal.web.views import (
    StationView,
    current_actor,
    db_session,
    expose,
    may,
    permission,
    transaction,
)

LARGEST_PREVIEW = 500


class ReleaseView(StationView):
    """Runs of a laboratory, their release and their corrections."""

    route_base = "/laboratory/runs"
    class_permission_name = "Runs"
    default_view = "index"

    @expose("/")
    @permission("can_list")
    def index(self) -> Any:
        """Runs: open ones first."""
        session = db_session()
        laboratory = screens.chosen_laboratory(session, request.args.get("laboratory", ""))
        return self.render_template(
            "results/runs.html",
            title=gettext("Release results"),
            laboratory=laboratory,
            laboratories=screens.laboratories(session),
            lines=screens.runs(session, laboratory.id),
            amendments=screens.waiting_amendments(session, laboratory.id),
            statuses=RUN_STATUSES,
            outcomes=OUTCOMES,
            own_id=current_actor().user_id,
            can_release=may("can_release", self.class_permission_name),
        )

    @expose("/<int:run_id>")
    @permission("can_show")
    def show(self, run_id: int) -> Any:
        """One run: what would be released, and what would be held."""
        return self._page(run_id)

    @expose("/<int:run_id>/release", methods=["POST"])
    @permission("can_release")
    def release(self, run_id: int) -> Any:
        """Verifies and releases the run, but for the results marked to be held."""
        held = {
            int(key): request.form.get(f"reason.{key}", "")
            for key in request.form.getlist("hold")
            if key.isdigit()
        }
        try:
            with transaction(current_actor()) as session:
                run = screens.get_run(session, run_id)
                if run.status == RunStatus.RECORDED:
                    services.verify(session, current_actor(), run_id=run_id)
                report = services.release(session, current_actor(), run_id=run_id, hold=held)
        except DomainError as error:
            return self._page(run_id, error)
        _tell(report)
        return redirect(url_for("ReleaseView.show", run_id=run_id))

    @expose("/<int:run_id>/controls", methods=["POST"])
    @permission("can_record")
    def controls(self, run_id: int) -> Any:
        """Sets how the controls came out."""
        try:
            with transaction(current_actor()) as session:
                services.set_controls(
                    session,
                    current_actor(),
                    run_id=run_id,
                    positive_control=request.form.get("positive_control", ""),
                    negative_control=request.form.get("negative_control", ""),
                )
        except DomainError as error:
            return self._page(run_id, error)
        return redirect(url_for("ReleaseView.show", run_id=run_id))

    @expose("/results/<int:result_id>/lift", methods=["POST"])
    @permission("can_release")
    def lift(self, result_id: int) -> Any:
        """Takes a hold by hand back."""
        with transaction(current_actor()) as session:
            result = services.lift_hold(session, current_actor(), result_id=result_id)
            run_id = result.run_id
        return redirect(url_for("ReleaseView.show", run_id=run_id))

    @expose("/results/<int:result_id>/amend", methods=["POST"])
    @permission("can_amend")
    def amend(self, result_id: int) -> Any:
        """Records a correction; it waits for a second person."""
        run_id = services.get_result(db_session(), current_actor(), result_id).run_id
        try:
            with transaction(current_actor()) as session:
                services.amend(
                    session,
                    current_actor(),
                    result_id=result_id,
                    outcome=request.form.get("outcome", ""),
                    reason=request.form.get("reason", ""),
                )
        except DomainError as error:
            return self._page(run_id, error)
        flash(gettext("The correction waits for release by a second person."), "success")
        return redirect(url_for("ReleaseView.show", run_id=run_id))

    @expose("/results/<int:result_id>/release", methods=["POST"])
    @permission("can_release")
    def release_amendment(self, result_id: int) -> Any:
        """Releases a correction."""
        run_id = services.get_result(db_session(), current_actor(), result_id).run_id
        try:
            with transaction(current_actor()) as session:
                report = services.release_amendment(session, current_actor(), result_id=result_id)
        except DomainError as error:
            return self._page(run_id, error)
        _tell(report)
        return redirect(url_for("ReleaseView.show", run_id=run_id))

    def _page(self, run_id: int, problem: DomainError | None = None) -> Any:
        session = db_session()
        run = screens.get_run(session, run_id)
        results = screens.results_of_run(session, run_id)
        waiting = [r for r in results if r.status == ResultStatus.RECORDED and r.amends_id is None]
        expected = _preview(run, len(waiting)) if waiting and problem is None else None
        session = db_session()
        tube_ids = [row.tube_id for row in results if row.tube_id is not None]
        page = self.render_template(
            "results/run.html",
            title=gettext("Run %(code)s", code=run.code),
            run=run,
            results=results,
            waiting=waiting,
            expected=expected,
            counts=screens.outcome_counts(results),
            findings=screens.findings_of_tubes(session, tube_ids),
            finding_kinds=FINDINGS,
            state_names=STATE_NAMES,
            outcomes=OUTCOMES,
            readable=READABLE,
            statuses=RUN_STATUSES,
            result_statuses=RESULT_STATUSES,
            control_names=CONTROLS,
            is_blocked=is_blocked(run.positive_control, run.negative_control),
            is_own=run.recorded_by_id == current_actor().user_id,
            can_release=may("can_release", self.class_permission_name),
            can_amend=may("can_amend", self.class_permission_name),
            can_record=may("can_record", self.class_permission_name),
            problem=problem,
        )
        return page, (problem.status if problem else 200)


def _preview(run: LabRun, waiting: int) -> ReleaseReport | None:
    """What a release now would do; nothing of it is kept."""
    if waiting > LARGEST_PREVIEW:
        return None
    session = db_session()
    try:
        return services.preview(session, current_actor(), run_id=run.id)
    finally:
        session.rollback()


def _tell(report: ReleaseReport) -> None:
    """Says what a release did."""
    flash(gettext("%(count)s tubes released.", count=number(report.released)), "success")
    if report.held:
        flash(
            gettext(
                "%(count)s tubes are held by findings: %(codes)s",
                count=len(report.held),
                codes=", ".join(report.held[:10]),
            ),
            "warning",
        )
    if report.urgent:
        flash(
            gettext(
                "URGENT: %(count)s people had been told “negative”. Call them now.",
                count=len(report.urgent),
            ),
            "danger",
        )
