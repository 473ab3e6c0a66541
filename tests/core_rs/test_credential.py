"""DCC through the Python face: public vectors, our own certificates, every way to be invalid."""

import json
import zlib
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

import core_rs
from core_rs import CoreError
from tests.shared_data import shared_data
from tests.tools import dcc_vectors

NOW = datetime(2021, 12, 20, 8, 0, tzinfo=UTC)
YEAR = timedelta(days=365)
CONTENT = {
    "ver": "1.3.0",
    "nam": {"fn": "Thử", "gn": "Nghiệm Một", "fnt": "THU", "gnt": "NGHIEM<MOT"},
    "dob": "1990-01-02",
    "t": [
        {
            "tg": "840539006",
            "tt": "LP6464-4",
            "nm": "RT-PCR",
            "sc": "2021-12-19T08:00:00+07:00",
            "tr": "260415000",
            "tc": "Phòng xét nghiệm mẫu",
            "co": "VN",
            "is": "Sở Y tế mẫu",
            "ci": "URN:UVCI:01:VN:0123456789ABCDEF0123456789ABCDEF",
        }
    ],
}
# Of the shared vectors; every failure is a fault of the vector (docs/credentials.md).
LEAST_PASSES = {
    "EXPECTEDUNPREFIX": 217,
    "EXPECTEDB45DECODE": 205,
    "EXPECTEDCOMPRESSION": 206,
    "EXPECTEDVERIFY": 222,
    "EXPECTEDDECODE": 218,
    "EXPECTEDVALIDJSON": 212,
    "EXPECTEDEXPIRATIONCHECK": 192,
    "EXPECTEDKEYUSAGE": 150,
    "EXPECTEDSCHEMAVALIDATION": 174,
}


def signer_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> tuple[bytes, bytes]:
    """Private key (PKCS#8 PEM) and a self-signed certificate (PEM)."""
    name = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "VN")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(NOW - YEAR).not_valid_after(NOW + YEAR)
    usage = x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.4.1.1847.2021.1.1")])
    certificate = builder.add_extension(usage, critical=False).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module", params=["ES256", "PS256"])
def issued(request: pytest.FixtureRequest) -> tuple[str, core_rs.TrustList, str]:
    if request.param == "ES256":
        private, certificate = signer_of(ec.generate_private_key(ec.SECP256R1()))
    else:
        private, certificate = signer_of(rsa.generate_private_key(65537, 2048))
    signer = core_rs.DccSigner(private, certificate=certificate)
    trust = core_rs.TrustList()
    trust.add_certificate(certificate)
    return signer.issue(CONTENT, NOW, NOW + YEAR), trust, request.param


def codes(verdict: core_rs.DccVerdict | core_rs.Slip) -> list[str]:
    return [problem.code for problem in verdict.problems]


def test_what_was_issued_verifies(issued: tuple[str, core_rs.TrustList, str]) -> None:
    text, trust, algorithm = issued
    verdict = core_rs.verify_dcc(text, trust, NOW)
    assert verdict.is_valid
    assert (verdict.content, verdict.issuer, verdict.algorithm) == (CONTENT, "VN", algorithm)
    assert (verdict.issued_at, verdict.expires_at) == (NOW, NOW + YEAR)
    assert core_rs.parse_payload(text).kind == "dcc"


def test_every_invalid_code_says_why(issued: tuple[str, core_rs.TrustList, str]) -> None:
    text, trust, _ = issued
    late, early = NOW + YEAR + timedelta(seconds=1), NOW - timedelta(seconds=1)
    assert codes(core_rs.verify_dcc(text, trust, late)) == ["dcc.expired"]
    assert codes(core_rs.verify_dcc(text, trust, early)) == ["dcc.not_yet_valid"]
    assert codes(core_rs.verify_dcc(text, core_rs.TrustList(), NOW)) == ["dcc.unknown_key"]
    for broken, code in [
        ("", "dcc.prefix"),
        ("HC2:" + text[4:], "dcc.prefix"),
        (text.lower(), "dcc.prefix"),
        ("HC1:" + text[4:].lower(), "base45.character"),
        (text[:100], "dcc.compression"),
    ]:
        assert codes(core_rs.verify_dcc(broken, trust, NOW)) == [code]
    other, _ = signer_of(ec.generate_private_key(ec.SECP256R1()))
    kid = core_rs.verify_dcc(text, trust, NOW).kid
    forged = core_rs.DccSigner(other, kid=kid).issue(CONTENT, NOW, NOW + YEAR)
    assert codes(core_rs.verify_dcc(forged, trust, NOW)) in (["dcc.signature"], ["dcc.signature"])


def test_a_key_for_tests_signs_no_vaccination() -> None:
    private, certificate = signer_of(ec.generate_private_key(ec.SECP256R1()))
    vaccination = json.loads(shared_data("dcc_vn_synthetic_vector.json").read_text("utf-8"))[
        "payload"
    ]
    text = core_rs.DccSigner(private, certificate=certificate).issue(vaccination, NOW, NOW + YEAR)
    trust = core_rs.TrustList()
    trust.add_certificate(certificate)
    assert codes(core_rs.verify_dcc(text, trust, NOW)) == ["dcc.key_usage"]


def test_nothing_is_issued_that_would_not_verify() -> None:
    private, certificate = signer_of(ec.generate_private_key(ec.SECP256R1()))
    signer = core_rs.DccSigner(private, certificate=certificate)
    with pytest.raises(CoreError) as raised:
        signer.issue({**CONTENT, "dob": "2/1/1990", "v": []}, NOW, NOW)
    assert raised.value.code == "dcc.schema"
    assert all(word in str(raised.value) for word in ("dob", "exactly one", "expire"))
    with pytest.raises(CoreError) as raised:
        core_rs.DccSigner(
            private, certificate=signer_of(ec.generate_private_key(ec.SECP256R1()))[1]
        )
    assert raised.value.code == "credential.key_pair"


