"""Devices: enrolled at a site of the actor's, the token shown once."""

import pytest

from portal.actors import Actor, Scope, system
from portal.db import transaction
from portal.errors import Conflict, Invalid, NotFound
from portal.ingest import services
from portal.sites.models import Site
from tests.portal.ingest.province import make_province

SYSTEM = system("test")


def test_the_token_is_kept_only_as_a_hash(session) -> None:
    place = make_province()
    with transaction(SYSTEM) as writing:
        device, token = services.enrol_device(
            writing, SYSTEM, site_id=place.site_id, name=" Máy  quét 1 "
        )
    assert device.name == "Máy quét 1"
    assert len(token) >= 43
    assert token not in str(vars(device))
    assert device.token_sha256 == services.hash_token(token)


def test_only_the_sites_own_manager_enrols_and_revokes(session) -> None:
    place = make_province()
    stranger = Actor(kind="staff", name="x", scope=Scope(site_ids=frozenset({place.laboratory_id})))
    with transaction(SYSTEM) as writing:
        device, _ = services.enrol_device(writing, SYSTEM, site_id=place.site_id, name="1")
    with pytest.raises(NotFound):
        services.enrol_device(session, stranger, site_id=place.site_id, name="2")
    with pytest.raises(NotFound):
        services.revoke_device(session, stranger, device_id=device.id)


def test_names_and_states_are_checked(session) -> None:
    place = make_province()
    services.enrol_device(session, SYSTEM, site_id=place.site_id, name="1")
    with pytest.raises(Conflict, match="name"):
        services.enrol_device(session, SYSTEM, site_id=place.site_id, name="1")
    with pytest.raises(Invalid):
        services.enrol_device(session, SYSTEM, site_id=place.site_id, name="  ")
    with pytest.raises(NotFound):
        services.enrol_device(session, SYSTEM, site_id=999, name="1")
    services.revoke_device(session, SYSTEM, device_id=1)
    with pytest.raises(Conflict):
        services.revoke_device(session, SYSTEM, device_id=1)
    services.enrol_device(session, SYSTEM, site_id=place.site_id, name="1")
    session.get(Site, place.site_id).status = "closed"
    with pytest.raises(Conflict, match="closed"):
        services.enrol_device(session, SYSTEM, site_id=place.site_id, name="2")
