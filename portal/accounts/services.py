"""Accounts: invite, grant, suspend, and what opens one for the first time."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask_appbuilder.security.sqla.models import Role as FabRole
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core_rs import sort_key
from portal import clock
from portal.accounts import queries, rules
from portal.accounts.models import SiteMembership, StaffProfile, Training
from portal.accounts.rules import StaffStatus
from portal.actors import Actor
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.roles import Role

# No password opens an account before its one-time code was used.
NO_PASSWORD = "!"  # noqa: S105 - it is the mark of having none


@dataclass(frozen=True, slots=True)
class Invitation:
    """Who gets an account.

    Attributes:
        full_name: as on the list.
        phone: ten digits, or empty.
        role: what the account may do.
        site_id: where they work, or None for people of the department.
        area_id: an area whose sites they oversee, or None.
        position: job title.
        expires_on: last day of the account; volunteers always have one.
    """

    full_name: str
    phone: str
    role: Role
    site_id: int | None = None
    area_id: int | None = None
    position: str = ""
    expires_on: dt.date | None = None


def check_may_give(actor: Actor, role: Role) -> None:
    """Raises `Forbidden` if the actor may not make an account with this role."""
    if actor.kind == "system" or Role.DEPARTMENT_ADMIN in actor.roles:
        return
    allowed = (
        rules.GIVEN_BY_ACCOUNT_ADMIN
        if Role.ACCOUNT_ADMIN in actor.roles
        else rules.GIVEN_BY_SITE_MANAGER
    )
    if role not in allowed:
        raise Forbidden(_("Your account may not give this role."), code="accounts.role_refused")


def invite(session: Session, actor: Actor, invitations: Sequence[Invitation]) -> list[StaffProfile]:
    """Makes accounts, closed until a one-time code and a training open them."""
    taken = queries.usernames(session)
    roles = _fab_roles(session, {invitation.role for invitation in invitations})
    made: list[StaffProfile] = []
    for invitation in invitations:
        check_may_give(actor, invitation.role)
        if invitation.site_id is not None:
            actor.scope.require_site(invitation.site_id)
        username = rules.username_for(invitation.full_name, taken)
        taken.add(username)
        made.append(_account(invitation, username, roles[invitation.role]))
    session.add_all(made)
    session.flush()
    return made


def _account(invitation: Invitation, username: str, role: FabRole) -> StaffProfile:
    surname, _space, rest = invitation.full_name.partition(" ")
    user = User(
        first_name=(rest or surname)[:64],
        last_name=surname[:64],
        username=username,
        email=f"{username}@tram.invalid",
        password=NO_PASSWORD,
        active=True,
        roles=[role],
    )
    expires_on = invitation.expires_on
    if invitation.role is Role.VOLUNTEER and expires_on is None:
        expires_on = clock.today() + rules.VOLUNTEER_LIFE
    return StaffProfile(
        user=user,
        full_name=invitation.full_name,
        sort_name=sort_key(invitation.full_name).hex(),
        phone=invitation.phone,
        position=invitation.position,
        site_id=invitation.site_id,
        area_id=invitation.area_id,
        expires_on=expires_on,
        created_at=clock.now(),
    )


def _fab_roles(session: Session, roles: Iterable[Role]) -> dict[Role, FabRole]:
    found = {
        Role(row.name): row
        for row in session.scalars(
            sa.select(FabRole).where(FabRole.name.in_([role.value for role in roles]))
        )
    }
    for role in roles:
        if role not in found:
            found[role] = FabRole(name=role.value)
            session.add(found[role])
    return found


def issue_first_login_codes(
    session: Session, actor: Actor, staff_ids: Sequence[int]
) -> list[tuple[StaffProfile, str]]:
    """Gives each account a new one-time code, for a printed slip; the code is kept only as a hash.

    Issuing again ends the earlier code and every open session of the account.
    """
    issued = []
    for profile in _profiles(session, actor, staff_ids):
        if profile.status in {StaffStatus.SUSPENDED, StaffStatus.WITHDRAWN}:
            raise Conflict(
                _("The account of %(name)s is closed.", name=profile.full_name),
                code="accounts.closed",
            )
        code = rules.new_first_login_code()
        profile.first_login_hash = rules.hash_first_login(code)
        profile.first_login_expires_at = clock.now() + rules.FIRST_LOGIN_LIFE
        profile.must_change_password = True
        profile.session_version += 1
        profile.locked_until, profile.failed_login_count = None, 0
        issued.append((profile, code))
    return issued


def record_training(
    session: Session, actor: Actor, *, staff_ids: Sequence[int], course: str, trained_on: dt.date
) -> int:
    """Notes that staff attended a course; gives how many had not been noted. It opens accounts."""
    problems = []
    if not course.strip():
        problems.append(_("Name the course."))
    if trained_on > clock.today():
        problems.append(_("The day of training lies in the future."))
    if problems:
        raise Invalid(problems[0], code="accounts.training", details=problems)
    profiles = _profiles(session, actor, staff_ids)
    known = set(
        session.scalars(
            sa.select(Training.staff_id).where(
                Training.staff_id.in_([p.id for p in profiles]),
                Training.course == course.strip(),
                Training.trained_on == trained_on,
            )
        )
    )
    fresh = [profile for profile in profiles if profile.id not in known]
    session.add_all(
        Training(
            staff_id=profile.id,
            course=course.strip(),
            trained_on=trained_on,
            recorded_by_id=actor.user_id,
            recorded_at=clock.now(),
        )
        for profile in fresh
    )
    return len(fresh)


def set_status(
    session: Session, actor: Actor, *, staff_id: int, status: StaffStatus
) -> StaffProfile:
    """Suspends, reinstates or withdraws an account; its open sessions end at once."""
    (profile,) = _profiles(session, actor, [staff_id])
    if profile.user_id == actor.user_id:
        raise Forbidden(_("Nobody closes their own account."), code="accounts.own")
    for role in queries.role_names(session, profile.user_id) & set(Role):
        check_may_give(actor, Role(role))
    if status not in rules.MOVES[StaffStatus(profile.status)]:
        raise Conflict(_("The account is not in a state for this."), code="accounts.move")
    profile.status = status
    profile.session_version += 1
    profile.user.active = status is not StaffStatus.WITHDRAWN
    return profile


def correct(
    session: Session,
    actor: Actor,
    *,
    staff_id: int,
    full_name: str,
    phone: str,
    position: str,
    site_id: int | None,
    expires_on: dt.date | None,
) -> StaffProfile:
    """Corrects what is known of a staff member."""
    (profile,) = _profiles(session, actor, [staff_id])
    if not full_name.strip():
        raise Invalid(_("A name is needed."), code="accounts.name")
    if site_id is not None:
        actor.scope.require_site(site_id)
    profile.full_name = full_name.strip()
    profile.sort_name = sort_key(full_name.strip()).hex()
    profile.phone, profile.position = phone, position
    if site_id != profile.site_id:
        profile.site_id = site_id
        profile.session_version += 1
    profile.expires_on = expires_on
    profile.version += 1
    return profile


def grant(
    session: Session, actor: Actor, *, staff_id: int, role: Role, site_ids: Sequence[int]
) -> StaffProfile:
    """Gives an account one role and the further sites it works at; its open sessions end."""
    (profile,) = _profiles(session, actor, [staff_id])
    check_may_give(actor, role)
    for site_id in site_ids:
        actor.scope.require_site(site_id)
    profile.user.roles = [_fab_roles(session, {role})[role]]
    if role is Role.VOLUNTEER and profile.expires_on is None:
        profile.expires_on = clock.today() + rules.VOLUNTEER_LIFE
    session.execute(sa.delete(SiteMembership).where(SiteMembership.staff_id == profile.id))
    session.add_all(SiteMembership(staff_id=profile.id, site_id=i) for i in sorted(set(site_ids)))
    profile.session_version += 1
    return profile


def _profiles(session: Session, actor: Actor, staff_ids: Sequence[int]) -> list[StaffProfile]:
    """The named profiles, all of them within the actor's scope."""
    found = list(
        session.scalars(
            sa.select(StaffProfile)
            .where(StaffProfile.id.in_(list(staff_ids)))
            .order_by(StaffProfile.id)
        )
    )
    if len(found) != len(set(staff_ids)):
        raise NotFound(_("Not found."))
    for profile in found:
        if not actor.scope.is_everything:
            actor.scope.require_site(profile.site_id)
    return found
