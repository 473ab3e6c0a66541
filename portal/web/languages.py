"""Vietnamese by default, English on request; kept in a cookie, so that reading sets none."""

from typing import Any
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, has_request_context, redirect, request
from flask_appbuilder import BaseView, expose
from flask_babel import get_domain

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


class _FormTexts:
    """The words of WTForms' own checks from our catalogue: it ships no Vietnamese one.

    They come back with their places for values still in them, which WTForms fills.
    """

    def ugettext(self, text: str) -> str:
        """One text."""
        return str(get_domain().get_translations().ugettext(text))

    def ungettext(self, one: str, many: str, count: int) -> str:
        """A text that depends on a number."""
        return str(get_domain().get_translations().ungettext(one, many, count))


def init_app(app: Flask) -> None:
    """Gives every form its language."""
    texts = _FormTexts()

    @app.before_request
    def translate_forms() -> None:
        # Where Flask-WTF keeps, and looks first for, the catalogue of a request.
        request.wtforms_translations = texts  # type: ignore[attr-defined]


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
