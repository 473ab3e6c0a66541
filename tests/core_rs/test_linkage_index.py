"""The person index: who is already known, and what is only proposed or in conflict."""

import polars as pl
import pytest

from core_rs import CoreError, PersonIndex

LAN = {
    "full_name": "Nguyễn Thị Hương Lan",
    "dob": "1987-09-21",
    "sex": "Nữ",
    "cccd": "045187004321",
    "phone": "0912345671",
    "address": "12 Lê Lợi, Phường 1, Đông Hà",
    "ward_code": "19333",
}


def made(**fields: str | None) -> dict[str, str | None]:
    return {**LAN, **fields}


@pytest.fixture
def index() -> PersonIndex:
    index = PersonIndex()
    index.add(7, LAN)
    return index


@pytest.mark.parametrize(
    "record",
    [
        made(),
        made(full_name="NGUYEN THI HUONG LAN"),
        made(full_name="Nguyeenx Thij Huwowng Lan", phone=None),
        made(cccd="45187004321", address=None),
        made(dob="1987", sex=None),
        made(dob=None, phone="0987654321"),
    ],
)
def test_a_known_document_with_the_same_name_names_the_person(index, record):
    (found,) = index.look_up(record)
    assert (found.person_id, found.kind, found.key) == (7, "exact", "national_id")


@pytest.mark.parametrize(
    "record",
    [
        made(full_name="Trần Văn Minh", dob="1985-02-03", sex="Nam"),
        made(full_name="Nguyễn Thị Hương Linh"),
        made(full_name="Nguyễn Thị Hương Lân"),
        made(dob="2012-05-01"),
    ],
)
def test_a_relatives_card_is_a_conflict_and_never_a_match(index, record):
    (found,) = index.look_up(record)
    assert (found.person_id, found.kind) == (7, "conflict")


def test_without_a_document_the_index_only_proposes(index):
    (found,) = index.look_up(made(cccd=None))
    assert found.kind == "proposal"
    assert found.key is None
    assert found.probability > 0.99
    assert index.look_up({"full_name": "Nguyễn Thị Hương Lan"}) == []


def test_the_weights_of_the_fields_add_up_and_have_stable_names(index):
    (found,) = index.look_up(made(cccd=None))
    assert [w[0] for w in found.weights] == [
        "household", "family_name", "dob", "sex", "given_name", "national_id", "health_insurance",
        "calibration",
    ]  # fmt: skip
    assert found.prior_bits + sum(w[2] for w in found.weights) == pytest.approx(found.bits)
    assert index.explain(found.pattern) == (found.prior_bits, found.weights)
    missing = [w for w in found.weights if w[1].startswith("missing")]
    assert [w[2] for w in missing] == pytest.approx([0.0] * len(missing))


def test_blanks_and_placeholders_are_no_keys(index):
    index.add(8, {"full_name": "Lê A", "cccd": "000000000000", "phone": "0000000000"})
    asked = {"full_name": "Trần B", "cccd": "000000000000", "phone": "0000000000", "dob": ""}
    assert index.look_up(asked, least_bits=-99.0) == []


def test_a_batch_is_matched_with_the_index_and_with_itself(index):
    twin = made(full_name="Nguyễn Thị Hương Linh", cccd="045187004322")
    rows = [made(), twin, {**twin, "phone": None}, made(full_name="Phạm Quốc Bảo", sex="Nam")]
    answers = pl.DataFrame(index.match_many(pl.DataFrame(rows), least_bits=99.0))
    got = answers.select("row", "kind", "person_id", "other_row", "key").rows()
    assert got == [
        (0, "exact", 7, None, "national_id"),
        (2, "exact", None, 1, "national_id"),
        (3, "conflict", 7, None, "national_id"),
        (3, "conflict", None, 0, "national_id"),
    ]


def test_a_key_that_names_two_people_is_a_conflict_with_both(index):
    index.add(9, made(phone=None))
    assert {c.kind for c in index.look_up(LAN)} == {"conflict"}
    answers = pl.DataFrame(index.match_many(pl.DataFrame([LAN])))
    assert answers["kind"].to_list() == ["conflict", "conflict"]


def test_update_remove_and_redirect_move_what_is_found(index):
    index.update(7, made(cccd="045187009999"))
    assert index.look_up({"cccd": LAN["cccd"], "full_name": LAN["full_name"]}) == []
    assert index.redirect(7, 11) == 1
    assert 7 not in index
    assert [c.person_id for c in index.look_up(made(cccd="045187009999"))] == [11]
    assert index.remove(11) == 1
    assert len(index) == 0
    assert index.look_up(LAN) == []


def test_a_saved_index_answers_the_same(index, tmp_path):
    index.rename_ward("19333", "19400")
    index.add(8, made(full_name="Nguyễn Thị Hương Linh", cccd="045187004322"))
    index.add(9, LAN)
    index.remove(9)
    index.save(tmp_path / "index.bin")
    loaded = PersonIndex.load(tmp_path / "index.bin")
    assert len(loaded) == 2
    for record in (LAN, made(cccd=None), made(full_name="Nguyen Thi Huong Linh", ward_code=None)):
        before, after = index.look_up(record), loaded.look_up(record)
        assert [(c.person_id, c.bits, c.kind) for c in before] == [
            (c.person_id, c.bits, c.kind) for c in after
        ]


def test_a_damaged_file_is_refused(index, tmp_path):
    path = tmp_path / "index.bin"
    index.save(path)
    whole = path.read_bytes()
    for broken in (whole[:-9], whole[:40] + b"\x7f" + whole[41:], b"", b"TRAM"):
        path.write_bytes(broken)
        with pytest.raises(CoreError) as refused:
            PersonIndex.load(path)
        assert refused.value.code == "linkage.index_file"


def test_a_wrong_column_type_names_the_column():
    table = pl.DataFrame({"person_id": [1], "full_name": [3]})
    with pytest.raises(CoreError, match="full_name"):
        PersonIndex().add_many(table)
    with pytest.raises(CoreError, match="person_id"):
        PersonIndex().add_many(pl.DataFrame({"full_name": ["A"]}))


def test_a_renamed_ward_is_the_same_ward(index):
    index.rename_ward("19333", "19400")
    index.add(8, {"full_name": "Hồ Văn Cu", "ward_code": "19333", "dob": "1960-05-06"})
    (found,) = index.look_up(
        {"full_name": "Hồ Văn Cu", "ward_code": "19400", "dob": "1960-05-06"}, least_bits=-20.0
    )
    assert {w[0]: w[1] for w in found.weights}["household"] == "same_ward"
