"""The login door: who may come in, counted failures, locks, one-time codes, passwords.

Failures are counted in the database, by account first (whether it exists or not, so that the
answer tells nothing) and by network loosely, since a whole hospital may stand behind one address.
"""

import datetime as dt
import hashlib
import hmac
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_appbuilder.security.sqla.models import Role as FabRole
from flask_appbuilder.security.sqla.models import User, assoc_user_role
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from core_rs import CoreError, check_code
from portal import clock, roles
from portal.accounts.models import LoginAttempt, SiteMembership, StaffProfile, Training
from portal.actors import EVERYTHING, Actor, Scope
from portal.areas.models import AdminUnit
from portal.errors import Forbidden, Invalid, NotFound, TooMany
from portal.sites.models import Site
from portal.web.access import Login

WINDOW = dt.timedelta(minutes=15)
MAX_FAILURES_PER_ACCOUNT = 5
MAX_FAILURES_PER_NETWORK = 200
SHORTEST_PASSWORD = 10
_CACHE_SECONDS = 60.0
_CACHE_SIZE = 5000
# Spent on names that do not exist, so that they take as long as those that do.
_NOBODY = generate_password_hash("nobody")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a try at the door came to: a login, or the refusal to show."""

    login: Login | None = None
    problem: Forbidden | TooMany | None = None


def sign_in(
    session: Session, *, username: str, password: str, network: str, secret: str
) -> Outcome:
    """Tries a name and a password (or the one-time code of a first login).

    The try is recorded in any case: the caller commits whatever the outcome.
    """
    subject = _keyed(secret, "account", username.strip().lower())
    keyed_network = _keyed(secret, "network", network)
    until = _locked_until(session, subject, keyed_network)
    if until is not None:
        return Outcome(problem=_locked(until))
    profile = session.scalars(
        sa.select(StaffProfile)
        .join(StaffProfile.user)
        .where(sa.func.lower(User.username) == username.strip().lower())
    ).one_or_none()
    is_right = _matches(profile, password)
    session.add(
        LoginAttempt(
            at=clock.now(),
            door="login",
            subject=subject,
            network=keyed_network,
            is_success=is_right,
        )
    )
    if profile is None or not is_right:
        session.flush()
        until = _locked_until(session, subject, keyed_network)
        wrong = Forbidden(gettext("The name or the password is not right."), code="login.wrong")
        return Outcome(problem=_locked(until) if until else wrong)
    problem = _closed(session, profile)
    if problem is not None:
        return Outcome(problem=problem)
    profile.user.last_login = clock.now().replace(tzinfo=None)
    profile.user.login_count = (profile.user.login_count or 0) + 1
    session.flush()
    return Outcome(login=login_of(session, profile))


def sign_out(session: Session, actor: Actor) -> None:
    """Ends every session of the account: a copied cookie is worth nothing afterwards."""
    _own_profile(session, actor).session_version += 1


def change_password(session: Session, actor: Actor, *, current: str, new: str) -> Login:
    """Sets a new password and ends every other session.

    After a one-time code the current password is not asked for; the code is then used up.

    Raises:
        Forbidden: the current password is not right.
        Invalid: the new one is too simple; every reason is named.
    """
    profile = _own_profile(session, actor)
    is_first = bool(profile.first_login_hash) and profile.must_change_password
    if not is_first and not check_password_hash(profile.user.password or "", current):
        raise Forbidden(gettext("The current password is not right."), code="password.current")
    problems = password_problems(new, profile.user.username)
    if current == new:
        problems.append(gettext("The new password must differ from the current one."))
    if problems:
        raise Invalid(gettext("Please choose another password."), details=problems)
    profile.user.password = generate_password_hash(new)
    profile.first_login_hash = ""
    profile.first_login_expires_at = None
    profile.must_change_password = False
    profile.status = "active" if profile.status == "invited" else profile.status
    profile.session_version += 1
    session.flush()
    return login_of(session, profile)


def password_problems(password: str, username: str) -> list[str]:
    """Every reason against a password, as sentences."""
    problems = []
    if len(password) < SHORTEST_PASSWORD:
        problems.append(
            gettext("The password needs at least %(count)s characters.", count=SHORTEST_PASSWORD)
        )
    if password.isdigit() or password.isalpha():
        problems.append(gettext("The password needs letters and other signs."))
    if username.lower() in password.lower():
        problems.append(gettext("The password may not contain the login name."))
    if len(set(password)) < SHORTEST_PASSWORD // 2:
        problems.append(gettext("The password repeats too few characters."))
    return problems


def _matches(profile: StaffProfile | None, password: str) -> bool:
    if profile is None:
        check_password_hash(_NOBODY, password)
        return False
    if profile.first_login_hash and _is_code_valid(profile):
        # The code replaces the password until it is used up.
        return check_password_hash(profile.first_login_hash, _folded(password))
    return bool(profile.user.password) and check_password_hash(profile.user.password, password)


def _folded(code: str) -> str:
    """A code as it was printed: people read O for 0 and type spaces."""
    try:
        return check_code(code)
    except CoreError:
        return code


def _is_code_valid(profile: StaffProfile) -> bool:
    end = profile.first_login_expires_at
    return end is None or end > clock.now()


def _closed(session: Session, profile: StaffProfile) -> Forbidden | None:
    """Why a right password still does not open the door."""
    is_invited = profile.status == "invited" and bool(profile.first_login_hash)
    if profile.status != "active" and not is_invited:
        return Forbidden(gettext("This account is suspended."), code="login.suspended")
    if not profile.user.active:
        return Forbidden(gettext("This account is suspended."), code="login.suspended")
    if profile.expires_on is not None and profile.expires_on < clock.today():
        return Forbidden(gettext("This account has expired."), code="login.expired")
    is_trained = session.scalar(
        sa.select(Training.id).where(Training.staff_id == profile.id).limit(1)
    )
    if is_trained is None:
        return Forbidden(
            gettext("This account opens once your training is recorded."), code="login.untrained"
        )
    return None


def _locked_until(session: Session, subject: str, network: str) -> dt.datetime | None:
    since = clock.now() - WINDOW
    last_success = sa.select(sa.func.max(LoginAttempt.at)).where(
        LoginAttempt.subject == subject, LoginAttempt.is_success
    )
    failures = session.scalars(
        sa.select(LoginAttempt.at)
        .where(
            LoginAttempt.subject == subject,
            LoginAttempt.at > since,
            LoginAttempt.at > sa.func.coalesce(last_success.scalar_subquery(), since),
            ~LoginAttempt.is_success,
        )
        .order_by(LoginAttempt.at.desc())
        .limit(MAX_FAILURES_PER_ACCOUNT)
    ).all()
    if len(failures) >= MAX_FAILURES_PER_ACCOUNT:
        return failures[0] + WINDOW
    count = session.scalar(
        sa.select(sa.func.count(LoginAttempt.id)).where(
            LoginAttempt.network == network, LoginAttempt.at > since, ~LoginAttempt.is_success
        )
    )
    return clock.now() + WINDOW if (count or 0) >= MAX_FAILURES_PER_NETWORK else None


def _locked(until: dt.datetime) -> TooMany:
    return TooMany(
        gettext(
            "Too many failed attempts. Please try again after %(time)s.",
            time=clock.local(until).strftime("%H:%M"),
        ),
        retry_after_seconds=max(1, int((until - clock.now()).total_seconds())),
        code="login.locked",
    )


def _own_profile(session: Session, actor: Actor) -> StaffProfile:
    profile = session.get(StaffProfile, actor.staff_id)
    if profile is None:
        raise NotFound("Not found.")
    return profile


def _keyed(secret: str, kind: str, value: str) -> str:
    return hmac.new(secret.encode(), f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()


# -- the login behind each request -------------------------------------------------------------

_cache: dict[tuple[int, int], tuple[float, Login]] = {}


def load_login(session: Session, user_id: int) -> Login | None:
    """The login of a user id: one statement, and more only when its version is new or a minute old.

    Raising `session_version` (password, logout, suspension, changed grants) therefore counts at
    once; a site newly opened in somebody's area within a minute.
    """
    row = session.execute(
        sa.select(
            StaffProfile.id,
            StaffProfile.session_version,
            StaffProfile.status,
            StaffProfile.expires_on,
            User.active,
        )
        .join(User, User.id == StaffProfile.user_id)
        .where(StaffProfile.user_id == user_id)
    ).one_or_none()
    if row is None or not row.active or row.status not in {"active", "invited"}:
        return None
    if row.expires_on is not None and row.expires_on < clock.today():
        return None
    key = (row.id, row.session_version)
    kept = _cache.get(key)
    if kept is not None and kept[0] > time.monotonic():
        return kept[1]
    profile = session.get_one(StaffProfile, row.id, populate_existing=True)
    login = login_of(session, profile)
    if len(_cache) >= _CACHE_SIZE:
        _cache.clear()
    _cache[key] = (time.monotonic() + _CACHE_SECONDS, login)
    return login


def forget_logins() -> None:
    """Empties this process's cache (tests, and commands that change many accounts)."""
    _cache.clear()


