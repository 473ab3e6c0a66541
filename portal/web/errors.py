"""Every error in one place: a plain sentence with the way out, as a page or as JSON."""

import structlog
from flask import Flask, Response, jsonify, make_response, render_template
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from portal.db import db_session
from portal.errors import DomainError, TooMany
from portal.web import access

log = structlog.get_logger()


def init_app(app: Flask) -> None:
    """Registers the handlers."""
    app.register_error_handler(DomainError, domain_error)
    app.register_error_handler(CSRFError, csrf_error)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(OperationalError, database_error)
    app.register_error_handler(Exception, unexpected_error)


def sentence(status: int) -> str:
    """What happened, in one plain sentence, for an HTTP status."""
    sentences = {
        400: gettext("The request could not be understood."),
        401: gettext("Please sign in first."),
        403: gettext("Your account may not open this page. Ask your account administrator."),
        404: gettext("There is no such page or record."),
        405: gettext("This page can not be used in that way."),
        413: gettext("The file is too large."),
        415: gettext("This kind of file is not accepted."),
        422: gettext("Something in the form is not right."),
        429: gettext("Too many requests. Please wait a little and try again."),
        503: gettext("A part of the system is not answering. Nothing was lost; please try again."),
    }
    return sentences.get(status) or gettext(
        "An error on our side. It has been recorded; please try again."
    )


def answer(
    status: int, message: str = "", *, code: str = "", details: tuple[str, ...] = ()
) -> Response:
    """An error as a page, or as JSON for scripts."""
    message = message or sentence(status)
    if access.wants_json():
        body = {"code": code or str(status), "message": message, "details": list(details)}
        return make_response(jsonify(body), status)
    page = render_template("web/error.html", status=status, message=message, details=details)
    return make_response(page, status)


def domain_error(error: DomainError) -> Response:
    """A service said no: its sentence is meant for the user, except that 404 tells nothing."""
    db_session.rollback()
    if error.status == 404:  # noqa: PLR2004
        return answer(404, code=error.code)
    response = answer(error.status, error.message, code=error.code, details=error.details)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def csrf_error(error: CSRFError) -> Response:
    """The form was open too long, or came from elsewhere."""
    del error
    message = gettext("This form has expired. Go back, reload the page and send it again.")
    return answer(400, message, code="csrf")


def http_error(error: HTTPException) -> Response:
    """An error of the web layer; its own text is for developers and stays here."""
    if error.code is None or error.code < 400:  # noqa: PLR2004 - redirects are no errors
        return make_response(error.get_response())
    response = answer(error.code)
    for name, value in error.get_headers():
        if name.lower() in {"allow", "retry-after"}:
            response.headers[name] = value
    return response


def database_error(error: OperationalError) -> Response:
    """The database is away or busy."""
    db_session.rollback()
    log.error("database", kind=type(error.orig).__name__)
    return answer(503, code="database")


def unexpected_error(error: Exception) -> Response:
    """A fault of ours: logged with its trace, told without details."""
    db_session.rollback()
    log.error("unexpected", kind=type(error).__name__, exc_info=error)
    return answer(500)
