"""Codes that somebody changed or bent: none of them counts, and each says why in one sentence."""

import random
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

import core_rs
from tests.core_rs.test_credential import CONTENT, NOW, YEAR, signer_of
from tests.core_rs.test_slip import KEYS
from tests.core_rs.test_slip import sign as signed_slip

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
KID = b"12345678"
P256 = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
ISSUED, EXPIRES = int(NOW.timestamp()), int((NOW + YEAR).timestamp())
CLAIMS: dict[int, Any] = {1: "VN", 4: EXPIRES, 6: ISSUED, -260: {1: CONTENT}}


def trust_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> core_rs.TrustList:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    trust = core_rs.TrustList()
    trust.add_key(KID, key.public_key().public_bytes(serialization.Encoding.DER, form))
    return trust


def es256(signed: bytes) -> bytes:
    r, s = decode_dss_signature(P256.sign(signed, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def ps256(signed: bytes) -> bytes:
    return RSA.sign(signed, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def head(major: int, length: int) -> bytes:
    return bytes([major << 5 | 25]) + length.to_bytes(2, "big")


def message(
    claims: bytes | None = None,
    *,
    header: dict[int, Any] | bytes | None = None,
    unprotected: dict[int, Any] | bytes | None = None,
    sign: Callable[[bytes], bytes] = es256,
    before: bytes = b"\xd2",
) -> bytes:
    """A signed message, each part of which may be bent; its signature holds over what it says."""
    claims = core_rs.cbor_encode(CLAIMS) if claims is None else claims
    header = {1: -7, 4: KID} if header is None else header
    protected = header if isinstance(header, bytes) else core_rs.cbor_encode(header)
    outside = core_rs.cbor_encode({}) if unprotected is None else unprotected
    outside = outside if isinstance(outside, bytes) else core_rs.cbor_encode(outside)
    signature = sign(core_rs.cbor_encode(["Signature1", protected, b"", claims]))
    parts = [head(2, len(part)) + part for part in (protected, claims, signature)]
    return before + b"\x84" + parts[0] + outside + parts[1] + parts[2]


def code_of(whole: bytes) -> str:
    return "HC1:" + core_rs.base45_encode(zlib.compress(whole))


def codes(text: str, trust: core_rs.TrustList | None = None) -> list[str]:
    """What is wrong with a code; every problem is one sentence without anything of the content."""
    verdict = core_rs.verify_dcc(text, trust or trust_of(P256), NOW + timedelta(days=1))
    for problem in verdict.problems:
        assert problem.message
        assert "\n" not in problem.message
        assert "NGHIEM" not in problem.message
    return [problem.code for problem in verdict.problems]


def claims_with(**changes: Any) -> bytes:
    """The claims with others by number: `c4=…`; None takes one away."""
    changed = CLAIMS | {int(name[1:]): value for name, value in changes.items()}
    return core_rs.cbor_encode({key: value for key, value in changed.items() if value is not None})


def test_what_issuers_write_in_other_ways_counts() -> None:
    content = core_rs.cbor_encode(CONTENT)
    endless = b"\xbf" + content[1:] + b"\xff"
    assert content[0] == 0xA4  # a map of four, of which the other is one without a length
    whole_claims = core_rs.cbor_encode(CLAIMS)
    for whole in (
        message(),
        message(before=b""),
        message(before=b"\xd8\x3d\xd2"),
        message(header={1: -7}, unprotected={4: KID}),
        message(header=b"", unprotected={1: -7, 4: KID}),
        message(unprotected={4: b"otherkid"}),
        message(unprotected={99: "more"}),
        message(claims_with(c4=float(EXPIRES) + 0.5, c6=float(ISSUED) + 0.25)),
        message(claims_with(c5=ISSUED)),
        message(claims_with(c1=None)),
        message(whole_claims.replace(content, endless)),
    ):
        assert codes(code_of(whole)) == []
    good = message()
    for level in (0, 1, 9):  # level 0 packs nothing: it is still a stream of zlib
        text = "HC1:" + core_rs.base45_encode(zlib.compress(good, level))
        assert codes(text) == []
    assert codes(code_of(message(header={1: -37, 4: KID}, sign=ps256)), trust_of(RSA)) == []


DOUBLED = core_rs.cbor_encode({1: -7, 4: KID})
DEEP = b"\x81" * 40 + b"\x00"


@pytest.mark.parametrize(
    ("whole", "found"),
    [
        (message(header={1: -37, 4: KID}), "dcc.signature"),
        (message(header={1: -37, 4: KID}, sign=ps256), "dcc.signature"),
        (message(header={1: -8, 4: KID}), "dcc.algorithm"),
        (message(header={4: KID}), "dcc.algorithm"),
        (message(header={1: "ES256", 4: KID}), "dcc.algorithm"),
        (message(unprotected={1: -37}), "cose.structure"),
        (message(header={1: -7, 4: b"otherkid"}, unprotected={4: KID}), "dcc.unknown_key"),
        (message(header={1: -7, 4: "12345678"}), "cose.structure"),
        (message(header={1: -7, 4: KID[:7]}), "dcc.unknown_key"),
        (message(header={1: -7, 4: KID + b"9"}), "dcc.unknown_key"),
        (message(header=b"\xa3\x01\x26\x04\x48" + KID + b"\x01\x26"), "cbor.malformed"),
        (message(header=DOUBLED + b"\x00"), "cbor.trailing"),
        (message(before=b"\xd2\xd2"), "cose.structure"),
        (message(before=b"\xd8\x3d"), "cose.structure"),
        (message(before=b"\xd2\xd8\x3d"), "cose.structure"),
        (message(before=b"\xd8\x62"), "cose.structure"),  # COSE_Sign: several signers
        (message()[:-1], "cbor.truncated"),
        (message() + b"\x00", "cbor.trailing"),
        (message()[:1] + b"\x83" + message()[2:], "cbor.trailing"),
        (b"\xd2\x9f" + message()[2:], "cbor.truncated"),
        (message(sign=lambda _: b""), "dcc.signature"),
        (message(sign=lambda _: bytes(64)), "dcc.signature"),
        (message(sign=lambda s: es256(s)[:63]), "dcc.signature"),
        (message(sign=lambda s: es256(s) + b"\x00"), "dcc.signature"),
        (message(sign=lambda s: P256.sign(s, ec.ECDSA(hashes.SHA256()))), "dcc.signature"),
        (message(claims_with(c4="tomorrow")), "dcc.claims"),
        (message(claims_with(c4=float("nan"))), "dcc.claims"),
        # 2⁶⁴ − 1, which no time is.
        (
            message(b"\xa2\x04\x1b" + b"\xff" * 8 + core_rs.cbor_encode({-260: {1: CONTENT}})[1:]),
            "dcc.claims",
        ),
        (message(claims_with(c6="2021-12-20")), "dcc.claims"),
        (message(claims_with(c5=[1])), "dcc.claims"),
        (message(claims_with(c1=7)), "dcc.claims"),
        (message(claims_with(c5=EXPIRES)), "dcc.not_yet_valid"),
        (message(claims_with(c6=EXPIRES - 9)), "dcc.not_yet_valid"),
        (message(claims_with(c4=ISSUED)), "dcc.expired"),
        (message(claims_with(c4=-1)), "dcc.expired"),
        (message(claims_with(c4=None)), "dcc.expired"),
        (message(core_rs.cbor_encode({-260: CONTENT})), "dcc.claims"),
        (message(core_rs.cbor_encode({-260: {2: CONTENT}})), "dcc.claims"),
        (message(core_rs.cbor_encode([CLAIMS])), "dcc.claims"),
        (message(core_rs.cbor_encode(CONTENT)), "dcc.claims"),
        (message(core_rs.cbor_encode(CLAIMS) + b"\x00"), "cbor.trailing"),
        (message(DEEP), "cbor.depth"),
        (b"\x81" * 3000, "cbor.depth"),
        (b"\xd2\x84\x5b" + b"\xff" * 8, "cbor.truncated"),
        (b"\x9b" + b"\xff" * 8, "cbor.truncated"),
        (b"\xbf" * 20, "cbor.truncated"),
        (b"", "cbor.truncated"),
        (bytes(70_000), "dcc.compression"),  # inflates to more than any certificate
    ],
)
def test_what_was_bent_is_refused_for_one_reason(whole: bytes, found: str) -> None:
    assert codes(code_of(whole)) == [found]


@pytest.mark.parametrize(
    ("key", "value", "place"),
    [
        ("ver", 1.3, "ver"),
        ("ver", "1.3", "ver"),
        ("nam", {"fnt": "Thử"}, "nam.fnt"),
        ("nam", {"gnt": "THU"}, "nam.fnt"),
        ("nam", ["THU"], "nam"),
        ("dob", "1990-1-2", "dob"),
        ("dob", "02.01.1990", "dob"),
        ("dob", "1890-01-02", "dob"),
        ("dob", 19900102, "dob"),
        ("sc", "2021-12-19", "sc"),
        ("sc", "2021-12-19T08:00:00", "sc"),
        ("sc", "2021-12-19T25:00:00Z", "sc"),
        ("sc", "2021-12-19T08:60:00Z", "sc"),
        ("sc", "2021-12-19T08:00:00.Z", "sc"),
        ("sc", "2021-12-19T08:00:00.xZ", "sc"),
        ("sc", "2021-02-30T08:00:00Z", "sc"),
        ("sc", 1_639_875_600, "sc"),
        ("tr", None, "tr"),
        ("tg", 840539006, "tg"),
        ("co", "VIETNAM9", "co"),
        ("ci", "U" * 81, "ci"),
    ],
)
def test_the_schema_names_the_place(key: str, value: object, place: str) -> None:
    content: dict[str, Any] = CONTENT | {"t": [dict(CONTENT["t"][0])]}
    part = content if key in content else content["t"][0]
    part[key] = value
    if value is None:
        del part[key]
    found = core_rs.check_dcc_schema(content)
    assert len(found) == 1
    assert place in found[0]
    assert codes(code_of(message(claims_with(**{"c-260": {1: content}})))) == ["dcc.schema"]


def test_times_of_the_schema_that_issuers_write() -> None:
    for time in ("08:00:00Z", "08:00:00.123Z", "23:59:60+07:00", "08:00:00+0700", "08:00:00-05"):
        content = CONTENT | {"t": [CONTENT["t"][0] | {"sc": f"2021-12-19T{time}"}]}
        assert core_rs.check_dcc_schema(content) == []


def test_letters_that_base45_lacks_and_frames_that_are_none() -> None:
    good = code_of(message())
    for text, found in [
        (good.lower(), "dcc.prefix"),
        ("hc1:" + good[4:], "dcc.prefix"),
        (" " + good, "dcc.prefix"),
        ("HC1:HC1:" + good[4:], "base45.length"),
        ("HC1:" + good[4:].lower(), "base45.character"),
        (good[:40] + "é" + good[42:], "base45.character"),
        (good[:40] + "_" + good[41:], "base45.character"),
        (good[:40] + "\n" + good[41:], "base45.character"),
        (good + "=====", "base45.length"),
        (good + "======", "base45.character"),
        ("HC1:", "dcc.compression"),
        ("HC1:" + core_rs.base45_encode(message()), "dcc.compression"),
        ("HC1:" + core_rs.base45_encode(zlib.compress(message())[2:-4]), "dcc.compression"),
        ("HC1:" + core_rs.base45_encode(zlib.compress(message())[:-1]), "dcc.compression"),
        ("HC1:" + core_rs.base45_encode(zlib.compress(message()) + b"\0"), "dcc.compression"),
        ("HC1:" + "0" * 70_000, "dcc.too_long"),
    ]:
        problems = codes(text)
        if found == "base45.length" and len(text[4:]) % 3 != 1:
            assert problems[0].startswith(("base45.", "dcc.compression"))
        else:
            assert problems == [found], text[:20]
    assert codes(good + "\r\n") == []


def mutated(good: str, chance: random.Random) -> str:
    """The text with letters exchanged, taken out, put in, doubled, turned, of other alphabets."""
    at, other = chance.randrange(len(good)), chance.randrange(len(good))
    end = min(len(good), at + chance.randrange(1, 9))
    letters = list(good)
    letters[at], letters[other] = letters[other], letters[at]
    ways = (
        good[:at] + chance.choice(LETTERS) + good[at + 1 :],
        good[:at] + good[at + 1 :],
        good[:at] + chance.choice(LETTERS) + good[at:],
        good[:at] + good[at:end][::-1] + good[end:],
        good[:at],
        good[:at] + chr(chance.randrange(1, 0x3000)) + good[at + 1 :],
        "".join(letters),
        good[:at] + good[at:] * 2,
    )
    return chance.choice(ways)


def changed_bytes(whole: bytes, chance: random.Random) -> bytes:
    """The bytes with some of them exchanged, taken out or put in."""
    out = bytearray(whole)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(out))
        way = chance.randrange(4)
        if way == 0:
            out[at] ^= 1 << chance.randrange(8)
        elif way == 1:
            out[at] = chance.randrange(256)
        elif way == 2:
            del out[at]
        else:
            out.insert(at, chance.randrange(256))
    return bytes(out)


def mutations(whole: bytes, count: int, seed: int) -> Iterator[str]:
    """Codes of a changed message: half of them changed as text, half behind Base45 and zlib."""
    chance = random.Random(seed)
    good = code_of(whole)
    for number in range(count):
        yield (mutated(good, chance) if number % 2 else code_of(changed_bytes(whole, chance)))


def opened(text: str) -> bytes | None:
    """The message in a code; None where it does not open."""
    try:
        return core_rs.dcc_inflate(core_rs.base45_decode(core_rs.dcc_unprefix(text)))
    except core_rs.CoreError:
        return None


def parts_of(whole: bytes) -> object:
    """What the signature is over, and the signature."""
    content = core_rs.cbor_decode(whole)
    return content[0], content[2], content[3]


def check_mutations(count: int) -> None:
    keys = [
        (message(), trust_of(P256)),
        (message(header={1: -37, 4: KID}, sign=ps256), trust_of(RSA)),
    ]
    for seed, (whole, trust) in enumerate(keys):
        assert codes(code_of(whole), trust) == []
        for text in mutations(whole, count // 2, seed):
            if codes(text, trust) == []:
                # The same signed bytes in another frame: a code that zlib packs in another way, a
                # longer head of CBOR, an unprotected header that no signature covers.
                held = opened(text)
                assert held is not None
                assert parts_of(held) == parts_of(whole)


def check_slips(count: int) -> None:
    good = signed_slip()
    assert core_rs.verify_slip(good, KEYS).is_valid
    chance = random.Random(3)
    for _ in range(count):
        text = mutated(good, chance)
        slip = core_rs.verify_slip(text, KEYS)
        # Small letters and I, L, O are read as what they look like, and an address may stand in
        # front: still the same slip.
        folded = text.upper().translate(str.maketrans("ILO", "110"))
        assert slip.is_valid == (folded.rsplit("/", 1)[-1].strip() == good), text
        assert slip.is_valid or [bool(p.message) for p in slip.problems] == [True]


def test_no_change_of_a_code_counts() -> None:
    check_mutations(4_000)
    check_slips(4_000)


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_no_change_of_very_many_counts() -> None:
    check_mutations(100_000)
    check_slips(100_000)


def test_a_key_of_another_kind_or_size_signs_nothing() -> None:
    text = code_of(message(header={1: -37, 4: KID}, sign=ps256))
    assert codes(text) == ["dcc.signature"]
    assert codes(code_of(message()), trust_of(RSA)) == ["dcc.signature"]
    small = rsa.generate_private_key(65537, 1024)

    def sign_small(signed: bytes) -> bytes:
        way = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        return small.sign(signed, way, hashes.SHA256())

    text = code_of(message(header={1: -37, 4: KID}, sign=sign_small))
    assert codes(text, trust_of(small)) == ["dcc.signature"]
    other = ec.generate_private_key(ec.SECP384R1())
    with pytest.raises(core_rs.CoreError) as raised:
        trust_of(other)  # type: ignore[arg-type]
    assert raised.value.code == "certificate.key"


def test_a_signer_counts_while_valid_and_for_what_it_may() -> None:
    private, certificate = signer_of(ec.generate_private_key(ec.SECP256R1()))
    signer = core_rs.DccSigner(private, certificate=certificate)
    trust = core_rs.TrustList()
    trust.add_certificate(certificate)
    late = datetime(2023, 1, 1, tzinfo=UTC)
    text = signer.issue(CONTENT, late, late + YEAR)
    found = core_rs.verify_dcc(text, trust, late + timedelta(days=1)).problems
    assert [problem.code for problem in found] == ["dcc.key_not_valid"]
