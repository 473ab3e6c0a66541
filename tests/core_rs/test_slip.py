"""Our signed slip: small, true, and silent about names."""

from datetime import UTC, datetime

import polars as pl
import pytest
import segno
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

import core_rs
from core_rs import CoreError

SIGNER = core_rs.SlipSigner(bytes(range(32)), key_id=7)
KEYS = {7: SIGNER.public_key}
SAMPLED = datetime(2021, 8, 15, 1, 30, tzinfo=UTC)
RELEASED = datetime(2021, 8, 15, 12, 45, tzinfo=UTC)


def sign(**changes: object) -> str:
    statement = {
        "kind": "pool",
        "outcome": "negative",
        "sampled_at": SAMPLED,
        "released_at": RELEASED,
        "code": core_rs.check_code("0123456789" + core_rs.code_check_symbol("0123456789")),
        "full_name": "Thử Nghiệm Một",
        "birth_date": "1990-01-02",
    }
    return SIGNER.sign(**{**statement, **changes})


def test_a_slip_verifies_and_knows_its_person() -> None:
    slip = core_rs.verify_slip("HTTPS://TRAM.EXAMPLE.GOV.VN/R/" + sign(), KEYS)
    assert slip.is_valid
    assert (slip.kind, slip.outcome, slip.key_id) == ("pool", "negative", 7)
    assert (slip.sampled_at, slip.released_at) == (SAMPLED, RELEASED)
    assert slip.code.startswith("0123456789")
    assert slip.is_of("THU NGHIEM MOT", "1990-01-02")
    assert not slip.is_of("Thử Nghiệm Hai", "1990-01-02")
    assert sign() == sign()


def test_a_slip_is_a_small_code_that_any_camera_opens() -> None:
    url = "HTTPS://XETNGHIEM.TINH-MAU.EXAMPLE.GOV.VN/R/" + sign()
    code = segno.make(url, error="m", boost_error=False)
    assert code.mode == "alphanumeric"
    assert code.symbol_size(border=0)[0] <= 49
    payload = core_rs.parse_payload(url)
    assert (payload.kind, core_rs.verify_slip(payload.code, KEYS).is_valid) == ("result_slip", True)


def test_the_signature_is_plain_ed25519_over_what_the_documentation_says() -> None:
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    bits = "".join(f"{alphabet.index(symbol):05b}" for symbol in sign())
    data = bytes(int(bits[at : at + 8], 2) for at in range(0, 103 * 8, 8))
    public_key = Ed25519PublicKey.from_public_bytes(SIGNER.public_key)
    public_key.verify(data[39:], b"tram slip\0" + data[:39])
    assert b"NGHIEM" not in data.upper()


def test_every_invalid_slip_says_why() -> None:
    text = sign()
    changed = text[:10] + ("0" if text[10] != "0" else "1") + text[11:]
    for broken, keys, code in [
        ("", KEYS, "slip.form"),
        (text[:-1], KEYS, "slip.form"),
        (changed, KEYS, "slip.signature"),
        (text, {8: SIGNER.public_key}, "slip.unknown_key"),
        (text, {7: bytes(32)}, "slip.signature"),
    ]:
        slip = core_rs.verify_slip(broken, keys)
        assert ([p.code for p in slip.problems], slip.is_valid) == ([code], False)
    for wrong in ({"outcome": "fine"}, {"kind": "?"}, {"code": "0123456789A"}):
        with pytest.raises(CoreError):
            sign(**wrong)


def test_a_column_of_slips_is_verified_at_once() -> None:
    texts = [sign(), "x", None]
    table = pl.DataFrame(core_rs.verify_slips(pl.DataFrame({"code": texts}), KEYS, threads=2))
    assert table["is_valid"].to_list() == [True, False, None]
    assert table["problems"].to_list() == [None, "slip.form", None]
    assert table["outcome"][0] == "negative"
