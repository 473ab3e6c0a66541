"""«Thiết kế gộp»: arrays and given matrices; what their pools say together, whom to test first."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext, lazy_gettext

from portal import clock
from portal.errors import DomainError, Invalid
from portal.pools import designs, media
from portal.results import queries, rules, screens, services
from portal.samples.rules import TubeStatus, clean_code
from portal.samples.words import CONTROLS, OUTCOMES, TUBE_STATUSES
from portal.web.views import (
    StationView,
    current_actor,
    db_session,
    expose,
    permission,
    transaction,
)

# The word for a tube of a design: what is said, and in which tone.
VERDICTS = {
    "open": (lazy_gettext("waits"), "wait"),
    "negative": (lazy_gettext("negative (COMP)"), "ok"),
    "candidate": (lazy_gettext("candidate: test singly"), "warn"),
    "definite": (lazy_gettext("only candidate (DD): test singly, first"), "bad"),
    "doubted": (lazy_gettext("contradiction: test singly"), "warn"),
    "single_positive": (lazy_gettext("tested singly: positive"), "bad"),
    "single_inconclusive": (lazy_gettext("tested singly: inconclusive"), "warn"),
    "single_invalid": (lazy_gettext("tested singly: invalid"), "warn"),
    "single_negative": (lazy_gettext("tested singly: negative"), "ok"),
}


class DesignView(StationView):
    """Designs of overlapping pools: plan, scan, pipette, decode."""

    route_base = "/laboratory/designs"
    class_permission_name = "Rack"
    default_view = "index"

    @expose("/")
    @permission("can_record")
    def index(self) -> Any:
        """Designs made, and the form for a new one."""
        return self._plan_page({})

    @expose("/", methods=["POST"])
    @permission("can_record")
    def plan(self) -> Any:
        """Shows the grid of what was scanned; with `step=make` makes the pools."""
        given = request.form
        laboratory = screens.chosen_laboratory(db_session(), given.get("laboratory", ""))
        codes = [clean_code(code) for code in given.get("codes", "").split()]
        entered: dict[str, Any] = {**given, "codes": "\n".join(codes)}
        try:
            entered["plan"] = plan = _plan(given)
            entered["placed"] = dict(enumerate(codes))
            filled = [places for places in plan.pools.values() if places[0] < len(codes)]
            entered["pool_count"] = len(filled)
            if given.get("step") != "make":
                return self._plan_page(entered)
            with transaction(current_actor()) as session:
                design_id = designs.make(
                    session,
                    current_actor(),
                    laboratory_id=laboratory.id,
                    plan=plan,
                    tube_codes=codes,
                ).id
        except DomainError as error:
            return self._plan_page(entered | {"problem": error}), error.status
        flash(gettext("The pools were made. Print the sheet and pipette."), "success")
        return redirect(url_for("DesignView.show", design_id=design_id))

    @expose("/<int:design_id>")
    @permission("can_record")
    def show(self, design_id: int) -> Any:
        """One design: pools, decoding, contradictions, whom to test singly."""
        return self._show_page("results/design.html", design_id)

    @expose("/<int:design_id>/record", methods=["POST"])
    @permission("can_record")
    def record(self, design_id: int) -> Any:
        """Records the pools that were read, as one run; what was entered stays on a mistake."""
        entered = request.form.to_dict()
        try:
            with transaction(current_actor()) as session:
                board = designs.board(
                    session, current_actor(), design_id, tested_singly=queries.outcomes_by_tube
                )
                read = {pool.mix.code: entered.get(f"outcome-{pool.name}") for pool in board.pools}
                report = services.record(
                    session,
                    current_actor(),
                    laboratory_id=board.design.laboratory_id,
                    readings=[services.Reading(code, said) for code, said in read.items() if said],
                    facts=services.RunFacts(
                        positive_control=_control(entered.get("positive_control")),
                        negative_control=_control(entered.get("negative_control")),
                    ),
                )
        except DomainError as error:
            page = self._show_page(
                "results/design.html", design_id, entered=entered | {"problem": error}
            )
            return page, error.status
        flash(gettext("Run %(code)s was recorded.", code=report.run_code), "success")
        return redirect(url_for("ReleaseView.show", run_id=report.run_id))

    @expose("/<int:design_id>/paper")
    @permission("can_record")
    def paper(self, design_id: int) -> Any:
        """The pipetting sheet."""
        return self._show_page("results/design_paper.html", design_id)

    def _show_page(
        self, template: str, design_id: int, entered: dict[str, Any] | None = None
    ) -> Any:
        board = designs.board(
            db_session(), current_actor(), design_id, tested_singly=queries.outcomes_by_tube
        )
        return self.render_template(
            template,
            title=gettext("Design %(code)s", code=board.design.code),
            board=board,
            verdicts=VERDICTS,
            outcomes=OUTCOMES,
            readable=rules.READABLE,
            statuses=TUBE_STATUSES,
            controls=CONTROLS,
            unread=[pool.name for pool in board.pools if pool.mix.status == TubeStatus.RECEIVED],
            entered=entered or {},
            printed_at=clock.now(),
        )

    def _plan_page(self, entered: dict[str, Any]) -> Any:
        session = db_session()
        laboratory = screens.chosen_laboratory(session, request.values.get("laboratory", ""))
        waiting = screens.waiting_tubes(session, laboratory.id, 96)
        waiting = [tube for tube in waiting if tube.pool_kind != media.MIX]
        rows, columns = designs.suggested_sides(len(waiting))
        return self.render_template(
            "results/designs.html",
            title=gettext("Overlapping pools"),
            laboratory=laboratory,
            laboratories=screens.laboratories(session),
            waiting=waiting,
            rows=rows,
            columns=columns,
            lines=designs.designs_of(session, laboratory.id),
            entered=entered,
        )


def _plan(given: Any) -> designs.Plan:
    if given.get("kind") == "matrix":
        return designs.matrix_plan(given.get("matrix", ""))
    sides = [given.get(name, "").strip() for name in ("rows", "columns")]
    if not all(side.isascii() and side.isdigit() and len(side) <= 3 for side in sides):  # noqa: PLR2004
        raise Invalid(gettext("Rows and columns are numbers."))
    return designs.array_plan(int(sides[0]), int(sides[1]))


def _control(value: str | None) -> str:
    return value if value in set(rules.Control) else str(rules.Control.UNSET)
