"""Synthetic people in households: names by cohort, cards, phones, and the codes they show."""

import csv
import datetime as dt
import random
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

DATA = Path(__file__).parent / "data"
COHORTS = ((1930, 1959), (1960, 1979), (1980, 1999), (2000, 2014), (2015, 2025))
# Health-insurance objects, and the province of issue of Đà Nẵng.
INSURANCE_GROUPS = ("GD", "DN", "HC", "TE", "HS", "HT")
PROVINCE_CODE = "048"
PHONE_HEADS = ("032", "034", "036", "038", "070", "079", "081", "086", "090", "091", "097", "098")


@dataclass(frozen=True, slots=True)
class SyntheticPerson:
    """One person who does not exist; `household` and `ward` are indexes."""

    number: int
    household: int
    ward: int
    full_name: str
    birth_on: dt.date
    sex: str
    national_id: str
    old_id: str
    insurance: str
    qid: str
    phone: str
    address: str


class _Weighted:
    """Draws from weighted words in O(log n)."""

    def __init__(self, pairs: list[tuple[str, float]]) -> None:
        self.words = [word for word, _weight in pairs]
        self.sums = list(accumulate(weight for _word, weight in pairs))

    def draw(self, chance: random.Random) -> str:
        return self.words[bisect(self.sums, chance.random() * self.sums[-1])]


def _tables(name: str, column: str) -> dict[tuple[str, str], _Weighted]:
    found: dict[tuple[str, str], list[tuple[str, float]]] = {}
    with (DATA / name).open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            key = (row["sex"], row["birth_cohort"])
            found.setdefault(key, []).append((row[column], float(row["rel_weight"])))
    return {key: _Weighted(pairs) for key, pairs in found.items()}


class Names:
    """Draws full names as they are given to a sex in a birth cohort."""

    def __init__(self) -> None:
        with (DATA / "surnames.csv").open(encoding="utf-8") as file:
            self.surnames = _Weighted(
                [(row["surname"], float(row["est_national_pct"])) for row in csv.DictReader(file)]
            )
        self.middle = _tables("middle_names.csv", "middle_name")
        self.given = _tables("given_names.csv", "given_name")

    def draw(self, chance: random.Random, surname: str, sex: str, year: int) -> str:
        """A full name of two to four words."""
        first, last = next(c for c in COHORTS if c[0] <= year <= c[1])
        key = ("M" if sex == "male" else "F", f"{first}-{last}")
        middle = self.middle[key].draw(chance)
        words = [surname, "" if middle == "(none)" else middle, self.given[key].draw(chance)]
        return " ".join(word for word in words if word)


def households(
    seed: int, count: int, wards: list[str], born_before: int
) -> Iterator[SyntheticPerson]:
    """Yields `count` people, household after household, ward after ward.

    Args:
        seed: the same seed gives the same people.
        count: how many people.
        wards: names of the wards, filled evenly.
        born_before: the year of the round; nobody is born later.
    """
    chance = random.Random(seed)
    names = Names()
    number = household = 0
    while number < count:
        ward = number * len(wards) // count
        size = min(count - number, 1 + bisect((0.12, 0.32, 0.55, 0.82, 0.94), chance.random()))
        yield from _household(
            chance, names, (number, household, ward), wards[ward], size, born_before
        )
        number += size
        household += 1


def _household(
    chance: random.Random,
    names: Names,
    places: tuple[int, int, int],
    ward_name: str,
    size: int,
    year: int,
) -> Iterator[SyntheticPerson]:
    number, household, ward = places
    surname = names.surnames.draw(chance)
    phones = [_phone(chance, household * 2), _phone(chance, household * 2 + 1)]
    lane = f"Tổ {1 + household % 60}, số {1 + chance.randrange(300)}, {ward_name}, Đà Nẵng"
    elder = year - 24 - chance.randrange(45)
    for place in range(size):
        if place < 2:
            born, sex = elder + chance.randrange(-4, 5), ("male", "female")[place]
        elif chance.random() < 0.12:
            born, sex = max(1931, elder - 25), chance.choice(("male", "female"))
        else:
            born, sex = (
                min(year - 1, elder + 24 + chance.randrange(18)),
                chance.choice(("male", "female")),
            )
        born = min(max(born, 1931), year - 1)
        own = surname if place != 1 else names.surnames.draw(chance)
        yield _person(
            chance,
            names,
            (number + place, household, ward),
            (own, sex, born),
            phones[place % 2],
            lane,
        )


def _person(
    chance: random.Random,
    names: Names,
    places: tuple[int, int, int],
    kind: tuple[str, str, int],
    phone: str,
    address: str,
) -> SyntheticPerson:
    number, household, ward = places
    surname, sex, born = kind
    is_heaped = born < 1962 and chance.random() < 0.22  # 01/01 stands where nobody knew the day
    birth_on = (
        dt.date(born, 1, 1)
        if is_heaped
        else dt.date(born, 1, 1) + dt.timedelta(chance.randrange(365))
    )
    century_and_sex = (2 if born >= 2000 else 0) + (sex == "female")
    serial = f"{number % 1_000_000:06d}"
    # The serial repeats after a million people; the province code then moves on.
    province = f"{int(PROVINCE_CODE) + (number // 1_000_000) * 2:03d}"
    national_id = f"{province}{century_and_sex}{born % 100:02d}{serial}"
    return SyntheticPerson(
        number=number,
        household=household,
        ward=ward,
        full_name=names.draw(chance, surname, sex, born),
        birth_on=birth_on,
        sex=sex,
        national_id=national_id,
        old_id=f"20{number % 10_000_000:07d}" if born < 2000 and chance.random() < 0.5 else "",
        insurance=f"{chance.choice(INSURANCE_GROUPS)}448{number:010d}",
        qid=f"1629{number:014d}",
        phone=phone,
        address=address,
    )


def _phone(chance: random.Random, number: int) -> str:
    return f"{chance.choice(PHONE_HEADS)}{number % 10_000_000:07d}"


def payload(person: SyntheticPerson, source: str) -> str:
    """The text of the code that a person shows: card, app or insurance card (formats.md 1)."""
    sex = "Nam" if person.sex == "male" else "Nữ"
    if source == "cccd":
        issued = "15042021" if person.birth_on < dt.date(2021, 4, 15) else "20072025"
        fields = (
            person.national_id,
            person.old_id,
            person.full_name,
            person.birth_on.strftime("%d%m%Y"),
            sex,
            person.address,
            issued,
        )
        return "|".join(fields)
    if source == "personal_qr":
        flat = _flat(person.full_name).upper()
        number = 1 if person.sex == "male" else 2
        extra = f"<{number}<{person.insurance}<{person.phone}<"
        return f"{person.national_id}|{flat}|{person.birth_on.isoformat()}|0|{person.qid}|{extra}"
    card = (
        person.insurance,
        _hex(person.full_name),
        person.birth_on.strftime("%d/%m/%Y"),
        "1" if person.sex == "male" else "2",
        _hex(person.address),
        "48 - 001|01/01/2025|31/12/2026|25/12/2024",
        f"4801{person.number:010d}",
        "-|4|01/01/2028|0123456789abcdef-1202|$",
    )
    return "|".join(card)


def _hex(text: str) -> str:
    return text.encode().hex()


def _flat(text: str) -> str:
    from core_rs import fold_name

    return fold_name(text)
