"""What every template may use: settings, the menu, static files that browsers keep for a year."""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, current_app, url_for
from flask_babel import get_locale
from jinja2 import FileSystemLoader

from portal.settings import Settings
from portal.web import access, forms, timing

_PORTAL = Path(__file__).parents[1]


class AccountUrls:
    """Addresses of the pages about one's own account, named by the area above."""

    login: Callable[[], str]
    logout: Callable[[], str]
    session: Callable[[], str]
    password: Callable[[], str] | None = None
    jobs: Callable[[], str] | None = None
    feedback: Callable[[str, str], str] | None = None  # of a screen and a request number


account_urls = AccountUrls()


def init_app(app: Flask, config: Settings) -> None:
    """Finds the templates of every area and fills the template globals."""
    folders = [*sorted(_PORTAL.glob("*/templates"))]
    app.jinja_loader = FileSystemLoader([str(folder) for folder in folders])
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        appbuilder=app.appbuilder,  # type: ignore[attr-defined]
        tram=config,
        static_url=static_url,
        get_locale=get_locale,
        visible_menu=access.visible_menu,
        may=access.may,
        account_urls=account_urls,
        described=described,
        form_problems=forms.form_problems,
        request_id=timing.request_id,
    )


def static_url(path: str) -> str:
    """The address of a static file with a mark of its content: kept for a year, never stale."""
    return url_for("static", filename=path, v=_mark(str(current_app.static_folder), path))


@cache
def _mark(folder: str, path: str) -> str:
    return hashlib.blake2b((Path(folder) / path).read_bytes(), digest_size=5).hexdigest()


def described(field: Any) -> dict[str, Any]:
    """ARIA attributes that tie a form field to its help and its problems."""
    ids = [f"{field.id}-help"] * bool(field.description) + [f"{field.id}-problem"] * bool(
        field.errors
    )
    attributes = {"aria_describedby": " ".join(ids)} if ids else {}
    return attributes | ({"aria_invalid": "true"} if field.errors else {})
