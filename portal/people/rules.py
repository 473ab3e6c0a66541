"""Who may be the same person by a document, and what a document leaves open."""

import datetime as dt
from typing import NamedTuple

from flask_babel import gettext

import core_rs
from portal.errors import Invalid


class Particulars(NamedTuple):
    """What a card or a form says of a person, normalised by core_rs; empty where not known.

    `birth_on` is ISO text of the whole day; `is_name_plain` says the name has no marks because
    its source writes none.
    """

    full_name: str
    folded_name: str
    sort_name: str
    birth_on: str
    birth_year: int | None
    sex: str
    phone: str
    national_id: str
    cmnd: str
    health_insurance: str
    qid: str
    passport: str
    address: str
    is_name_plain: bool
    nationality: str = "VN"

    def identifiers(self) -> list[tuple[str, str]]:
        """(kind, value) of every id that names one person, the strongest first."""
        pairs = (
            ("national_id", self.national_id),
            ("qid", self.qid),
            ("health_insurance", self.health_insurance),
            ("cmnd", self.cmnd),
            ("passport", self.passport),
        )
        return [pair for pair in pairs if pair[1]]


class Known(NamedTuple):
    """What is stored of a person that shares an id."""

    folded_name: str
    birth_on: str
    birth_year: int | None
    sex: str


def is_same_person(known: Known, given: Particulars) -> bool:
    """Whether a shared id may be believed.

    It is, if birth and sex do not contradict each other, or if the name is the same: clerks
    mistype days and tick the wrong sex, but a card of somebody else has another name too.
    """
    if known.folded_name and known.folded_name == given.folded_name:
        return True
    if known.birth_on and given.birth_on:
        is_born_alike = known.birth_on == given.birth_on
    elif known.birth_year and given.birth_year:
        is_born_alike = known.birth_year == given.birth_year
    else:
        is_born_alike = True
    is_sex_alike = "unknown" in (known.sex, given.sex) or known.sex == given.sex
    return is_born_alike and is_sex_alike


class Correction(NamedTuple):
    """What staff write over a record, checked and normalised; `birth_on` as in `Particulars`."""

    full_name: str
    birth_on: str
    birth_year: int | None
    sex: str
    phone: str
    address: str


OLDEST_YEARS = 130


def read_correction(
    *, full_name: str, birth: str, sex: str, phone: str, address: str, today: dt.date
) -> Correction:
    """Reads the form of a record.

    Raises:
        Invalid: naming every problem at once.
    """
    problems = []
    name = core_rs.normalise_name(full_name)
    if not any(letter.isalpha() for letter in name) or any(letter.isdigit() for letter in name):
        problems.append(gettext("Write the full name, without digits."))
    birth_on, birth_year = "", None
    if birth.strip():
        try:
            day = core_rs.parse_date(birth, latest_year=today.year)
        except core_rs.CoreError:
            problems.append(
                gettext("Write the day of birth as 31/12/1990, or the year alone: 1990.")
            )
        else:
            birth_year = day.year
            birth_on = day.iso if day.precision == "day" else ""
            last = birth_on or f"{birth_year}"
            if last > today.isoformat()[: len(last)] or birth_year < today.year - OLDEST_YEARS:
                problems.append(gettext("The day of birth can not be right."))
    number = ""
    if phone.strip():
        try:
            number = core_rs.parse_phone(phone).number
        except core_rs.CoreError:
            problems.append(gettext("This is not a phone number."))
    if sex not in {"female", "male", "unknown"}:
        problems.append(gettext("Choose the sex, or «not known»."))
    if problems:
        raise Invalid(gettext("The record can not be corrected so."), details=problems)
    kept = core_rs.normalise_name(address)[:240]
    return Correction(name[:120], birth_on, birth_year, sex, number, kept)
