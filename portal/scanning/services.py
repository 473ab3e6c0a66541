"""What a collector needs to begin: a session, a device of the site, a grant for the shift."""

import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session, joinedload

from portal import clock
from portal.actors import Actor
from portal.campaigns.models import CollectionSession
from portal.campaigns.rules import DEFAULT_MAX_POOL_SIZE, Method, SessionStatus
from portal.campaigns.services import find_companion, find_policy
from portal.errors import Forbidden, NotFound
from portal.ingest.grants import make_grant
from portal.ingest.models import Device
from portal.results.kits import usable_lots
from portal.results.models import KitLot
from portal.samples.models import TubeLabelRange


@dataclass(frozen=True, slots=True)
class Shift:
    """A collector at a device in a session.

    Attributes:
        sitting: the collection session.
        device: the device, of the session's site.
        grant: signed text that names the collector, sent with every event.
        max_size: the largest pool the campaign allows today.
        rolls: pre-printed rolls of the site as (prefix, digits, first, last).
        lots: rapid test lots that may be used today; empty in a session for RT-PCR.
        pcr_session_code: where RT-PCR samples after a positive rapid test go; may be empty.
    """

    sitting: CollectionSession
    device: Device
    grant: str
    max_size: int
    rolls: list[tuple[str, int, int, int]]
    lots: list[KitLot]
    pcr_session_code: str = ""

    @property
    def is_rapid(self) -> bool:
        """Whether rapid antigen tests are done here."""
        return self.sitting.method == Method.ANTIGEN


def open_sessions(session: Session, actor: Actor) -> list[CollectionSession]:
    """The open sessions of the actor's sites, the newest first."""
    query = (
        sa.select(CollectionSession)
        .options(joinedload(CollectionSession.site), joinedload(CollectionSession.campaign))
        .where(CollectionSession.status == SessionStatus.OPEN)
        .order_by(CollectionSession.held_on.desc(), CollectionSession.id.desc())
        .limit(20)
    )
    if not actor.scope.is_everything:
        query = query.where(CollectionSession.site_id.in_(actor.scope.site_ids))
    return list(session.scalars(query))


def begin_shift(
    session: Session, actor: Actor, *, session_code: str, device_uid: str, secret_key: str
) -> Shift:
    """Signs a grant for the actor at a device of the session's site.

    Raises:
        NotFound: no such session or device within the actor's sites.
        Forbidden: the session is closed, or the device belongs to another site or is revoked.
    """
    sitting = get_session_of(session, actor, session_code)
    if sitting.status != SessionStatus.OPEN:
        raise Forbidden(_("This session is not open."), code="scanning.session_closed")
    device = find_device(session, device_uid)
    if device is None or device.site_id != sitting.site_id or device.status != "active":
        raise Forbidden(
            _("This device is not enrolled at the site. Ask the site manager to enrol it."),
            code="scanning.device",
        )
    if actor.staff_id is None or actor.user_id is None:
        raise Forbidden(_("Only staff collect samples."), code="scanning.staff")
    grant = make_grant(
        secret_key,
        staff_id=actor.staff_id,
        user_id=actor.user_id,
        username=actor.name,
        site_id=sitting.site_id,
        at=clock.now(),
    )
    policy = find_policy(session, sitting.campaign_id, sitting.method, sitting.held_on)
    is_rapid = sitting.method == Method.ANTIGEN
    companion = find_companion(session, sitting) if is_rapid else None
    return Shift(
        sitting=sitting,
        device=device,
        grant=grant,
        max_size=policy.max_size if policy else DEFAULT_MAX_POOL_SIZE,
        rolls=_rolls(session, sitting.site_id),
        lots=usable_lots(session, clock.today()) if is_rapid else [],
        pcr_session_code=companion.code if companion else "",
    )


def get_session_of(session: Session, actor: Actor, code: str) -> CollectionSession:
    """The collection session of this code.

    Raises:
        NotFound: there is none at the actor's sites.
    """
    sitting = session.scalars(
        sa.select(CollectionSession).where(CollectionSession.code == code)
    ).one_or_none()
    if sitting is None or not actor.scope.covers_site(sitting.site_id):
        raise NotFound(_("Not found."))
    return sitting


def find_device(session: Session, device_uid: str) -> Device | None:
    """The device with this public id; a text that is no id finds nothing."""
    try:
        uid = uuid.UUID(device_uid)
    except ValueError:
        return None
    return session.scalars(sa.select(Device).where(Device.uid == uid)).one_or_none()


def _rolls(session: Session, site_id: int) -> list[tuple[str, int, int, int]]:
    found = session.scalars(
        sa.select(TubeLabelRange)
        .where(TubeLabelRange.site_id == site_id, TubeLabelRange.kind == "foreign")
        .order_by(TubeLabelRange.id.desc())
        .limit(50)
    )
    return [(roll.prefix, roll.number_width, roll.first_number, roll.last_number) for roll in found]
