"""Pure rules of declarations: what may be answered, what it means, what opens it.

The fields follow the national declaration forms (domestic form of the Ministry of Health), the
suspicion list is that of letter 11042/BYT-DP of 29 December 2021.
"""

import datetime as dt
import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from flask_babel import gettext

import core_rs
from portal.errors import Invalid

CODE_LENGTH = 11
YEAR_DIGITS = 4
OLDEST_AGE_YEARS = 125


class Symptom(StrEnum):
    """Symptoms of the declaration forms; the words for people are in `texts.py`."""

    FEVER = "fever"
    COUGH = "cough"
    DYSPNEA = "dyspnea"
    PNEUMONIA = "pneumonia"
    SORE_THROAT = "sore_throat"
    FATIGUE = "fatigue"
    ANOSMIA = "anosmia"
    MYALGIA = "myalgia"
    CHILLS = "chills"
    HEADACHE = "headache"
    RUNNY_NOSE = "runny_nose"
    NAUSEA = "nausea"
    VOMITING = "vomiting"
    DIARRHEA = "diarrhea"


class Risk(StrEnum):
    """How urgently somebody should look at a declaration."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    GREEN = "green"


SEXES = ("male", "female", "other")
# Epidemic levels 3 and 4 of resolution 128/NQ-CP; 4 is red.
HIGH_LEVEL, RED_LEVEL = 3, 4


@dataclass(frozen=True, slots=True)
class Answers:
    """What somebody declared, read and checked.

    Attributes:
        birth: ISO 8601, the day or the year alone.
        national_id: 9 or 12 digits, a passport number, or empty.
        phone: national form, or empty for people without one.
        area_code: commune of residence by the national list, or empty where it is elsewhere.
        declared_by: `self`, `proxy` (then by whom) or `staff`.
        travelled: places of the last 14 days, or empty.
        area_level: epidemic level of where the person comes from, 0 if not known.
    """

    full_name: str
    birth: str
    sex: str
    nationality: str
    national_id: str
    phone: str
    area_code: str
    address: str
    declared_by: str
    proxy_name: str
    proxy_phone: str
    travelled: str
    symptoms: tuple[str, ...]
    had_contact: bool
    area_level: int

    @property
    def birth_on(self) -> dt.date | None:
        """The day of birth where the whole day is known."""
        return None if len(self.birth) == YEAR_DIGITS else dt.date.fromisoformat(self.birth)

    @property
    def birth_year(self) -> int:
        """The year of birth."""
        return int(self.birth[:YEAR_DIGITS])

    def to_json(self) -> dict[str, Any]:
        """Plain values, for the stored version."""
        return {**asdict(self), "symptoms": list(self.symptoms)}


def read_answers(raw: Mapping[str, Any], today: dt.date) -> Answers:
    """Reads a form, a file's row or an earlier version; keys are those of `Answers`.

    Yes/no answers must be given: nothing is taken as «no» because it was left out.

    Raises:
        Invalid: naming every problem at once.
    """
    reader = _Reader(raw, today)
    answers = reader.read()
    if reader.problems:
        raise Invalid(
            gettext("Something in the declaration is not right."),
            details=[problem for _, problem in reader.problems],
        )
    return answers


def problems_of(raw: Mapping[str, Any], today: dt.date) -> list[tuple[str, str]]:
    """What is wrong with answers, as (field, sentence): for a form that asks page by page."""
    reader = _Reader(raw, today)
    reader.read()
    return reader.problems


class _Reader:
    def __init__(self, raw: Mapping[str, Any], today: dt.date) -> None:
        self.raw = raw
        self.today = today
        self.problems: list[tuple[str, str]] = []

    def read(self) -> Answers:
        declared_by = self._choice("declared_by", ("self", "proxy", "staff"), "self")
        is_proxy = declared_by == "proxy"
        proxy_name = self._name("proxy_name", required=is_proxy)
        proxy_phone = self._phone("proxy_phone")
        phone = self._phone("phone")
        if is_proxy and not (proxy_phone or phone):
            problem = gettext("Give a phone number of the person who declares.")
            self._wrong("proxy_phone", problem)
        return Answers(
            full_name=self._name("full_name", required=True),
            birth=self._birth(),
            sex=self._choice("sex", SEXES, ""),
            nationality=(self._text("nationality", 2) or "VN").upper(),
            national_id=self._national_id(),
            phone=phone,
            area_code=self._text("area_code", 8),
            address=self._address(),
            declared_by=declared_by,
            proxy_name=proxy_name if is_proxy else "",
            proxy_phone=proxy_phone if is_proxy else "",
            travelled=self._text("travelled", 300),
            symptoms=self._symptoms(),
            had_contact=self._yes_or_no("had_contact"),
            area_level=self._level(),
        )

    def _wrong(self, field: str, problem: str) -> None:
        self.problems.append((field, problem))

    def _text(self, name: str, longest: int) -> str:
        value = core_rs.normalise_name(str(self.raw.get(name) or ""))
        if len(value) > longest:
            self._wrong(
                name, gettext("The answer to «%(question)s» is too long.", question=label(name))
            )
        return value[:longest]

    def _name(self, name: str, *, required: bool) -> str:
        value = self._text(name, 120)
        if required and not any(letter.isalpha() for letter in value):
            self._wrong(name, gettext("Fill in «%(question)s».", question=label(name)))
        elif any(letter.isdigit() for letter in value):
            self._wrong(name, gettext("«%(question)s» has digits in it.", question=label(name)))
        return value

    def _address(self) -> str:
        value = self._text("address", 240)
        if not value and not self.raw.get("area_code"):
            self._wrong("address", gettext("Fill in «%(question)s».", question=label("address")))
        return value

    def _choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = str(self.raw.get(name) or default)
        if value not in allowed:
            self._wrong(name, gettext("Choose an answer to «%(question)s».", question=label(name)))
        return value

    def _birth(self) -> str:
        text = str(self.raw.get("birth") or "").strip()
        try:
            birth = core_rs.parse_date(text, latest_year=self.today.year)
        except core_rs.CoreError:
            self._wrong(
                "birth", gettext("Write the day of birth as 31/12/1990, or the year alone: 1990.")
            )
            return f"{self.today.year}"
        iso = birth.iso if birth.precision == "day" else str(birth.year)
        first = dt.date.fromisoformat(iso) if birth.precision == "day" else None
        too_late = first > self.today if first else birth.year > self.today.year
        if too_late or birth.year < self.today.year - OLDEST_AGE_YEARS:
            self._wrong("birth", gettext("The day of birth can not be right."))
        return iso

    def _phone(self, name: str) -> str:
        text = str(self.raw.get(name) or "").strip()
        if not text:
            return ""
        try:
            return core_rs.parse_phone(text).number
        except core_rs.CoreError:
            self._wrong(
                name, gettext("«%(question)s» is not a phone number.", question=label(name))
            )
            return ""

    def _national_id(self) -> str:
        text = "".join(str(self.raw.get("national_id") or "").split()).upper()
        if not text:
            return ""
        longest_passport = 9
        if text[0].isalpha() and text.isalnum() and len(text) <= longest_passport:
            return text
        try:
            return core_rs.parse_national_id(text).number
        except core_rs.CoreError:
            self._wrong(
                "national_id",
                gettext("The ID number has 12 digits, or 9; a passport begins with a letter."),
            )
            return ""

    def _symptoms(self) -> tuple[str, ...]:
        given = self.raw.get("symptoms")
        if given is None or given == "":
            self._wrong("symptoms", gettext("Say which symptoms there are, or «none of these»."))
            return ()
        words = given.replace(",", " ").split() if isinstance(given, str) else list(given)
        chosen = {word for word in words if word != "none"}
        known = {symptom.value for symptom in Symptom}
        if chosen - known or (chosen and "none" in words):
            self._wrong("symptoms", gettext("Say which symptoms there are, or «none of these»."))
        return tuple(symptom.value for symptom in Symptom if symptom.value in chosen)

    def _yes_or_no(self, name: str) -> bool:
        value = self.raw.get(name)
        if isinstance(value, bool):
            return value
        if value not in {"yes", "no"}:
            self._wrong(
                name, gettext("Answer «%(question)s» with yes or no.", question=label(name))
            )
        return value == "yes"

    def _level(self) -> int:
        value = str(self.raw.get("area_level") or "0")
        if value not in {"0", "1", "2", "3", "4"}:
            self._wrong("area_level", gettext("The epidemic level is 1, 2, 3 or 4."))
            return 0
        return int(value)


def label(field: str) -> str:
    """The question of a field, in the language of whoever asks."""
    labels = {
        "full_name": gettext("Full name"),
        "birth": gettext("Day of birth"),
        "sex": gettext("Sex"),
        "nationality": gettext("Nationality"),
        "national_id": gettext("ID number"),
        "phone": gettext("Phone"),
        "area_code": gettext("Commune of residence"),
        "address": gettext("Address"),
        "declared_by": gettext("Who declares"),
        "proxy_name": gettext("Name of the person who declares"),
        "proxy_phone": gettext("Phone of the person who declares"),
        "travelled": gettext("Places of the last 14 days"),
        "symptoms": gettext("Symptoms of the last 14 days"),
        "had_contact": gettext("Contact with a patient or a suspected case"),
        "area_level": gettext("Epidemic level of the place you come from"),
    }
    return labels.get(field, field)


def risk_of(answers: Answers) -> Risk:
    """How urgent: symptoms with an exposure are red, an exposure alone orange, symptoms yellow."""
    is_ill = bool(answers.symptoms)
    if is_ill and (answers.had_contact or answers.area_level >= RED_LEVEL):
        return Risk.RED
    if answers.had_contact or answers.area_level >= HIGH_LEVEL:
        return Risk.ORANGE
    return Risk.YELLOW if is_ill else Risk.GREEN


# --- the second factor ---


@dataclass(frozen=True, slots=True)
class Secret:
    """What is known of a person that only they and theirs should know.

    Nothing known opens nothing: then only the counter helps.
    """

    birth_on: dt.date | None = None
    birth_year: int | None = None
    phone: str = ""

    def accepted(self) -> tuple[str, ...]:
        """Every form that opens, always three long: equal work whatever is known."""
        day = self.birth_on.isoformat() if self.birth_on else ""
        year = str(self.birth_year) if self.birth_year and not self.birth_on else ""
        digits = self.phone[-YEAR_DIGITS:] if len(self.phone) > YEAR_DIGITS else ""
        return day, year, digits


def read_factor(text: str, today: dt.date) -> tuple[str, ...]:
    """The forms that a typed second factor may mean: a day as ISO 8601, or four digits."""
    squeezed = "".join(text.split())
    if len(squeezed) == YEAR_DIGITS and squeezed.isascii() and squeezed.isdigit():
        return (squeezed,)
    eight = 8
    if len(squeezed) == eight and squeezed.isascii() and squeezed.isdigit():
        squeezed = f"{squeezed[:2]}/{squeezed[2:4]}/{squeezed[4:]}"
    try:
        day = core_rs.parse_date(squeezed, latest_year=today.year)
    except core_rs.CoreError:
        return ("",)
    return (day.iso if day.precision == "day" else "",)


def factor_opens(secret: Secret, given: tuple[str, ...]) -> bool:
    """Whether a second factor fits; every comparison is made, whatever the first ones said."""
    opens = False
    for known in secret.accepted():
        for form in given:
            same = hmac.compare_digest(known.encode(), form.encode())
            opens |= same and bool(known)
    return opens


def read_code(text: str) -> str:
    """A code as people type it (spaces, dashes, lower case) in its normal form; "" if it is none.

    Takes a scanned link as well: `https://…/k/CODE`.
    """
    bare = text.strip().rsplit("/", 1)[-1]
    try:
        return core_rs.check_code(bare, length=CODE_LENGTH)
    except core_rs.CoreError:
        return ""


def grouped(code: str) -> str:
    """A code in groups of four, as it is printed and read aloud."""
    return "-".join(code[i : i + 4] for i in range(0, len(code), 4))


# --- the lock ---


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed tries since the last that opened."""

    of_code_quarter_hour: int
    of_code_day: int
    of_code_ever: int
    of_network_quarter_hour: int


# Guessing four digits: at most 5 in a quarter of an hour, 15 a day and 60 ever, of 10,000.
# Past the last bound only the counter opens the code again. A network is many families.
MOST_OF_CODE_QUARTER_HOUR = 5
MOST_OF_CODE_DAY = 15
MOST_OF_CODE_EVER = 60
MOST_OF_NETWORK_QUARTER_HOUR = 300


def is_locked(failures: Failures) -> bool:
    """Whether a try counts as failed without a look; the try itself is among those counted."""
    return (
        failures.of_code_quarter_hour > MOST_OF_CODE_QUARTER_HOUR
        or failures.of_code_day > MOST_OF_CODE_DAY
        or failures.of_code_ever > MOST_OF_CODE_EVER
        or failures.of_network_quarter_hour > MOST_OF_NETWORK_QUARTER_HOUR
    )
