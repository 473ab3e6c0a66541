"""Every route × every role: what a role may open, opens; everything else is refused, by any verb.

The routes are those the application really registers, so a new one is covered the day it comes.
"""

import uuid
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from portal import roles
from portal.roles import Role
from tests.portal.web.world import World, sign_in, token

# Routes for anyone, each because nobody is signed in there.
PUBLIC_VIEWS = {"LoginView", "LanguageView", "HomeView"}
PUBLIC_ROUTES = {"healthz", "metrics", "static", "appbuilder.static"}
SELF = "self"


def _view_of(app: Flask, rule: Rule) -> Any:
    name = rule.endpoint.partition(".")[0]
    views = app.appbuilder.baseviews  # type: ignore[attr-defined]
    return next((view for view in views if view.endpoint == name), None)


def _permission_of(view: Any, rule: Rule) -> str | None:
    method = getattr(type(view), rule.endpoint.partition(".")[2], None)
    return getattr(method, "_permission_name", None)


def _is_public(view: Any) -> bool:
    return any(base.__name__ == "PublicView" for base in type(view).__mro__) or (
        type(view).__name__ in PUBLIC_VIEWS
    )


def _rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint not in PUBLIC_ROUTES]


def _path(rule: Rule) -> str:
    """The rule with a value for every argument that no row has."""
    values: dict[str, Any] = {}
    for name, converter in rule._converters.items():
        kind = type(converter).__name__
        values[name] = {
            "IntegerConverter": 987654,
            "UUIDConverter": uuid.UUID(int=1),
            "AnyConverter": min(getattr(converter, "items", {"x"})),
        }.get(kind, "x")
    built = rule.build(values)
    assert built is not None
    return str(built[1])


def test_every_route_names_a_permission_or_is_known_to_be_public(app: Flask) -> None:
    loose = []
    for rule in _rules(app):
        view = _view_of(app, rule)
        if rule.endpoint.endswith(".static") or (view is not None and _is_public(view)):
            continue
        if view is None or _permission_of(view, rule) is None:
            loose.append(rule.endpoint)
    assert loose == []


def test_public_views_are_few_and_say_why(app: Flask) -> None:
    views = [view for view in app.appbuilder.baseviews if _is_public(view)]  # type: ignore[attr-defined]
    assert all((type(view).__doc__ or "").strip() for view in views)
    assert len(views) <= 10


def test_every_permission_that_a_route_asks_for_is_granted_to_somebody(app: Flask) -> None:
    missing = set()
    for rule in _rules(app):
        view = _view_of(app, rule)
        name = _permission_of(view, rule) if view is not None else None
        # Every list can be exported; a list that nobody may export is a choice, not a slip.
        if name is None or name in {SELF, "export"} or _is_public(view):
            continue
        if not roles.GRANTS.get(view.class_permission_name, {}).get(f"can_{name}"):
            missing.add(f"{view.class_permission_name}.can_{name}")
    assert missing == set()


def test_every_grant_belongs_to_a_view(app: Flask) -> None:
    held = {view.class_permission_name for view in app.appbuilder.baseviews}  # type: ignore[attr-defined]
    assert set(roles.GRANTS) - held == set()


@pytest.mark.parametrize("role", list(Role))
def test_a_role_is_refused_whatever_it_is_not_granted(app: Flask, world: World, role: Role) -> None:
    slug = role.value.lower().replace(" ", "-")
    browser = sign_in(app, slug if slug in world.staff else f"{slug}-a")
    sent = token(browser)
    wrong = []
    for rule in _rules(app):
        view = _view_of(app, rule)
        name = _permission_of(view, rule) if view is not None else None
        if name is None or name == SELF or _is_public(view):
            continue
        is_granted = roles.may(frozenset({role.value}), f"can_{name}", view.class_permission_name)
        for verb in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            answer = browser.open(_path(rule), method=verb, headers={"X-CSRFToken": sent})
            if (answer.status_code == 403) == is_granted or answer.status_code >= 500:
                wrong.append((verb, rule.endpoint, answer.status_code, is_granted))
    assert wrong == []


def test_nobody_opens_anything_without_signing_in(app: Flask, world: World) -> None:
    browser = app.test_client()
    sent = token(browser, "/login/")
    wrong = []
    for rule in _rules(app):
        view = _view_of(app, rule)
        if view is None or _is_public(view):
            continue
        for verb in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            answer = browser.open(_path(rule), method=verb, headers={"X-CSRFToken": sent})
            if answer.status_code not in {302, 401} or (
                answer.status_code == 302 and not answer.headers["Location"].startswith("/login/")
            ):
                wrong.append((verb, rule.endpoint, answer.status_code))
    assert wrong == []
