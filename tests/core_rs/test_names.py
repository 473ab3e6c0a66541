"""Names, phones, ids, dates and codes through the Python face."""

import json
from pathlib import Path

import polars as pl
import pytest

import core_rs
from core_rs import CoreError
from tests.shared_data import shared_data

VECTORS = json.loads(Path(__file__).with_name("code_vectors.json").read_text("utf-8"))


def codes(value: object) -> list[str]:
    return [warning.code for warning in value.warnings]


def test_a_name_is_stored_compared_and_sorted() -> None:
    assert core_rs.normalise_name(" Nguye\u0302\u0303n  Văn\u00a0A ") == "Nguyễn Văn A"
    assert core_rs.canonical_name("THÚY HÒA") == core_rs.canonical_name("Thuý Hoà")
    assert core_rs.place_tones("Hoà", "old") == "Hòa"
    assert core_rs.fold_name("Đỗ Thị Ước") == "do thi uoc"
    assert core_rs.soft_fold_name("Lý Mỹ") == core_rs.soft_fold_name("Lí Mĩ")
    assert core_rs.title_name("ĐỖ THỊ ƯỚC") == "Đỗ Thị Ước"
    parts = core_rs.split_name("Nguyễn Thị Minh Khai")
    assert (parts.surname, parts.middle, parts.given) == ("Nguyễn", "Thị Minh", "Khai")
    names = ["Trần Văn Bình", "Lê Thị Ánh", "Nguyễn Văn An", "Bùi Thị An"]
    expected = ["Bùi Thị An", "Nguyễn Văn An", "Lê Thị Ánh", "Trần Văn Bình"]
    assert sorted(names, key=core_rs.sort_key) == expected


def test_text_of_before_unicode_is_repaired_with_evidence() -> None:
    repair = core_rs.repair_text("Buøi Thò Döông")
    assert (repair.text, repair.encoding, repair.evidence) == ("Bùi Thị Dương", "vni", 3)
    assert core_rs.repair_text("Nguyễn Văn A").encoding == "unicode"
    assert core_rs.read_typing("Nguyeenx Vawn A") == ("Nguyễn Văn A", "telex")


def test_a_column_is_repaired_together() -> None:
    frame = pl.DataFrame({"full_name": ["TrÇn V¨n Tó", "Tó Lan", None, "NguyÔn An"]})
    table, verdict = core_rs.repair_names(frame)
    assert (verdict.encoding, verdict.for_it, verdict.against) == ("tcvn3", 2, 0)
    expected = ["Trần Văn Tú", "Tú Lan", None, "Nguyễn An"]
    assert pl.DataFrame(table)["text"].to_list() == expected


def test_columns_equal_their_scalars() -> None:
    names = ["Nguyễn Văn A", "Đỗ Thúy", None, ""]
    frame = pl.DataFrame({"full_name": names, "phone": ["901234567", "0168 2345678", None, "x"]})
    keys = pl.DataFrame(core_rs.name_keys(frame))
    folded = pl.DataFrame(core_rs.fold_names(frame))
    expected = [None if n is None else core_rs.fold_name(n) for n in names]
    assert keys["folded"].to_list() == folded["folded"].to_list() == expected
    assert keys["sort_key"][1] == core_rs.sort_key("Đỗ Thúy")
    assert keys["given"].to_list() == ["A", "Thúy", None, ""]
    phones = pl.DataFrame(core_rs.parse_phones(frame))
    assert phones["number"].to_list() == ["0901234567", "0382345678", None, None]
    warnings = ["phone.leading_zero", "phone.old_prefix", None, None]
    assert phones["warnings"].to_list() == warnings
    assert phones["problem"].to_list() == [None, None, None, "phone.characters"]
    dates = pl.DataFrame(
        core_rs.parse_dates(pl.DataFrame({"birth_date": ["2/1/1990", "1950", "?"]}))
    )
    assert dates["iso"].to_list() == ["1990-01-02", "1950", None]
    assert dates["problem"].to_list() == [None, None, "date.form"]
    ids = pl.DataFrame(core_rs.parse_national_ids(pl.DataFrame({"national_id": ["45090000011"]})))
    assert ids["number"].to_list() == ["045090000011"]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(CoreError, match="full_name") as raised:
        core_rs.fold_names(pl.DataFrame({"name": ["A"]}))
    assert raised.value.code == "arrow.column_missing"


def test_phones_ids_and_dates_say_what_was_noticed() -> None:
    phone = core_rs.parse_phone("1682345678")
    assert (phone.number, phone.e164, phone.kind) == ("0382345678", "+84382345678", "mobile")
    assert codes(phone) == ["phone.leading_zero", "phone.old_prefix"]
    identity = core_rs.parse_national_id("045190000011", sex="male", birth_year=1990)
    assert (identity.province, identity.sex, identity.birth_year) == ("Quảng Trị", "female", 1990)
    assert codes(identity) == ["id.sex"]
    card = core_rs.parse_health_insurance_number("HS4454500000001")
    assert (card.social_insurance_number, card.benefit_level) == ("4500000001", 4)
    date = core_rs.parse_date("00/05/1950")
    assert (date.year, date.month, date.day, date.precision) == (1950, 5, None, "month")
    assert codes(core_rs.parse_date("1/2/30")) == ["date.two_digit_year"]
    with pytest.raises(CoreError) as raised:
        core_rs.parse_date("12/31/1990")
    assert raised.value.code == "date.calendar"


def test_an_error_never_repeats_the_value() -> None:
    for parse in (core_rs.parse_phone, core_rs.parse_national_id, core_rs.parse_date):
        with pytest.raises(CoreError) as raised:
            parse("bí mật 123")
        assert "123" not in str(raised.value)


@pytest.mark.parametrize("vector", VECTORS["codes"], ids=lambda v: v["text"])
def test_code_vectors(vector: dict[str, str]) -> None:
    if "error" in vector:
        with pytest.raises(CoreError) as raised:
            core_rs.check_code(vector["text"])
        assert raised.value.code == vector["error"]
    else:
        assert core_rs.check_code(vector["text"]) == vector["normalised"]
        body, check = vector["normalised"][:-1], vector["normalised"][-1]
        assert core_rs.code_check_symbol(body) == check


@pytest.mark.parametrize("vector", VECTORS["tubes"], ids=lambda v: v["text"])
def test_tube_vectors(vector: dict[str, str]) -> None:
    if "error" in vector:
        with pytest.raises(CoreError) as raised:
            core_rs.check_tube_code(vector["text"])
        assert raised.value.code == vector["error"]
    else:
        assert core_rs.check_tube_code(vector["text"]) == vector["normalised"]


def test_new_codes_hold_and_differ() -> None:
    made = {core_rs.new_code() for _ in range(1000)}
    assert len(made) == 1000
    assert all(core_rs.check_code(code, length=11) == code for code in made)


def test_every_surname_of_the_field_is_a_syllable_by_either_code_page() -> None:
    surnames = pl.read_csv(shared_data("surnames.csv"))["surname"].to_list()
    assert len(surnames) > 100
    for surname in surnames:
        assert core_rs.repair_text(surname).text == surname
    for row in pl.read_csv(shared_data("given_names.csv"))["given_name"].unique().to_list():
        assert core_rs.repair_text(row).encoding == "unicode"
