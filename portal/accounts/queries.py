"""Finding staff, and the rows a staff member may see."""

from collections.abc import Iterable

import sqlalchemy as sa
from flask_appbuilder.security.sqla.models import Role as FabRole
from flask_appbuilder.security.sqla.models import User
from sqlalchemy.orm import Session, joinedload

from portal.accounts.models import SiteMembership, StaffProfile, Training
from portal.actors import EVERYTHING, Actor, Scope
from portal.areas import queries as areas
from portal.roles import PROVINCE_WIDE
from portal.sites.models import Site


def find_by_user(session: Session, user_id: int) -> StaffProfile | None:
    """The profile behind a login."""
    return session.scalars(
        sa.select(StaffProfile)
        .options(joinedload(StaffProfile.user))
        .where(StaffProfile.user_id == user_id)
    ).first()


def role_names(session: Session, user_id: int) -> frozenset[str]:
    """The roles of a login."""
    return frozenset(
        session.scalars(sa.select(FabRole.name).join(FabRole.user).where(User.id == user_id))
    )


def scope_of(session: Session, profile: StaffProfile, roles: Iterable[str]) -> Scope:
    """The rows a staff member may touch: the province, or an area with all below it, or sites."""
    if not PROVINCE_WIDE.isdisjoint(roles):
        return EVERYTHING
    site_ids = set(
        session.scalars(
            sa.select(SiteMembership.site_id).where(SiteMembership.staff_id == profile.id)
        )
    )
    if profile.site_id is not None:
        site_ids.add(profile.site_id)
    area_ids: frozenset[int] = frozenset()
    if profile.area_id is not None:
        area_ids = areas.below(session, [profile.area_id])
        site_ids.update(session.scalars(sa.select(Site.id).where(Site.area_id.in_(area_ids))))
    elif site_ids:
        # Declarations are kept by area: a site's people see those of the site's own unit.
        area_ids = frozenset(session.scalars(sa.select(Site.area_id).where(Site.id.in_(site_ids))))
    return Scope(site_ids=frozenset(site_ids), area_ids=area_ids)


def actor_for(session: Session, profile: StaffProfile) -> Actor:
    """The actor that a staff member is."""
    roles = role_names(session, profile.user_id)
    return Actor(
        kind="staff",
        name=profile.user.username,
        user_id=profile.user_id,
        staff_id=profile.id,
        roles=roles,
        scope=scope_of(session, profile, roles),
    )


def trained_staff_ids(session: Session, staff_ids: Iterable[int]) -> frozenset[int]:
    """Which of the staff have a recorded training."""
    return frozenset(
        session.scalars(
            sa.select(Training.staff_id).where(Training.staff_id.in_(list(staff_ids))).distinct()
        )
    )


def usernames(session: Session) -> set[str]:
    """Every username, lower case."""
    return set(session.scalars(sa.select(sa.func.lower(User.username))))
