"""Around each request: the actor for the scope wall, and the password that must be changed."""

from typing import Any

from flask import Flask, abort, redirect, request

from portal import db
from portal.web import access
from portal.web.layout import account_urls

# Open to an account whose password must first be changed.
_OPEN = {
    "OwnAccountView.password",
    "OwnAccountView.logout",
    "LanguageView.index",
    # The page of the new password asks it before it sends its form.
    "SessionView.state",
}


def init_app(app: Flask) -> None:
    """Registers the steps; static files pass without a login being loaded."""
    app.before_request(_enter)
    app.teardown_request(_leave)


def _enter() -> Any:
    endpoint = request.endpoint or ""
    if endpoint.endswith("static"):
        return None
    db.request_actor.set(access.current_actor())
    login = access.current_login()
    if login is not None and login.must_change_password and endpoint not in _OPEN:
        if access.wants_json() or account_urls.password is None:
            abort(403)
        return redirect(account_urls.password())
    return None


def _leave(error: BaseException | None) -> None:
    del error
    db.request_actor.set(None)
