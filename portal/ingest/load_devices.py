"""Devices and a roll of tube codes for load tests, made by the same services as real ones."""

import secrets
from typing import Any

import sqlalchemy as sa

from portal import clock
from portal.actors import system
from portal.campaigns.models import CollectionSession
from portal.db import transaction
from portal.errors import NotFound
from portal.ingest.grants import make_grant
from portal.ingest.services import enrol_device
from portal.samples.models import TubeLabelRange
from portal.settings import Settings

_ACTOR = system("loadtest")
TUBES_A_DEVICE = 100_000


def enrol_for_load(settings: Settings, *, session_code: str, count: int) -> list[dict[str, Any]]:
    """For each device: id, token, grant, session, and the tube codes it may use.

    Raises:
        NotFound: there is no such collection session.
    """
    now = clock.now()
    run = secrets.token_hex(3).upper()
    made = []
    with transaction(_ACTOR) as session:
        sitting = session.scalars(
            sa.select(CollectionSession).where(CollectionSession.code == session_code)
        ).first()
        if sitting is None:
            raise NotFound("There is no such collection session.")
        for number in range(count):
            device, token = enrol_device(
                session, _ACTOR, site_id=sitting.site_id, name=f"Load {run} {number}"
            )
            prefix = f"LT{run}{number:03}-"
            session.add(
                TubeLabelRange(
                    site_id=sitting.site_id,
                    kind="foreign",
                    prefix=prefix,
                    first_number=1,
                    last_number=TUBES_A_DEVICE,
                    number_width=6,
                    issued_on=clock.today(),
                    created_at=now,
                )
            )
            grant = make_grant(
                settings.secret_key,
                staff_id=None,
                user_id=None,
                username="loadtest",
                site_id=sitting.site_id,
                at=now,
            )
            made.append(
                {
                    "device_id": str(device.uid),
                    "token": token,
                    "actor_grant": grant,
                    "session_code": session_code,
                    "tube_prefix": prefix,
                }
            )
    return made
