"""The verification page: files, pictures, HC1 codes by the trust list, and the database off."""

import base64
import datetime as dt
import io
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

import core_rs
from portal import clock, db
from portal.accounts import login
from portal.actors import system
from portal.audit.models import AuditEvent
from portal.certificates import checking, sealing, services, slips, trust
from portal.certificates.models import TrustedSigner
from portal.samples.models import Sample
from reports.certificate import CertificatePage, make_paper
from reports.qr import symbol_address
from reports.signing import Seal
from tests.portal.certificates.world import AT, World
from tests.portal.web import world as staff_worlds

SYSTEM = system("test")
TEST_ONLY = "1.3.6.1.4.1.1847.2021.1.1"
CONTENT = {
    "ver": "1.3.0",
    "nam": {"fn": "Đặng", "fnt": "DANG", "gn": "Thị Hồng Anh", "gnt": "THI<HONG<ANH"},
    "dob": "1984-09-02",
    "v": [
        {
            "tg": "840539006", "vp": "1119349007", "mp": "EU/1/20/1528", "ma": "ORG-100030215",
            "dn": 2, "sd": 2, "dt": "2021-12-01", "co": "VN", "is": "Bộ Y tế",
            "ci": "URN:UVCI:01:VN:187/37512422923",
        }
    ],
}  # fmt: skip


