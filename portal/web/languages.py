"""Vietnamese by default, English on request; kept in a cookie, so that reading sets none."""

from typing import Any
from urllib.parse import urlsplit

from flask import abort, current_app, has_request_context, redirect, request
from flask_appbuilder import BaseView, expose

COOKIE = "language"
_ONE_YEAR = 365 * 24 * 3600


def language() -> str:
    """The language of this request."""
    languages = current_app.config["LANGUAGES"]
    wanted = request.cookies.get(COOKIE, "") if has_request_context() else ""
    default: str = current_app.config["BABEL_DEFAULT_LOCALE"]
    return wanted if wanted in languages else default


def local_path(target: str | None) -> str:
    """`target` if it is a path of this site, else the home page: no redirect leads away."""
    parts = urlsplit(target or "/")
    is_local = not parts.scheme and not parts.netloc and parts.path.startswith("/")
    has_trick = "\\" in (target or "") or (target or "").startswith("//")
    return target if target and is_local and not has_trick else "/"


class LanguageView(BaseView):
    """Switches the language and goes back."""

    route_base = "/lang"
    class_permission_name = "Languages"
    default_view = "index"

    @expose("/<string:locale>")
    def index(self, locale: str) -> Any:
        """Sets the cookie and returns to `next`."""
        if locale not in current_app.config["LANGUAGES"]:
            abort(404)
        response = redirect(local_path(request.args.get("next")))
        response.set_cookie(
            COOKIE,
            locale,
            max_age=_ONE_YEAR,
            httponly=True,
            samesite="Lax",
            secure=current_app.config["SESSION_COOKIE_SECURE"],
        )
        return response