def login_of(session: Session, profile: StaffProfile) -> Login:
    """The login as a request needs it."""
    held = frozenset(
        session.scalars(
            sa.select(FabRole.name)
            .join(assoc_user_role, assoc_user_role.c.role_id == FabRole.id)
            .where(assoc_user_role.c.user_id == profile.user_id)
        )
    )
    return Login(
        id=profile.user_id,
        staff_id=profile.id,
        username=profile.user.username,
        full_name=profile.full_name,
        roles=held,
        scope=scope_of(session, profile, held),
        session_version=profile.session_version,
        must_change_password=profile.must_change_password and not profile.is_demo,
        site_name=profile.site.name if profile.site else "",
    )


def scope_of(session: Session, profile: StaffProfile, held: Iterable[str]) -> Scope:
    """The rows of an account: the province, or its sites and everything below its area."""
    if not roles.PROVINCE_WIDE.isdisjoint(held):
        return EVERYTHING
    site_ids = set(
        session.scalars(
            sa.select(SiteMembership.site_id).where(SiteMembership.staff_id == profile.id)
        )
    )
    area_ids: set[int] = set()
    if profile.site_id is not None:
        site_ids.add(profile.site_id)
    if profile.area is not None:
        below: Any = AdminUnit.id == profile.area.id
        if profile.area.path:
            below = below | AdminUnit.path.startswith(profile.area.path, autoescape=True)
        area_ids = set(session.scalars(sa.select(AdminUnit.id).where(below)))
        site_ids |= set(session.scalars(sa.select(Site.id).where(Site.area_id.in_(area_ids))))
    return Scope(site_ids=frozenset(site_ids), area_ids=frozenset(area_ids))
