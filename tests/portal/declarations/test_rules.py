"""Declarations: what is read, what it means, what opens it."""

import datetime as dt

import pytest

from portal.declarations import rules
from portal.errors import Invalid
from tests.portal.declarations.answers import answers

TODAY = dt.date(2026, 8, 5)


def test_answers_are_read_as_people_write_them() -> None:
    read = rules.read_answers(answers(), TODAY)
    assert read.full_name == "nguyễn thị Hồng Ánh"
    assert read.birth_on == dt.date(1984, 9, 2)
    assert read.phone == "0905123456"
    assert read.symptoms == ()
    assert rules.risk_of(read) is rules.Risk.GREEN


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        rules.read_answers(
            {"birth": "31/02/2000", "phone": "12", "national_id": "1", "declared_by": "proxy"},
            TODAY,
        )
    # name, birth, sex, phone, id, address, symptoms, contact, proxy's name, proxy's phone
    assert len(caught.value.details) == 10


@pytest.mark.parametrize(
    ("birth", "known"),
    [
        ("1984", (None, 1984)),
        ("00/00/1984", (None, 1984)),
        ("02/09/1984", (dt.date(1984, 9, 2), 1984)),
    ],
)
def test_a_year_alone_is_kept_as_a_year(birth: str, known: tuple[dt.date | None, int]) -> None:
    read = rules.read_answers(answers(birth=birth), TODAY)
    assert (read.birth_on, read.birth_year) == known


@pytest.mark.parametrize("birth", ["06/08/2026", "2027", "1899", "", "hôm qua"])
def test_a_birth_that_can_not_be_is_refused(birth: str) -> None:
    with pytest.raises(Invalid):
        rules.read_answers(answers(birth=birth), TODAY)


@pytest.mark.parametrize("symptoms", [None, "", ["none", "fever"], ["dragon"]])
def test_symptoms_must_be_said_and_make_sense(symptoms: object) -> None:
    with pytest.raises(Invalid):
        rules.read_answers(answers(symptoms=symptoms), TODAY)


@pytest.mark.parametrize(
    ("symptoms", "contact", "level", "risk"),
    [
        (["fever"], "yes", "0", "red"),
        (["fever"], "no", "4", "red"),
        (["fever"], "no", "3", "orange"),
        (["none"], "yes", "0", "orange"),
        (["none"], "no", "4", "orange"),
        (["cough"], "no", "2", "yellow"),
        (["none"], "no", "1", "green"),
    ],
)
def test_the_risk_follows_symptoms_and_exposure(
    symptoms: list[str], contact: str, level: str, risk: str
) -> None:
    read = rules.read_answers(
        answers(symptoms=symptoms, had_contact=contact, area_level=level), TODAY
    )
    assert rules.risk_of(read) == risk


SECRET = rules.Secret(dt.date(1984, 9, 2), 1984, "0905123456")
YEAR_ONLY = rules.Secret(None, 1984, "")


@pytest.mark.parametrize(
    "text", ["02/09/1984", "2/9/1984", "2-9-1984", "02091984", "3456", "34 56"]
)
def test_the_second_factor_is_the_day_of_birth_or_the_end_of_the_phone(text: str) -> None:
    assert rules.factor_opens(SECRET, rules.read_factor(text, TODAY))


@pytest.mark.parametrize("text", ["1984", "03/09/1984", "3457", "", "0905", "9/1984", "x"])
def test_nothing_else_opens(text: str) -> None:
    assert not rules.factor_opens(SECRET, rules.read_factor(text, TODAY))


def test_the_year_opens_only_where_only_the_year_is_known() -> None:
    assert rules.factor_opens(YEAR_ONLY, rules.read_factor("1984", TODAY))
    assert not rules.factor_opens(YEAR_ONLY, rules.read_factor("1985", TODAY))


@pytest.mark.parametrize("text", ["", "0000", "1984", "01/01/1990"])
def test_a_person_of_whom_nothing_is_known_is_never_opened(text: str) -> None:
    assert not rules.factor_opens(rules.Secret(), rules.read_factor(text, TODAY))


def test_a_code_is_read_with_spaces_lower_case_and_as_a_link() -> None:
    code = rules.core_rs.new_code()
    typed = f" {code[:4].lower()} {code[4:8].lower()}-{code[8:]} "
    assert rules.read_code(typed) == code
    assert rules.read_code(f"https://xn.example.vn/k/{code}") == code
    assert rules.read_code(code[:-1]) == ""
    assert rules.read_code(rules.grouped(code)) == code


@pytest.mark.parametrize(
    ("failures", "locked"),
    [
        ((5, 5, 5, 300), False),
        ((6, 6, 6, 6), True),
        ((0, 16, 16, 0), True),
        ((0, 0, 61, 0), True),
        ((1, 1, 1, 301), True),
    ],
)
def test_the_lock_counts_by_code_and_loosely_by_network(
    failures: tuple[int, int, int, int], locked: bool
) -> None:
    assert rules.is_locked(rules.Failures(*failures)) is locked
