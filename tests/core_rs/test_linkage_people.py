"""Linking people in bulk: each pitfall of docs/linkage.md is a small story here."""

import random

import polars as pl
import pytest

from core_rs import CoreError, PeopleLinker, link_people

FIELDS = ["full_name", "dob", "sex", "cccd", "cmnd", "health_insurance", "phone", "address",
          "ward_code", "device_id", "sample_code", "registered_at"]  # fmt: skip
SURNAMES = ["Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ"]
MIDDLES = ["Văn", "Thị", "Minh", "Quốc", "Ngọc", "Thanh", "Đức", "Thu", "Hữu", "Kim"]
GIVENS = ["Hùng", "Hưng", "Lan", "Mai", "Tuấn", "Dũng", "Hoa", "Bình", "Hạnh", "Phúc", "Trang",
          "Nam", "Oanh", "Thủy", "Thúy", "Khoa", "Vinh", "Yến", "Quân", "Nhung"]  # fmt: skip


def crowd(count: int, seed: int = 5) -> list[dict[str, str | None]]:
    """Unrelated people, so that names have frequencies and strangers can be learnt."""
    rng = random.Random(seed)
    return [
        {
            "full_name": f"{rng.choice(SURNAMES)} {rng.choice(MIDDLES)} {rng.choice(GIVENS)}",
            "dob": f"{rng.randint(1940, 2018)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
            "sex": rng.choice(["Nam", "Nữ"]),
            "phone": f"09{rng.randint(10_000_000, 99_999_999)}",
            "address": f"{rng.randint(1, 400)} Lê Lợi, Phường {rng.randint(1, 30)}",
            "ward_code": f"19{rng.randint(100, 130)}",
            "sample_code": f"QTA{row:09d}",
        }
        for row in range(count)
    ]


CROWD = crowd(3000)
LAN = {
    "full_name": "Đặng Ngọc Lan", "dob": "1987-09-21", "sex": "Nữ", "cccd": "045187004321",
    "phone": "0912345671", "address": "12 Lê Lợi, Phường 1, Đông Hà", "ward_code": "19105",
    "sample_code": "A1",
}  # fmt: skip


def frame(rows) -> pl.DataFrame:
    """The rows as a table with row numbers as ids; text throughout, also where all are null."""
    columns = [{f: row.get(f) for f in FIELDS} for row in rows]
    schema = dict.fromkeys(FIELDS, pl.String)
    return pl.DataFrame(columns, schema=schema).with_row_index("record_id")


def linked(*people: dict[str, str | None]) -> pl.DataFrame:
    """Links the people among the crowd; their rows only, in order."""
    return pl.DataFrame(link_people(frame([*people, *CROWD]), threads=2)).head(len(people))


def together(*people: dict[str, str | None]) -> bool:
    return linked(*people)["entity_id"].n_unique() == 1


def made(**fields: str | None) -> dict[str, str | None]:
    return {**LAN, "sample_code": "B2", **fields}


@pytest.mark.parametrize(
    "again",
    [
        made(full_name="DANG NGOC LAN", cccd=None),
        made(full_name="Dda8ng5 Ngo5c Lan", phone=None, cccd="45187004321"),
        made(full_name="Ddawngj Ngocj Lan", cccd=None, address="12 LE LOI P.1"),
        made(full_name="Lan Đặng Ngọc", cccd=None),
        made(dob="1987-21-09", cccd=None),
        made(dob="1987", phone="+84 912 345 671", cccd=None),
        made(dob=None, cccd=None),
        made(cccd="045187004312", phone="0987654320"),
        made(full_name="Đặng Lan", cccd=None),
        made(dob="1977", cccd=None),
        made(dob=None, cccd=None, phone="0987654320", ward_code="19122"),
    ],
)
def test_one_person_typed_in_two_ways_is_one(again):
    assert together(LAN, again)


BROTHERS = [
    made(full_name="Lê Quốc Hùng", dob="2004-03-02", sex="Nam", cccd=None, sample_code="C1"),
    made(full_name="Lê Quốc Hưng", dob="2004-03-02", sex="Nam", cccd=None, sample_code="C2"),
]


def test_twins_named_by_a_vowel_stay_two():
    assert not together(*BROTHERS)


def test_twins_with_neighbouring_numbers_stay_two():
    assert not together(
        {**BROTHERS[0], "cccd": "045204000110"}, {**BROTHERS[1], "cccd": "045204000111"}
    )


def test_a_name_without_marks_does_not_bind_the_twins_together():
    plain = {**BROTHERS[0], "full_name": "LE QUOC HUNG", "sample_code": "C3"}
    got = linked(BROTHERS[0], BROTHERS[1], plain)
    assert got["entity_id"][0] != got["entity_id"][1]
    assert got["review"].any()


