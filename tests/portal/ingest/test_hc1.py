"""An HC1 certificate shown at the point names its person; unproved, and that is said."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import core_rs
from portal.actors import system
from portal.certificates import trust as signers
from portal.ingest import trust
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


def _signer(subject: str = "DSC thử") -> tuple[core_rs.DccSigner, str]:
    """A signer and its certificate (PEM), good for any kind of content."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
                      x509.NameAttribute(NameOID.COMMON_NAME, subject)])  # fmt: skip
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=400))
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return core_rs.DccSigner(private, certificate=pem), pem


def test_what_a_trusted_signer_signed_is_proof_and_nothing_else(world) -> None:  # noqa: F811
    trust.forget()
    (trusted, pem), (stranger, _pem) = _signer(), _signer("Người lạ")
    now = datetime.now(UTC)
    signers.add(world.session, system("tests"), pem.encode())
    world.session.commit()
    device = world.device
    events = [device.opened(T1)]
    for signer, number in ((trusted, "MOT"), (stranger, "HAI")):
        content = {"ver": "1.3.0", "nam": {"fnt": "THU", "gnt": f"NGHIEM<{number}"},
                   "dob": "1985-01-02", "t": [TEST]}  # fmt: skip
        payload = signer.issue(content, now - timedelta(hours=1), now + timedelta(days=5))
        sample = device.collected(T1, source="hc1", payload=payload)
        del sample["data"]["person"]
        events.append(sample)
    world.send(device.batch(*events))
    assert world.codes()[1:] == [("applied", ""), ("applied", "person_to_check")]
    trust.forget()
