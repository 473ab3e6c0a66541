"""Which pages may be read from the replica: lists, the home page and reports of the staff.

What is opened, changed or decided is read where it is written. Whoever wrote something reads
there, too, until the replica surely has it; the signed cookie says so to every node.
"""

from collections.abc import Callable
from typing import Any

from flask import Flask, request
from flask import session as cookie
from sqlalchemy.exc import DBAPIError

from portal import clock, db, replica
from portal.web import access
from portal.web.records import RowView

# Longer than the replica may be behind, by more than the clocks of two nodes may differ.
PIN_SECONDS = 2 * replica.LONGEST_LAG
_AREAS = {"home", "reporting"}
_WROTE = "wrote"


def init_app(app: Flask) -> None:
    """Stands behind the steps that load the login, which is never read from the replica."""
    kept: dict[str, bool] = {}

    @app.before_request
    def choose() -> None:
        db.has_written.set(False)
        replica.is_enough.set(False)
        endpoint = request.endpoint or ""
        if endpoint not in kept:
            kept[endpoint] = may_be_late(app, endpoint)
        if kept[endpoint] and request.method in {"GET", "HEAD"} and not _is_pinned():
            replica.is_enough.set(_is_there())

    @app.after_request
    def remember(response: Any) -> Any:
        # A page that is only looked at leaves no more than its trace in the audit log.
        is_change = request.method not in {"GET", "HEAD"} and db.has_written.get()
        if is_change and access.current_login() is not None:
            cookie[_WROTE] = int(clock.now().timestamp())
        return response

    @app.teardown_request
    def leave(error: BaseException | None) -> None:
        del error
        replica.is_enough.set(False)
        db.has_written.set(False)

    app.dispatch_request = _with_second_try(app.dispatch_request)  # type: ignore[method-assign]


def may_be_late(app: Flask, endpoint: str) -> bool:
    """Whether a route shows many rows, of which a few may be seconds old."""
    name, _, method = endpoint.partition(".")
    owner = next((v for v in app.appbuilder.baseviews if v.endpoint == name), None)  # type: ignore[attr-defined]
    if owner is None:
        return False
    if isinstance(owner, RowView):
        return method == "list"
    return type(owner).__module__.split(".")[1:2] in [[area] for area in _AREAS]


def _is_pinned() -> bool:
    wrote_at = cookie.get(_WROTE)
    return wrote_at is not None and clock.now().timestamp() - wrote_at < PIN_SECONDS


def _is_there() -> bool:
    """Whether the replica is configured, fresh, and answers now."""
    session = db.db_session()
    found: replica.Replica | None = session.info.get("replica")
    if found is None or not found.is_fresh():
        return False
    try:
        session.connection(bind_arguments={"bind": found.engine})
    except DBAPIError as error:
        found.fail(error)
        return False
    return True


def _with_second_try(dispatch: Callable[[], Any]) -> Callable[[], Any]:
    """A replica that ends in the middle of a page: the page is made again from the database."""

    def dispatch_request() -> Any:
        try:
            return dispatch()
        except DBAPIError as error:
            if not replica.is_enough.get():
                raise
            db.db_session().info["replica"].fail(error)
            replica.is_enough.set(False)
            db.db_session.rollback()
            return dispatch()

    return dispatch_request
