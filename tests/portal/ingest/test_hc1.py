"""An HC1 certificate shown at the point names its person; unproved, and that is said."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import core_rs
from portal.people.models import Person
from tests.portal.ingest.test_applier import T1, world  # noqa: F401 - a fixture

TEST = {
    "tg": "840539006",
    "tt": "LP6464-4",
    "nm": "RT-PCR",
    "sc": "2026-06-30T08:00:00+07:00",
    "tr": "260415000",
    "tc": "Phòng xét nghiệm mẫu",
    "co": "VN",
    "is": "Sở Y tế mẫu",
    "ci": "URN:UVCI:01:VN:0123456789ABCDEF0123456789ABCDEF",
}


def certificate(**content: object) -> str:
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    at = datetime(2026, 7, 1, tzinfo=UTC)
    signer = core_rs.DccSigner(key, kid=b"12345678")
    return signer.issue({**content, "t": [TEST]}, at, at + timedelta(days=365))


NAME = {"fn": "Thử", "gn": "Nghiệm Một", "fnt": "THU", "gnt": "NGHIEM<MOT"}


@pytest.mark.parametrize(
    ("content", "name", "year", "has_day"),
    [
        ({"nam": NAME, "dob": "1990-01-02"}, "Thử Nghiệm Một", 1990, True),
        (
            {"nam": {"fnt": "THU", "gnt": "NGHIEM<HAI"}, "dob": "1985"},
            "Thu Nghiem Hai",
            1985,
            False,
        ),
    ],
)
def test_a_certificate_names_its_person(world, content, name, year, has_day) -> None:  # noqa: F811
    device = world.device
    sample = device.collected(T1, source="hc1", payload=certificate(ver="1.3.0", **content))
    del sample["data"]["person"]
    world.send(device.batch(device.opened(T1), sample))
    assert world.codes()[-1] == ("applied", "person_to_check")
    person = world.session.scalars(sa.select(Person)).one()
    assert person.full_name.casefold() == name.casefold()
    assert person.birth_year == year
    assert (person.birth_on is not None) == has_day


def test_a_damaged_certificate_is_refused_unless_somebody_types(world) -> None:  # noqa: F811
    device = world.device
    broken = certificate(ver="1.3.0", nam=NAME, dob="1990-01-02")[:-40]
    alone = device.collected(T1, source="hc1", payload=broken)
    del alone["data"]["person"]
    typed = device.collected(T1, "Lê Văn Gõ", source="hc1", payload=broken)
    world.send(device.batch(device.opened(T1), alone, typed))
    assert world.codes()[1:] == [("refused", "unreadable_payload"), ("applied", "person_to_check")]
    assert world.session.scalars(sa.select(Person.full_name)).all() == ["Lê Văn Gõ"]
