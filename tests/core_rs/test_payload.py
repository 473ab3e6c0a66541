"""Every payload of the sampling point through the Python face."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

import core_rs
from core_rs import CoreError
from tests.shared_data import shared_data

EXPECTED = {
    "cccd_2021_7f": ("national_id_card", []),
    "cccd_2021_no_cmnd": ("national_id_card", []),
    "can_cuoc_2024_11f_ASSUMED": ("national_id_card", []),
    "personal_qr_1405": ("personal_qr", []),
    "personal_qr_1405_masked": ("personal_qr", []),
    "personal_qr_1405_declared_by_other": ("personal_qr", []),
    "bhyt_old_15f": ("health_insurance_card", []),
    "bhyt_new_17f": ("health_insurance_card", []),
    # The published examples carry no check digit and no check symbol of ours.
    "tube_code128": ("maybe_tube", []),
    "tube_qr_url": ("maybe_tube", []),
    "venue_qr_ours": ("venue", ["code.check_symbol"]),
    "bad_cccd_province": ("national_id_card", []),
    "bad_cccd_gender_mismatch": ("national_id_card", ["id.sex"]),
    "bad_cccd_scanner_keyboard_layout": (
        "national_id_card",
        ["payload.keyboard_driver", "card.issued_on"],
    ),
    "bad_cccd_mojibake": ("national_id_card", ["payload.mojibake"]),
}


def test_every_example_of_the_field_is_typed() -> None:
    with shared_data("qr_examples.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    seen = {}
    for row in rows:
        if row["kind"] != "dcc":
            payload = core_rs.parse_payload(row["payload"])
            seen[row["kind"]] = (payload.kind, [warning.code for warning in payload.warnings])
    assert seen == EXPECTED


def test_a_card_gives_its_fields() -> None:
    card = core_rs.parse_payload(
        "045303000012||Thử Nghiệm Hai|21032003|Nữ|Kp Mẫu, Đông Hà, Quảng Trị|14082021"
    )
    assert (card.kind, card.version) == ("national_id_card", "2021")
    assert (card.national_id, card.full_name) == ("045303000012", "Thử Nghiệm Hai")
    assert (card.birth_date.iso, card.sex) == ("2003-03-21", "female")
    assert (card.issued_on.iso, card.old_national_id) == ("2021-08-14", None)
    assert repr(card) == 'Payload("national_id_card")'


def test_only_our_hosts_count_where_they_are_named() -> None:
    code = core_rs.new_code()
    url = f"https://Tram.Example.gov.vn/k/{code}"
    assert core_rs.parse_payload(url).code == code
    ours = core_rs.parse_payload(url, hosts=["tram.example.gov.vn"])
    assert (ours.kind, ours.host) == ("declaration", "tram.example.gov.vn")
    foreign = core_rs.parse_payload(url, hosts=["other.example.gov.vn"])
    assert (foreign.kind, foreign.code) == ("foreign_url", None)


def test_new_codes_are_recognised_without_a_frame() -> None:
    for _ in range(200):
        code = core_rs.new_code()
        typed = f"{code[:4]}-{code[4:8]}-{code[8:]}".lower()
        assert core_rs.parse_payload(typed).kind == "lookup_code"
        assert core_rs.parse_payload(typed).code == code


def test_what_is_not_ours_is_refused_without_repeating_it() -> None:
    with pytest.raises(CoreError) as raised:
        core_rs.parse_payload("Nguyễn Văn Bí Mật")
    assert raised.value.code == "payload.unknown"
    assert "Bí Mật" not in str(raised.value)


@given(st.text(max_size=200))
def test_any_text_is_typed_or_refused(text: str) -> None:
    try:
        kind = core_rs.parse_payload(text).kind
    except CoreError as error:
        kind = error.code
    assert kind
