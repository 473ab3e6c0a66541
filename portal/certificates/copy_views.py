"""Print copies of what a list or a filter finds, and the official list of a session."""

import io
import tempfile
from pathlib import Path
from typing import Any

from flask import flash, redirect, request, send_file, url_for
from flask_babel import gettext

from portal import clock
from portal.certificates import print_copies, session_lists
from portal.certificates.staff_views import asked_filter, filter_arguments
from portal.errors import Invalid, NotFound
from portal.web import exporting
from portal.web.seals import seal, unseal
from portal.web.views import (
    StationView,
    current_actor,
    db_session,
    expose,
    may,
    permission,
    transaction,
)


class PrintCopyView(StationView):
    """One PDF of everything a filter, a list or a selection finds."""

    route_base = "/print-copies"
    class_permission_name = "ResultPapers"

    @expose("/of-list")
    @permission("can_export")
    def of_list(self) -> Any:
        """How many papers the search of a list finds, before anything is made."""
        view = _listed(request.args.get("view", ""))
        search = view.read_search()
        wanted = print_copies.of_list(view.endpoint, search.terms)
        found = print_copies.count(db_session(), wanted)
        return self.render_template(
            "certificates/print_copy.html",
            title=gettext("Print copy"),
            list_title=view.list_title,
            back=url_for(f"{view.endpoint}.list", **_without_view()),
            found=found,
            most=print_copies.MOST_PAPERS,
            view_name=view.endpoint,
            sealed=seal(search.terms),
        )

    @expose("/", methods=["POST"])
    @permission("can_export")
    def make(self) -> Any:
        """A few papers at once, many by a worker."""
        wanted, back = _wanted()
        actor = current_actor()
        found = print_copies.count(db_session(), wanted)
        try:
            print_copies.require_some(found)
            if found > print_copies.AT_ONCE:
                with transaction(actor) as session:
                    print_copies.ask(session, actor, wanted)
                _tell_it_is_written()
                return redirect(url_for("JobsView.index"))
        except Invalid as error:
            flash(error.message, "warning")
            return redirect(back)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "copy.pdf"
            print_copies.at_once(actor, wanted, path, found)
            content = path.read_bytes()
        return send_file(
            io.BytesIO(content),
            mimetype="application/pdf",
            download_name=f"ban-sao-{clock.local(clock.now()):%Y%m%d-%H%M}.pdf",
        )

    @expose("/session-list", methods=["POST"])
    @permission("can_export")
    def session_list(self) -> Any:
        """Asks for the official list of a session."""
        wanted, _problem = asked_filter()
        back = url_for("ResultPaperView.index", **filter_arguments(wanted))
        try:
            with transaction(current_actor()) as session:
                session_lists.ask(
                    session,
                    current_actor(),
                    collection_session_id=wanted.collection_session_id or 0,
                    number=request.form.get("number", "").strip(),
                )
        except Invalid as error:
            for problem in error.details or (error.message,):
                flash(problem, "warning")
            return redirect(back)
        _tell_it_is_written()
        return redirect(url_for("JobsView.index"))


def _tell_it_is_written() -> None:
    flash(gettext("The file is being written. You can go on working meanwhile."), "info")


def _listed(endpoint: str) -> Any:
    """A list whose rows name samples, if whoever asks may see it."""
    view = exporting.view_of(endpoint)
    if view.model.__tablename__ not in print_copies.TABLES or not may(
        "can_list", view.class_permission_name
    ):
        raise NotFound("Not found.")
    return view


def _without_view() -> dict[str, Any]:
    return {name: value for name, value in request.args.items() if name != "view"}


def _wanted() -> tuple[print_copies.Wanted, str]:
    """What the form asks for, and where to go back to if it can not be."""
    if request.form.get("view"):
        view = _listed(request.form["view"])
        terms = unseal(request.form.get("sealed", "")) or []
        return print_copies.of_list(view.endpoint, terms), url_for(f"{view.endpoint}.list")
    wanted, _problem = asked_filter()
    back = url_for("ResultPaperView.index", **filter_arguments(wanted))
    chosen = [int(key) for key in request.form.getlist("sample") if key.isdigit()]
    if chosen:
        return print_copies.of_samples(chosen), back
    return print_copies.of_filter(wanted), back
