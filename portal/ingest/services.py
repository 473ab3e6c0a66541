"""Devices: enrol one at a site, revoke it. Quarantined events: try again, or close."""

import hashlib
import secrets

import sqlalchemy as sa
import uuid_utils.compat as uuids
from sqlalchemy.orm import Session

from portal import clock
from portal.actors import Actor
from portal.errors import Conflict, Invalid, NotFound
from portal.ingest.models import Device, QuarantinedEvent
from portal.sites.models import Site

_LONGEST_NAME = 80
_LONGEST_DETAIL = 400


def hash_token(token: str) -> str:
    """How a token is kept: SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def enrol_device(session: Session, actor: Actor, *, site_id: int, name: str) -> tuple[Device, str]:
    """Enrols a device at a site; the token is returned here and never again.

    Raises:
        NotFound: no such site, or not one of the actor's.
        Invalid: the name is empty or too long.
        Conflict: the site is closed, or has an active device of this name.
    """
    actor.scope.require_site(site_id)
    site = session.get(Site, site_id)
    if site is None:
        raise NotFound("Not found.")
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST_NAME:
        raise Invalid(f"A device needs a name of 1 to {_LONGEST_NAME} characters.")
    if site.status == "closed":
        raise Conflict("The site is closed.", code="site_closed")
    same_name = sa.select(Device.id).where(
        Device.site_id == site_id, Device.name == name, Device.status == "active"
    )
    if session.scalar(same_name) is not None:
        raise Conflict("The site has an active device of this name.", code="device_name_taken")
    token = secrets.token_urlsafe(32)
    device = Device(
        uid=uuids.uuid7(),
        name=name,
        site_id=site_id,
        token_sha256=hash_token(token),
        status="active",
        enrolled_at=clock.now(),
        enrolled_by_id=actor.user_id,
        next_seq=1,
    )
    session.add(device)
    session.flush()
    return device, token


def revoke_device(session: Session, actor: Actor, *, device_id: int) -> Device:
    """Ends a device's token. What it sent before is still applied.

    Raises:
        NotFound: no such device, or not one of the actor's sites.
        Conflict: it is revoked already.
    """
    device = session.get(Device, device_id)
    if device is None:
        raise NotFound("Not found.")
    actor.scope.require_site(device.site_id)
    if device.status == "revoked":
        raise Conflict("The device is revoked already.", code="device_revoked")
    device.status = "revoked"
    device.revoked_at = clock.now()
    session.flush()
    return device


def try_again(session: Session, actor: Actor, *, event_pk: int) -> QuarantinedEvent:
    """Hands a quarantined event to the applier once more, after its cause was put right.

    Raises:
        NotFound: no such event, or not one of the actor's sites.
        Conflict: it is not open.
    """
    kept = _open_event(session, actor, event_pk)
    kept.status = "again"
    session.flush()
    return kept


def close_event(session: Session, actor: Actor, *, event_pk: int, reason: str) -> QuarantinedEvent:
    """Leaves a quarantined event unapplied for good; `reason` goes to its detail.

    Raises:
        NotFound: no such event, or not one of the actor's sites.
        Conflict: it is not open.
    """
    kept = _open_event(session, actor, event_pk)
    kept.status = "closed"
    kept.detail = f"{kept.detail} {reason}".strip()[:_LONGEST_DETAIL]
    session.flush()
    return kept


def _open_event(session: Session, actor: Actor, event_pk: int) -> QuarantinedEvent:
    kept = session.get(QuarantinedEvent, event_pk)
    if kept is None:
        raise NotFound("Not found.")
    actor.scope.require_site(kept.site_id)
    if kept.status != "open":
        raise Conflict("The event was decided already.", code="event_decided")
    return kept
