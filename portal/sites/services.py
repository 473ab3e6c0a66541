"""Sites: open, correct, close, and confirm that they are ready."""

import re
from dataclasses import dataclass

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core_rs import CoreError, parse_phone
from portal import clock
from portal.actors import Actor
from portal.areas.models import AdminUnit
from portal.errors import Conflict, Invalid, NotFound
from portal.sites.models import Site, SiteReadiness
from portal.sites.rules import CHECKLIST, MOVES, SiteKind, SiteStatus
from portal.sites.words import ITEM_LABELS

_CODE = re.compile(r"^[A-Z0-9-]{2,16}$")


@dataclass(frozen=True, slots=True)
class SiteDetails:
    """What is known of a site, as typed or imported."""

    code: str
    name: str
    kind: str
    area_id: int
    address: str = ""
    phone: str = ""
    is_fee_charging: bool = False


def create(session: Session, actor: Actor, details: SiteDetails) -> Site:
    """Adds a site with its checklist, not yet open."""
    values = _checked(session, actor, details, site_id=None)
    site = Site(**values)
    site.readiness = [SiteReadiness(item=item) for item in CHECKLIST[SiteKind(details.kind)]]
    session.add(site)
    session.flush()
    return site


def correct(session: Session, actor: Actor, *, site_id: int, details: SiteDetails) -> Site:
    """Corrects a site; its kind stays, since its rows depend on it."""
    site = get(session, actor, site_id)
    values = _checked(session, actor, details, site_id=site_id)
    if values["kind"] != site.kind:
        raise Conflict(_("A site keeps its kind."), code="sites.kind")
    for name, value in values.items():
        setattr(site, name, value)
    site.version += 1
    return site


def get(session: Session, actor: Actor, site_id: int) -> Site:
    """The site, if it exists for this actor."""
    actor.scope.require_site(site_id)
    site = session.get(Site, site_id)
    if site is None:
        raise NotFound(_("Not found."))
    return site


def _checked(
    session: Session, actor: Actor, details: SiteDetails, site_id: int | None
) -> dict[str, object]:
    """Column values, or every problem at once."""
    problems = []
    code = details.code.strip().upper()
    if not _CODE.match(code):
        problems.append(_("The code takes 2 to 16 letters, digits and hyphens."))
    taken = session.scalar(sa.select(Site.id).where(Site.code == code))
    if taken is not None and taken != site_id:
        problems.append(_("Another site has the code %(code)s.", code=code))
    if not details.name.strip():
        problems.append(_("A name is needed."))
    if details.kind not in set(SiteKind):
        problems.append(_("«%(kind)s» is no kind of site.", kind=details.kind))
    if session.get(AdminUnit, details.area_id) is None:
        problems.append(_("Choose the area of the site."))
    phone = ""
    if details.phone.strip():
        try:
            phone = parse_phone(details.phone).number
        except CoreError:
            problems.append(_("«%(text)s» is no Vietnamese phone number", text=details.phone))
    if problems:
        raise Invalid(problems[0], code="sites.invalid", details=problems)
    if not actor.scope.is_everything and site_id is None:
        actor.scope.require_area(details.area_id)
    return {
        "code": code,
        "name": details.name.strip(),
        "kind": details.kind,
        "area_id": details.area_id,
        "address": details.address.strip(),
        "phone": phone,
        "is_fee_charging": details.is_fee_charging,
    }


def confirm_ready(
    session: Session, actor: Actor, *, site_id: int, item: str, is_ready: bool
) -> SiteReadiness:
    """Ticks or unticks a line of the checklist."""
    get(session, actor, site_id)
    line = session.scalars(
        sa.select(SiteReadiness).where(SiteReadiness.site_id == site_id, SiteReadiness.item == item)
    ).first()
    if line is None:
        raise NotFound(_("Not found."))
    line.is_ready = is_ready
    line.confirmed_at, line.confirmed_by_id = clock.now(), actor.user_id
    return line


def set_status(session: Session, actor: Actor, *, site_id: int, status: SiteStatus) -> Site:
    """Opens or closes a site; it opens only when every line of its checklist is ready."""
    site = get(session, actor, site_id)
    if status not in MOVES[SiteStatus(site.status)]:
        raise Conflict(_("The site is not in a state for this."), code="sites.move")
    if status is SiteStatus.OPEN:
        missing = session.scalars(
            sa.select(SiteReadiness.item).where(
                SiteReadiness.site_id == site_id, SiteReadiness.is_ready.is_(False)
            )
        ).all()
        if missing:
            raise Conflict(
                _(
                    "The site is not ready: %(items)s",
                    items=", ".join(str(ITEM_LABELS[item]) for item in missing),
                ),
                code="sites.not_ready",
                details=list(missing),
            )
        site.opened_at, site.closed_at = clock.now(), None
    else:
        site.closed_at = clock.now()
    site.status = status
    site.version += 1
    return site