def _signer(usage: str = "", days: int = 365) -> tuple[bytes, bytes]:
    """A key (PKCS#8, DER) and a certificate (PEM) of a signer who does not exist."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.COMMON_NAME, "Nơi ký thử"),
        ]
    )
    now = clock.now()
    builder = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=400))
        .not_valid_after(now + dt.timedelta(days=days))
    )  # fmt: skip
    if usage:
        extension = x509.ExtendedKeyUsage([ObjectIdentifier(usage)])
        builder = builder.add_extension(extension, critical=False)
    made = builder.sign(key, hashes.SHA256())
    pkcs8 = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pkcs8, made.public_bytes(serialization.Encoding.PEM)


def _issued(key: bytes, certificate: bytes, days: int = 30) -> str:
    now = clock.now()
    signer = core_rs.DccSigner(key, certificate=certificate.decode(), issuer="VN")
    begun = now - dt.timedelta(days=60)
    return signer.issue(CONTENT, begun, now + dt.timedelta(days=days))


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    login.forget_logins()
    staff_worlds.make(app)
    return staff_worlds.sign_in(app, "department-admin")


@pytest.fixture
def public(app: Flask) -> FlaskClient:
    return app.test_client()


def _ask(public: FlaskClient, **sent: Any) -> Any:
    token = staff_worlds.token_of(public.get("/kiem-tra").get_data(as_text=True))
    return public.post("/kiem-tra", data={**sent, "csrf_token": token})


def _paper(app: Flask) -> tuple[World, Any, bytes]:
    world = World(db.db_session(), code_suffix="2")
    sample = world.sample(world.person())
    world.release(sample.tube, "negative")
    with app.app_context(), db.transaction(SYSTEM) as session:
        config = app.config["TRAM"]
        issued = services.issue(
            session, SYSTEM, sample_id=sample.id, office=sealing.office_of(config)
        )
        return world, issued, sealing.paper_of(issued, config)


def _file(content: bytes, name: str = "giay.pdf") -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), name


def test_a_pdf_is_verified_and_says_why_not(app: Flask, public: FlaskClient) -> None:
    _world, issued, pdf = _paper(app)
    good = _ask(public, file=_file(pdf)).get_data(as_text=True)
    assert "Chữ ký số còn nguyên vẹn" in good
    assert good.count("✓") == 2  # the seal, and that the paper stands
    assert issued.snapshot["holder"] in good
    assert "Nguyễn Thị Hồng Ánh" not in good
    broken = bytearray(pdf)
    broken[len(pdf) // 3] ^= 1
    assert "đã bị sửa sau khi ký" in _ask(public, file=_file(bytes(broken))).get_data(as_text=True)
    other, _key, _pem = Seal.make("Kẻ giả mạo", AT)
    forged = make_paper(CertificatePage.from_snapshot(issued.snapshot), other)
    assert "Sai chữ ký" in _ask(public, file=_file(forged)).get_data(as_text=True)
    nothing = _ask(public, file=_file(b"%PDF-1.7\nnothing"))
    assert "không có chữ ký số" in nothing.get_data(as_text=True)
    for sent in ({"file": _file(b"GIF89a")}, {"code": ""}):
        assert _ask(public, **sent).status_code == 422
    # Revoked since: the seal is intact, and the paper does not count.
    with db.transaction(SYSTEM) as session:
        services.revoke(session, SYSTEM, certificate_id=issued.id, reason="Cấp nhầm đợt")
    said = _ask(public, file=_file(pdf)).get_data(as_text=True)
    assert "Đã thu hồi ngày" in said
    assert "Lý do: Cấp nhầm đợt" in said
    session = db.db_session()
    session.rollback()
    read = session.scalars(
        sa.select(AuditEvent.actor_kind).where(
            AuditEvent.table_name == "certificates", AuditEvent.action == "read"
        )
    ).all()
    assert read == ["public"] * 2  # as issued and revoked; of forged files nothing is told


def test_a_replaced_paper_names_the_issue_that_counts(app: Flask, public: FlaskClient) -> None:
    world, issued, _pdf = _paper(app)
    sample = issued.sample_id
    world.session.get(Sample, sample).person.full_name = "Nguyễn Thị Hồng Anh"
    world.session.commit()
    waiting = public.get(f"/c/{issued.code}").get_data(as_text=True)
    assert "không còn đúng" in waiting
    with app.app_context(), db.transaction(SYSTEM) as session:
        office = sealing.office_of(app.config["TRAM"])
        services.issue(session, SYSTEM, sample_id=sample, office=office)
    said = public.get(f"/c/{issued.code}").get_data(as_text=True)
    assert "lần cấp 2" in said
    assert "họ tên, ngày sinh hoặc địa chỉ đã được sửa" in said


def test_a_picture_leads_to_what_its_symbol_says(app: Flask, public: FlaskClient) -> None:
    def photo(text: str) -> bytes:
        raw = base64.b64decode(symbol_address(text).split(",")[1])
        image = Image.open(io.BytesIO(raw)).convert("L")
        buffer = io.BytesIO()
        image.resize((image.width * 6, image.height * 6), Image.Resampling.NEAREST).save(
            buffer, "PNG"
        )
        return buffer.getvalue()

    _world, issued, _pdf = _paper(app)
    found = _ask(public, file=_file(photo(f"HTTPS://XN.EXAMPLE.VN/C/{issued.code}"), "a.png"))
    assert found.headers["Location"].lower().endswith(f"/c/{issued.code}".lower())
    slip = "A" * slips.SYMBOLS
    found = _ask(public, file=_file(photo(f"HTTPS://XN.EXAMPLE.VN/R/{slip}"), "a.png"))
    assert found.headers["Location"].endswith(slip)
    blank = io.BytesIO()
    Image.new("L", (200, 200), 255).save(blank, "PNG")
    none = _ask(public, file=_file(blank.getvalue(), "a.png")).get_data(as_text=True)
    assert "Không thấy mã QR" in none


def test_an_hc1_code_counts_by_the_trust_list_alone(
    app: Flask, admin: FlaskClient, public: FlaskClient
) -> None:
    key, certificate = _signer()
    code = _issued(key, certificate)
    unknown = _ask(public, code=code).get_data(as_text=True)
    assert "Nơi ký không có trong danh sách được tin" in unknown
    token = staff_worlds.token_of(admin.get("/trusted-signers/").get_data(as_text=True))
    added = admin.post(
        "/trusted-signers/", data={"file": _file(certificate, "vn.pem"), "csrf_token": token}
    )
    assert added.status_code == 302
    good = _ask(public, code=code).get_data(as_text=True)
    assert "Giấy chứng nhận sức khỏe thật" in good
    assert "Đặng Thị Hồng Anh" in good
    forged = code[:-6] + ("A" if code[-6] != "A" else "B") + code[-5:]
    assert "✕" in _ask(public, code=forged).get_data(as_text=True)
    expired = _ask(public, code=_issued(key, certificate, days=-1)).get_data(as_text=True)
    assert "Giấy đã hết hạn" in expired
    session = db.db_session()
    signer = session.scalars(sa.select(TrustedSigner)).one()
    assert (signer.country, len(signer.kid)) == ("VN", 16)
    path = f"/trusted-signers/{signer.id}/remove"
    assert admin.post(path, data={"csrf_token": token}).status_code == 422
    admin.post(path, data={"reason": "Khóa bị lộ", "csrf_token": token})
    assert "Nơi ký không có trong danh sách" in _ask(public, code=code).get_data(as_text=True)
    session.rollback()
    actions = session.scalars(
        sa.select(AuditEvent.action).where(AuditEvent.table_name == "trusted_signers")
    ).all()
    assert sorted(actions) == ["change", "create"]


def test_a_signer_may_sign_only_what_its_certificate_says(
    app: Flask, admin: FlaskClient, public: FlaskClient
) -> None:
    key, certificate = _signer(TEST_ONLY)
    with db.transaction(SYSTEM) as session:
        (made,) = trust.add(session, SYSTEM, certificate)
        assert made.usages == "test"
    said = _ask(public, code=_issued(key, certificate)).get_data(as_text=True)
    assert "Nơi ký không được ký loại giấy này" in said


def test_a_bad_file_of_signers_adds_nothing_and_names_every_problem(
    app: Flask, admin: FlaskClient
) -> None:
    _key, good = _signer()
    _key, old = _signer(days=-1)
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    token = staff_worlds.token_of(admin.get("/trusted-signers/").get_data(as_text=True))
    answer = admin.post(
        "/trusted-signers/",
        data={"file": _file(good + old + broken + good, "all.pem"), "csrf_token": token},
    )
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "thứ 2 đã hết hạn" in page
    assert "Không đọc được chứng thư thứ 3" in page
    assert "thứ 4 (khóa" in page
    assert db.db_session().scalar(sa.select(sa.func.count()).select_from(TrustedSigner)) == 0


def test_files_and_codes_are_verified_while_the_database_is_down(
    app: Flask, public: FlaskClient
) -> None:
    key, certificate = _signer()
    _world, issued, pdf = _paper(app)
    config = app.config["TRAM"]
    with app.app_context():
        with db.transaction(SYSTEM) as session:
            trust.add(session, SYSTEM, certificate)
        trust.write_down(db.db_session(), config)
        code = _issued(key, certificate)
        down = sa.create_engine("sqlite:////nowhere/at/all.sqlite")
        with db.Session(down) as dead:
            paper = checking.check(dead, config, typed="", content=pdf)
            assert (paper.problems, paper.is_offline, paper.code) == ([], True, issued.code)
            passport = checking.check(dead, config, typed=code, content=b"")
            assert passport.problems == []
            changed = checking.check(dead, config, typed="", content=pdf[:-40] + pdf[-39:])
            assert changed.problems
        down.dispose()