def test_the_synthetic_vietnamese_certificate_verifies() -> None:
    vector = json.loads(shared_data("dcc_vn_synthetic_vector.json").read_text("utf-8"))
    trust = core_rs.TrustList()
    trust.add_key(bytes.fromhex(vector["kid_hex"]), vector["pubkey_spki_pem"])
    verdict = core_rs.verify_dcc(vector["hc1"], trust, NOW)
    assert verdict.content == vector["payload"]
    assert (verdict.algorithm, set(codes(verdict)) & {"dcc.signature"}) == ("PS256", set())


def test_a_ps256_signature_has_a_salt_of_its_digest_and_no_key_below_2048_bits() -> None:
    content = core_rs.cbor_encode({4: int((NOW + YEAR).timestamp()), -260: {1: CONTENT}})
    header = core_rs.cbor_encode({1: -37, 4: b"12345678"})
    signed = core_rs.cbor_encode(["Signature1", header, b"", content])
    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    trust = core_rs.TrustList()
    trust.add_key(b"12345678", public)
    for salt, is_good in [(32, True), (0, False), (20, False), (64, False)]:
        way = padding.PSS(padding.MGF1(hashes.SHA256()), salt)
        signature = key.sign(signed, way, hashes.SHA256())
        message = core_rs.cbor_encode([header, {}, content, signature])
        found = codes(core_rs.verify_cose(message, trust, NOW))
        assert found == ([] if is_good else ["dcc.signature"]), salt
    way = padding.PSS(padding.MGF1(hashes.SHA1()), 32)
    message = core_rs.cbor_encode([header, {}, content, key.sign(signed, way, hashes.SHA256())])
    assert codes(core_rs.verify_cose(message, trust, NOW)) == ["dcc.signature"]


def test_what_is_critical_and_unknown_refuses_with_a_reason() -> None:
    header = core_rs.cbor_encode({1: -7, 2: [77], 77: 1})
    message = core_rs.cbor_encode([header, {}, core_rs.cbor_encode({}), bytes(64)])
    with pytest.raises(CoreError, match="does not know") as raised:
        core_rs.verify_cose(message, core_rs.TrustList(), NOW)
    assert raised.value.code == "cose.critical"
    text = "HC1:" + core_rs.base45_encode(zlib.compress(message))
    assert codes(core_rs.verify_dcc(text, core_rs.TrustList(), NOW)) == ["cose.critical"]
    text = "HC1:" + core_rs.base45_encode(zlib.compress(message) + b"more")
    assert codes(core_rs.verify_dcc(text, core_rs.TrustList(), NOW)) == ["dcc.compression"]


def test_no_content_makes_the_verifier_raise() -> None:
    for claims in (
        {4: 10**15, 6: -(10**15), -260: {1: {}}},
        {4: 1e300, -260: {1: {"ver": 5, "nam": [], "dob": None, "v": [1], "t": {}}}},
        {-260: {1: [1, 2]}},
        {-260: 5},
        [],
    ):
        message = core_rs.cbor_encode([b"", {}, core_rs.cbor_encode(claims), b"x"])
        assert not core_rs.verify_cose(message, core_rs.TrustList(), NOW).is_valid
    # {-260: {1: {[1]: 2}}}: a key that Python cannot have.
    odd = core_rs.cbor_encode([b"", {}, bytes.fromhex("a1390103a101a1810102"), b""])
    verdict = core_rs.verify_cose(odd, core_rs.TrustList(), NOW)
    assert (verdict.is_valid, verdict.content) == (False, None)


def test_a_column_of_codes_equals_one_by_one(issued: tuple[str, core_rs.TrustList, str]) -> None:
    text, trust, _ = issued
    texts = [text, "HC1:", None, text[:-3] + "000"] * 25
    table = pl.DataFrame(core_rs.verify_dccs(pl.DataFrame({"code": texts}), trust, NOW, threads=2))
    for row, code in zip(table.iter_rows(named=True), texts, strict=True):
        if code is None:
            assert row["is_valid"] is None
        else:
            verdict = core_rs.verify_dcc(code, trust, NOW)
            assert row["is_valid"] == verdict.is_valid
            assert (row["problems"] or "").split(",") == (codes(verdict) or [""])
    assert table["given"][0] == "NGHIEM<MOT"


def test_public_vectors_pass_as_measured() -> None:
    vectors = json.loads(shared_data("dcc_vectors.json").read_text("utf-8"))
    counts, _ = dcc_vectors.run(vectors)
    assert {name: counts[name]["pass"] for name in dcc_vectors.CHECKS} == LEAST_PASSES
    good, signed = dcc_vectors.end_to_end(vectors)
    assert good == signed > 200


def test_names_are_transliterated_as_passports_do() -> None:
    assert core_rs.transliterate_name("Đặng Thị-Hòa") == "DANG<THI<HOA"
    private, certificate = signer_of(ec.generate_private_key(ec.SECP256R1()))
    read = core_rs.read_certificate(certificate)
    assert (read["country"], read["not_after"]) == ("VN", NOW + YEAR)
    assert core_rs.may_sign_dcc(certificate, {"t": []})
    assert not core_rs.may_sign_dcc(certificate, {"v": []})
    with pytest.raises(CoreError) as raised:
        core_rs.read_certificate(private)
    assert raised.value.code == "certificate.der"