@pytest.mark.parametrize(("times", "is_name"), [(2, True), (1, False)])
def test_a_rare_spelling_that_comes_again_is_a_name_and_parts_twins(times: int, is_name: bool):
    crowded = [{**row, "full_name": f"{SURNAMES[at % 10]} Thu Hà"} for at, row in enumerate(CROWD)]
    ha = {**LAN, "full_name": "Đặng Thu Hà", "cccd": None}
    sister = {**ha, "full_name": "Đặng Thu Hạ", "phone": None, "sample_code": "B2"}
    others = [
        {**row, "full_name": f"{SURNAMES[at]} Kim Hạ", "sample_code": f"QTC{at}{time}"}
        for at, row in enumerate(CROWD[:4])
        for time in range(times)
    ]
    table = pl.DataFrame(link_people(frame([ha, sister, *others, *crowded]), threads=2)).head(2)
    assert table["entity_id"].n_unique() == (2 if is_name else 1)


def test_a_chain_does_not_bind_two_contradicting_records():
    first = made(full_name="Lê Thị Hoa", cccd="045187000111", phone="0911111112")
    second = made(full_name="Lê Thị Hoa", cccd="045187999222", phone="0911111112")
    between = made(full_name="Lê Thị Hoa", cccd=None, phone="0911111112", sample_code="X")
    got = linked(first, between, second)
    assert got["entity_id"][0] != got["entity_id"][2]


def test_twins_typed_in_another_order_stay_two():
    assert not together(BROTHERS[0], {**BROTHERS[1], "full_name": "Hưng Lê Quốc"})
    assert together(BROTHERS[0], {**BROTHERS[0], "full_name": "Hùng Lê Quốc"})


@pytest.mark.parametrize("day", ["21/09/87", "21.9.87", "21091987", "1987-09-21 00:00:00"])
def test_a_day_of_birth_is_read_in_many_forms(day):
    assert together(LAN, made(dob=day, cccd=None, phone=None, address=None))


def test_a_name_of_its_time_is_weak_evidence_between_people_of_one_year():
    rng = random.Random(8)
    young = [
        {
            "full_name": f"{rng.choice(SURNAMES[:2])} {rng.choice(MIDDLES[2:4])} "
            f"{rng.choice(['Khang', 'Khôi', 'Phúc'])}",
            "dob": f"2019-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
            "sex": "Nam",
            "ward_code": f"19{rng.randint(100, 130)}",
            "sample_code": f"QTB{row:09d}",
        }
        for row in range(3000)
    ]
    got = pl.DataFrame(link_people(frame([*young, *CROWD]), threads=2))
    assert got["entity_id"].n_unique() > 0.995 * len(got)


def test_a_child_named_like_the_parent_stays_another():
    father = made(full_name="Bùi Hữu Phúc", dob="1970-05-04", sex="Nam", cccd=None)
    son = {**father, "dob": "1999-11-23", "sample_code": "D2"}
    assert not together(father, son)


def test_a_child_named_like_the_parent_stays_another_by_the_years_alone():
    father = made(full_name="Bùi Hữu Phúc", dob="1970", sex="Nam", cccd=None)
    assert not together(father, {**father, "dob": "1999-11-23", "sample_code": "D2"})


def test_a_name_that_lost_the_marks_of_one_word_is_no_twins_name():
    # Tuan among a hundred Tuấn is a slip; Hoa and Hòa are two names.
    some = [{**row, "full_name": f"{SURNAMES[at % 10]} {MIDDLES[at % 7]} Tuấn"}
            for at, row in enumerate(crowd(100, seed=12))]  # fmt: skip
    right = made(full_name="Lê Đức Tuấn", dob="1990-05-07", sex="Nam", cccd=None)
    lost = {**right, "full_name": "Lê Đức Tuan", "sample_code": "F2"}
    got = pl.DataFrame(link_people(frame([right, lost, *some, *CROWD]), threads=2))
    assert got["entity_id"][0] == got["entity_id"][1]


def test_an_old_number_leads_to_the_new_one_through_a_record_with_both():
    # Nine digits and twelve have no arithmetic in common (pitfall 6).
    person = {"full_name": "Đặng Ngọc Lan", "dob": "1987", "sex": "Nữ"}
    old = {**person, "cmnd": "197123456"}
    new = {**person, "cccd": "45187004321", "phone": "0912345671"}
    both = {**person, "cmnd": "197123456", "cccd": "045187004321"}
    assert linked(old, both, new)["entity_id"].n_unique() == 1


