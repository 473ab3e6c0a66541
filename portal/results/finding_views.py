"""The list of contradictions: what is held, who may close it, and why it was closed."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext, lazy_gettext

from portal.errors import DomainError
from portal.pools import wording
from portal.pools.models import Finding
from portal.pools.rules import FINDINGS, may_close
from portal.results import corrections, services
from portal.results.board_views import STEPS
from portal.web.formats import number
from portal.web.views import (
    RecordView,
    SQLAInterface,
    Step,
    current_actor,
    expose,
    permission,
    transaction,
)

STATUSES = [
    ("open", lazy_gettext("open"), "warn"),
    ("closed", lazy_gettext("closed"), "ok"),
    ("gone", lazy_gettext("no longer true"), "mute"),
]
KINDS = [(code, code, "bad") for code in FINDINGS]


def said_detail(detail: Any) -> str:
    """The detail of a finding as one line."""
    if not isinstance(detail, dict):
        return str(detail or "")
    parts = [str(detail[name]) for name in ("tube_code", "run") if detail.get(name)]
    if detail.get("note"):
        parts.append(wording.said(str(detail["note"])))
    if detail.get("step"):
        parts.append(_said_step(detail))
    if detail.get("tail") is not None:
        parts.append(_said_share(detail))
    if detail.get("similar"):
        parts.append(gettext("similar codes: %(codes)s", codes=", ".join(detail["similar"])))
    return " · ".join(parts)


def _said_step(detail: dict[str, Any]) -> str:
    said = STEPS.get(detail["step"], detail["step"])
    return gettext("%(step)s for %(hours)s hours", step=said, hours=detail.get("hours", ""))


def _said_share(detail: dict[str, Any]) -> str:
    said = gettext(
        "%(positive)s of %(tested)s tubes positive, %(expected)s expected by chance",
        positive=detail["positive"],
        tested=detail["tested"],
        expected=number(detail["expected"]),
    )
    once = max(1, round(1 / max(detail["tail"], 1e-12)))
    return said + gettext("; chance does so once in %(once)s times", once=number(once))


class FindingView(RecordView):
    """Findings F1 to F16."""

    datamodel = SQLAInterface(Finding)
    class_permission_name = "Findings"
    route_base = "/findings"
    list_title = lazy_gettext("Findings")
    show_title = lazy_gettext("Finding")
    show_template = "results/finding.html"
    base_order = ("id", "desc")
    list_columns = ["found_at", "code", "is_blocking", "tube.code", "detail", "status"]
    show_columns = [
        "code",
        "is_blocking",
        "status",
        "tube.code",
        "detail",
        "found_at",
        "closed_at",
        "closing_reason",
    ]
    search_columns = ["code", "status", "is_blocking"]
    order_columns = ["id", "found_at"]
    link_columns = ("status", "code", "is_blocking")
    export_columns = ["code", "is_blocking", "tube.code", "found_at", "status", "closing_reason"]
    label_columns = {
        "code": lazy_gettext("Finding"),
        "is_blocking": lazy_gettext("Holds a release"),
        "tube.code": lazy_gettext("Tube"),
        "detail": lazy_gettext("What exactly"),
        "found_at": lazy_gettext("Found at"),
        "status": lazy_gettext("State"),
        "closed_at": lazy_gettext("Closed at"),
        "closing_reason": lazy_gettext("Reason of closing"),
    }
    choices_columns = {"status": STATUSES, "code": KINDS}
    formatters_columns = {"detail": said_detail}
    empty_text = lazy_gettext("No contradiction was found. Nothing is held.")

    def show_context(self, item: Finding) -> dict[str, Any]:
        """What the finding means."""
        return {
            "kind": FINDINGS[item.code],
            "closers": sorted(role.value for role in FINDINGS[item.code].closers),
        }

    def show_steps(self, item: Finding) -> list[Step]:
        """Closing, for the roles that may."""
        if item.status != "open" or not may_close(item.code, current_actor().roles):
            return []
        url = url_for("FindingView.close", pk=item.id)
        return [Step(lazy_gettext("Close the finding"), url, "can_close", tone="primary")]

    @expose("/<int:pk>/close", methods=["GET", "POST"])
    @permission("can_close")
    def close(self, pk: int) -> Any:
        """Asks for the reason (and for F1 the tube); posted, closes and matches anew."""
        item = self.get_row(pk)
        problem = None
        if request.method == "POST":
            reason = request.form.get("reason", "")
            code = request.form.get("code", "").strip()
            try:
                with transaction(current_actor()) as session:
                    if code:
                        services.assign_unknown(
                            session, current_actor(), finding_id=pk, code=code, reason=reason
                        )
                    else:
                        corrections.close_finding(
                            session, current_actor(), finding_id=pk, reason=reason
                        )
            except DomainError as error:
                problem = error
            else:
                flash(gettext("The finding was closed."), "success")
                return redirect(url_for("FindingView.show", pk=pk))
        page = self.render_template(
            "results/finding_close.html",
            title=gettext("Close finding %(code)s", code=item.code),
            view=self,
            item=item,
            kind=FINDINGS[item.code],
            detail=said_detail(item.detail),
            problem=problem,
        )
        return page, (problem.status if problem else 200)
