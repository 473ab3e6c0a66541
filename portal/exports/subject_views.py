"""«Ai đã xem»: who saw or changed what belongs to one person."""

from typing import Any

from flask import request
from flask_babel import gettext

from portal.errors import DomainError
from portal.exports import subject_access
from portal.web.views import StationView, current_actor, expose, permission, transaction


class SubjectAccessView(StationView):
    """A code in, the list of readings out; what was typed never stands in an address."""

    route_base = "/audit-subject"
    class_permission_name = "AuditEvents"
    default_view = "index"

    @expose("/")
    @permission("can_show")
    def index(self) -> Any:
        """The question."""
        return self._page()

    @expose("/", methods=["POST"])
    @permission("can_show")
    def find(self) -> Any:
        """The answer."""
        typed = request.form.get("typed", "")[:40]
        readings_only = request.form.get("all", "") != "1"
        actor = current_actor()
        try:
            with transaction(actor) as session:
                found = subject_access.find(
                    session, actor, typed=typed, readings_only=readings_only
                )
        except DomainError as error:
            said = (
                gettext("Nobody is behind this code or number.")
                if error.status == 404  # noqa: PLR2004
                else error.message
            )
            return self._page(typed=typed, problem=said), error.status
        return self._page(typed=typed, found=found, readings_only=readings_only)

    def _page(
        self,
        *,
        typed: str = "",
        found: subject_access.Access | None = None,
        problem: str = "",
        readings_only: bool = True,
    ) -> Any:
        return self.render_template(
            "exports/subject_access.html",
            title=gettext("Who saw a person's data"),
            typed=typed,
            found=found,
            problem=problem,
            readings_only=readings_only,
            most=subject_access.MOST_EVENTS,
        )
