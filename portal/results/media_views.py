"""«Gộp mẫu»: tubes scanned one after the other are mixed into a laboratory pool."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext

from portal.errors import DomainError, Invalid
from portal.pools import media
from portal.results import screens
from portal.samples.words import OUTCOMES, TUBE_STATUSES
from portal.web.views import (
    StationView,
    current_actor,
    db_session,
    expose,
    permission,
    transaction,
)

SIZES = (2, 3, 5, 10)


class MediaPoolView(StationView):
    """Laboratory pools: mix, see what became of them, what to test one by one."""

    route_base = "/laboratory/pools"
    class_permission_name = "Rack"
    default_view = "index"

    @expose("/")
    @permission("can_record")
    def index(self) -> Any:
        """The list, and the box to scan into."""
        return self._page({})

    @expose("/", methods=["POST"])
    @permission("can_record")
    def mix(self) -> Any:
        """Closes the pool of the codes scanned; with problems the page keeps what was scanned."""
        given = request.form
        laboratory = screens.chosen_laboratory(db_session(), given.get("laboratory", ""))
        try:
            with transaction(current_actor()) as session:
                pool = media.mix(
                    session,
                    current_actor(),
                    laboratory_id=laboratory.id,
                    tube_codes=given.get("codes", "").split(),
                    pool_code=given.get("label", ""),
                )
                code = pool.code
        except DomainError as error:
            return self._page({"codes": given.get("codes", ""), "problem": error}), error.status
        flash(gettext("Pool %(code)s was made and waits for its test.", code=code), "success")
        return redirect(url_for("MediaPoolView.index", laboratory=laboratory.id))

    @expose("/fill", methods=["POST"])
    @permission("can_record")
    def fill(self) -> Any:
        """The next waiting tubes, by accession number, into the scan box."""
        session = db_session()
        laboratory = screens.chosen_laboratory(session, request.form.get("laboratory", ""))
        size = request.form.get("size", "")
        if size not in {str(each) for each in SIZES}:
            raise Invalid(gettext("Choose how many tubes."))
        tubes = [t for t in screens.waiting_tubes(session, laboratory.id, 96) if _fits(t)]
        return self._page({"codes": "\n".join(tube.code for tube in tubes[: int(size)])})

    def _page(self, entered: dict[str, Any]) -> Any:
        session = db_session()
        laboratory = screens.chosen_laboratory(session, request.values.get("laboratory", ""))
        lines = media.pools_of(session, laboratory.id)
        return self.render_template(
            "results/media.html",
            title=gettext("Pools of the laboratory"),
            laboratory=laboratory,
            laboratories=screens.laboratories(session),
            waiting_count=screens.count_waiting(session, laboratory.id),
            sizes=SIZES,
            lines=lines,
            tube_count=sum(len(line.members) for line in lines),
            people_count=sum(line.tube.sample_count for line in lines if line.tube),
            outcomes=OUTCOMES,
            statuses=TUBE_STATUSES,
            entered=entered,
        )


def _fits(tube: Any) -> bool:
    """Whether a waiting tube may go into a mix: not a mix itself."""
    return bool(tube.pool_kind != media.MIX)