def test_a_rare_name_is_more_evidence_than_a_common_one():
    # By the whole name and not the surname, and counted anew as records come (pitfall 4).
    rare = [{"full_name": "Nguyễn Kiều Nam", "dob": "1987-09-21"}] * 2
    common = [{"full_name": "Nguyễn Văn Nam", "dob": "1990-04-07"}] * 2
    many = [{**row, "full_name": "Nguyễn Văn Nam"} for row in crowd(400, seed=3)]
    linker = PeopleLinker(threads=1)
    linker.add(frame([*rare, *common, *many, *CROWD]))
    result = linker.link()
    pairs = pl.DataFrame(result.pairs()).filter(pl.col("b") < 4)
    weights = {
        row["a"]: {field: bits for field, _, bits in result.explain(row["pattern"])[1]}
        for row in pairs.iter_rows(named=True)
    }
    assert weights[0]["family_name"] > weights[2]["family_name"] + 2


def test_a_relatives_card_does_not_make_one_person():
    mother = made()
    son = made(full_name="Trần Đức Quân", dob="2012-02-03", sex="Nam", sample_code="E1")
    assert not together(mother, son)


def test_a_clinics_phone_is_no_evidence():
    people = [{**row, "phone": "0905000111"} for row in crowd(40, seed=9)]
    assert linked(*people)["entity_id"].n_unique() == 40


def test_a_hamlet_of_a_few_houses_is_weaker_than_a_house_and_stronger_than_a_ward():
    person = {"full_name": "Đỗ Kim Yến", "dob": "1987-09-21", "sex": "Nữ", "ward_code": "19105"}
    here = {**person, "address": "Tổ 22, Thôn 5, Xã Cam Phong"}

    def beside(count: int) -> float:
        others = [{**row, "address": here["address"]} for row in crowd(count, seed=21)]
        return bits(here, {**here, "dob": "1987-09-12"}, more=others)

    house, hamlet, village = beside(3), beside(20), beside(100)
    assert house > hamlet + 1
    assert hamlet > village + 0.5
    # An address of the whole village says no more than the ward.
    unsaid = {**here, "address": None}
    others = [{**row, "address": here["address"]} for row in crowd(100, seed=21)]
    ward = bits(unsaid, {**unsaid, "dob": "1987-09-12"}, more=others)
    assert village == pytest.approx(ward, abs=0.2)


def test_another_address_counts_against_one_person_and_none_at_all_does_not():
    person = {"full_name": "Nguyễn Văn Nam", "dob": "1987-09-21", "ward_code": "19105"}
    here = {**person, "phone": "0903786428", "address": "Tổ 22, Thôn 5, Xã Cam Phong"}
    there = {**person, "phone": "0375598171"}
    elsewhere = {**there, "address": "Tổ 3, Thôn 11, Xã Cam Phong"}
    # Of two with one common name and day: who has a house of his own is probably another.
    assert bits(here, there) > 3
    assert bits(here, elsewhere) < bits(here, there) - 3


def test_a_household_is_not_one_person():
    home = {k: LAN[k] for k in ("phone", "address", "ward_code")}
    names = [
        ("Lê Văn Nam", "1960-02-03", "Nam"),
        ("Trần Thị Mai", "1963-08-09", "Nữ"),
        ("Lê Minh Khoa", "1990-01-17", "Nam"),
        ("Lê Ngọc Yến", "1993-12-30", "Nữ"),
    ]
    family = [{"full_name": n, "dob": d, "sex": s, **home} for n, d, s in names]
    assert linked(*family)["entity_id"].n_unique() == 4


def test_placeholders_and_blanks_bind_nobody():
    blank = {"cccd": "000000000000", "phone": "0000000000", "dob": "", "sample_code": None}
    people = [
        {"full_name": f"{s} Thị {g}", **blank} for s, g in zip(SURNAMES, GIVENS, strict=False)
    ]
    got = linked(*people, {"full_name": ""}, {"full_name": " ", "phone": "0123456789"})
    assert got["entity_id"].n_unique() == len(got)


def bits(first, second, more=(), **options) -> float:
    """Log2 odds of the pair among the crowd; far below zero if it is no candidate."""
    linker = PeopleLinker(threads=1, **options)
    linker.add(frame([first, second, *more, *CROWD]))
    pairs = pl.DataFrame(linker.link().pairs()).filter((pl.col("a") == 0) & (pl.col("b") == 1))
    return pairs["bits"].to_list()[0] if len(pairs) else -99.0


def test_first_of_january_is_weaker_evidence_than_another_day():
    def born(day):
        person = {"full_name": "Vũ Kim Oanh", "dob": day, "sex": "Nữ"}
        return bits({**person, "ward_code": "19101"}, {**person, "ward_code": "19125"})

    assert born("1950-01-01") < born("1950-04-07") - 3


