"""Who asks: the login behind a request, its actor, and what each route demands.

`portal.web` knows no accounts. The area above fills two hooks at start: `register_login_loader`
(a user id becomes a `Login`) and `register_login_view` (where an anonymous visitor is sent).
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import abort, current_app, g, has_request_context, redirect, request, url_for
from flask_login import UserMixin, current_user
from sqlalchemy.orm import Session

from portal import roles
from portal.actors import PUBLIC, Actor, Scope
from portal.db import db_session


@dataclass(frozen=True, slots=True)
class Login(UserMixin):
    """A signed-in staff member as one request needs it; not an ORM row, so it costs one SELECT.

    Attributes:
        id: the FAB user's key.
        staff_id: the staff profile's key.
        username: login name, shown in the audit.
        full_name: shown in the page head.
        roles: names of the roles held.
        scope: the rows the account may touch.
        session_version: sessions that carry another number are over.
        must_change_password: every page but the password page is closed until it is done.
        site_name: shown in the page head.
    """

    id: int
    staff_id: int
    username: str
    full_name: str
    roles: frozenset[str]
    scope: Scope
    session_version: int
    must_change_password: bool = False
    site_name: str = ""

    def get_id(self) -> str:
        """The value kept in the signed cookie: ended by raising `session_version`."""
        return f"{self.id}.{self.session_version}"

    def get_full_name(self) -> str:
        """FAB's templates ask for it by this name."""
        return self.full_name

    @property
    def actor(self) -> Actor:
        """The actor this login is, for services and the audit."""
        return Actor(
            kind="staff",
            name=self.username,
            user_id=self.id,
            staff_id=self.staff_id,
            roles=self.roles,
            scope=self.scope,
        )


LoginLoader = Callable[[Session, int], Login | None]


class _Hooks:
    """What the areas above fill in at start."""

    load_login: LoginLoader | None = None
    login_endpoint: str = ""


def register_login_loader(loader: LoginLoader) -> None:
    """Names the function that makes a `Login` of a user id, or None if it may not be used."""
    _Hooks.load_login = staticmethod(loader)


def register_login_view(endpoint: str) -> None:
    """Names the endpoint that anonymous visitors are sent to."""
    _Hooks.login_endpoint = endpoint


def load_login(cookie_id: str) -> Login | None:
    """The login of a session cookie: None when its version is old or its account is closed."""
    user_id, _, version = cookie_id.partition(".")
    if _Hooks.load_login is None or not (user_id.isdigit() and version.isdigit()):
        return None
    login = _Hooks.load_login(db_session(), int(user_id))
    return login if login is not None and login.session_version == int(version) else None


def login_of_user(session: Session, user_id: int) -> Login | None:
    """The login of a user, for work done in their name in the background; None if closed."""
    return _Hooks.load_login(session, user_id) if _Hooks.load_login is not None else None


def current_login() -> Login | None:
    """The signed-in staff member of this request, or None."""
    if not has_request_context() or not current_user.is_authenticated:
        return None
    login: Login = current_user._get_current_object()  # noqa: SLF001
    return login


def current_actor() -> Actor:
    """Who acts in this request: the signed-in staff member, or the public."""
    if "actor" not in g:
        login = current_login()
        g.actor = login.actor if login else PUBLIC
    actor: Actor = g.actor
    return actor


def may(permission: str, view: str) -> bool:
    """Whether whoever asks holds a permission (`can_list`, …) on a permission class."""
    return roles.may(current_actor().roles, permission, view)


def wants_json() -> bool:
    """Whether the answer should be JSON: asked for by a script, not by a person's browser."""
    accepted = request.accept_mimetypes
    return request.is_json or accepted["application/json"] > accepted["text/html"]


def refuse() -> Any:
    """The answer to somebody without the permission: 403, or the login page, or 401."""
    if current_login() is not None:
        abort(403)
    if wants_json():
        abort(401)
    return redirect(login_url())


def login_url() -> str:
    """The login page, coming back to the path asked for (never to its query string)."""
    back = request.path if request.method == "GET" else None
    return url_for(_Hooks.login_endpoint, next=back if back != "/" else None)


def permission(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Guards a route of a view class by a permission of its `class_permission_name`.

    Put it under `@expose`. `name` is `can_list`, `can_show`, … or a verb of ours (`can_release`).
    """
    bare = name.removeprefix("can_")

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not may(f"can_{bare}", self.class_permission_name):
                return refuse()
            return view(self, *args, **kwargs)

        guarded._permission_name = bare  # type: ignore[attr-defined]  # noqa: SLF001
        return guarded

    return decorate


def signed_in(view: Callable[..., Any]) -> Callable[..., Any]:
    """Guards a route that everybody with an account may use (own password, signing out)."""

    @functools.wraps(view)
    def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
        return view(self, *args, **kwargs) if current_login() is not None else refuse()

    guarded._permission_name = "self"  # type: ignore[attr-defined]  # noqa: SLF001
    return guarded


def holds_any(held: frozenset[str], view: str) -> bool:
    """Whether the roles hold any permission at all on a permission class: it is in their menu."""
    return any(roles.may(held, name, view) for name in roles.GRANTS.get(view, ()))


def visible_menu() -> list[tuple[Any, list[Any]]]:
    """The menu of whoever asks: (item, its visible children), without empty categories."""
    held = current_actor().roles
    shown = []
    for entry in current_app.appbuilder.menu.get_list():  # type: ignore[attr-defined]
        children = [child for child in entry.childs if _is_shown(child, held)]
        if children or (not entry.childs and _is_shown(entry, held)):
            shown.append((entry, children))
    return shown


def _is_shown(entry: Any, held: frozenset[str]) -> bool:
    view = entry.baseview
    return (
        view is not None and entry.should_render() and holds_any(held, view.class_permission_name)
    )