def test_a_day_that_a_register_puts_for_unknown_is_weak_evidence():
    person = {"full_name": "Vũ Kim Oanh", "dob": "1950-07-15", "sex": "Nữ"}
    here, there = {**person, "ward_code": "19101"}, {**person, "ward_code": "19125"}
    others = [{**row, "dob": "1950-07-15", "phone": None} for row in crowd(60, seed=3)]
    assert bits(here, there, more=others) < bits(here, there) - 3


def test_a_merged_ward_is_one_ward():
    old = {"full_name": "Đỗ Kim Yến", "dob": "1987-09-21", "sex": "Nữ", "ward_code": "19105"}
    new = {**old, "ward_code": "20555"}
    assert bits(old, new, ward_successors={"19105": "20555"}) > bits(old, new)


def test_a_ward_that_was_renamed_is_recognised_without_a_table():
    old = {"full_name": "Đỗ Kim Yến", "dob": "1987-09-21", "sex": "Nữ", "ward_code": "19105"}
    new = {**old, "ward_code": "20555"}
    home = [row for row in CROWD if row["ward_code"] == "19105"]
    assert len(home) > 40
    moved = [{**row, "ward_code": "20555", "sample_code": f"N{n}"} for n, row in enumerate(home)]
    some = [{**row, "ward_code": "20555", "sample_code": f"N{n}"} for n, row in enumerate(home[:7])]
    assert bits(old, new, more=moved) > bits(old, new, more=some) + 1


def test_two_people_with_one_tube_are_reported_and_stay_two():
    other = made(full_name="Phạm Đức Vinh", dob="1971-02-03", sex="Nam", cccd=None,
                 phone="0987654321", address="9 Hùng Vương", sample_code="A1")  # fmt: skip
    got = linked(LAN, other)
    assert got["entity_id"].n_unique() == 2
    assert got["review"].to_list() == [True, True]


def test_a_byte_identical_resend_is_the_same_record():
    bare = {"full_name": "Hồ Văn Nam", "sample_code": "S77", "device_id": "D1",
            "registered_at": "2021-08-01T07:00"}  # fmt: skip
    assert together(bare, bare)
    assert not together(bare, {**bare, "sample_code": "S78"})


def test_the_result_does_not_depend_on_threads_or_repetition():
    rows = [*CROWD, *[{**r, "phone": None, "sample_code": "x"} for r in CROWD[::3]]]
    table = frame(rows)
    results = [pl.DataFrame(link_people(table, threads=n)) for n in (1, 2, 3, 2)]
    assert all(result.equals(results[0]) for result in results)
    assert results[0]["entity_id"].n_unique() < len(CROWD) * 1.05


def test_lost_candidates_are_reported_by_rule():
    same = [{"full_name": "Nguyễn Văn Nam", "dob": "1950", "ward_code": "19101"}] * 1500
    linker = PeopleLinker(threads=2)
    linker.add(pl.DataFrame(same))
    result = linker.link()
    assert result.lost_candidates["name_and_year"] == 1500 * 1499 // 2


def test_weights_explain_a_pair_exactly():
    linker = PeopleLinker(threads=1)
    linker.add(frame([LAN, made(cccd=None), *CROWD]))
    result = linker.link()
    pair = pl.DataFrame(result.pairs()).filter((pl.col("a") == 0) & (pl.col("b") == 1))
    prior, weights = result.explain(pair["pattern"][0])
    assert prior + sum(w[2] for w in weights) == pytest.approx(pair["bits"][0], abs=1e-4)


def test_record_ids_of_text_come_back_as_entity_ids():
    rows = [{**LAN, "record_id": "a"}, {**made(), "record_id": "b"}]
    got = pl.DataFrame(link_people(pl.DataFrame(rows)))
    assert got["entity_id"].to_list() == ["a", "a"]
    assert got["score"].is_between(0.9, 1).all()
    with pytest.raises(CoreError, match="record_id"):
        link_people(pl.DataFrame([{**LAN, "record_id": None}, {**LAN, "record_id": "b"}]))


def test_an_empty_table_gives_an_empty_result():
    empty = pl.DataFrame(schema={"record_id": pl.Int64, "full_name": pl.String})
    assert len(link_people(empty)) == 0


def test_each_step_is_told_of_when_it_is_done():
    linker = PeopleLinker(threads=2)
    linker.add(frame(CROWD))
    steps: list[str] = []
    result = linker.link(after_step=steps.append)
    assert steps == ["block", "compare", "learn", "cluster"]
    assert set(steps) == set(result.seconds)

    def broken(step: str) -> None:
        raise ZeroDivisionError(step)

    linker.add(frame(CROWD))
    with pytest.raises(ZeroDivisionError, match="block"):
        linker.link(after_step=broken)
