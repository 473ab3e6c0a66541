"""Synthetic people in households: the truth that the registrations of `population` blur.

Households of 3.6 with parents, children, grandparents and lodgers; one or two shared phones and
one address; siblings, twins (70 % of one sex and middle name, a quarter with names that differ by
a mark only, half with neighbouring CCCD numbers), children named like their parent, 1 January
birthdays of the old. The shape follows the population described in docs/linkage.md.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.benchmarks.linkage.dirt import fold

TABLES = Path(__file__).parent / "tables"
YEAR = 2021
COHORTS = ["1930-1959", "1960-1979", "1980-1999", "2000-2014", "2015-2025"]
FIRST_YEARS = np.array([1960, 1980, 2000, 2015])

# Given names that differ by a mark only, as twins are named.
MINIMAL_PAIRS = [
    ("Hùng", "Hưng"), ("Tuấn", "Tuân"), ("Thanh", "Thành"), ("Dung", "Dũng"), ("Sơn", "Son"),
    ("Thắng", "Thăng"), ("Cường", "Cương"), ("Hiền", "Hiển"), ("Tân", "Tấn"), ("Bình", "Bính"),
    ("Thủy", "Thúy"), ("Phương", "Phượng"), ("Hương", "Hường"), ("Hoa", "Hòa"), ("Thảo", "Thao"),
    ("Ánh", "Anh"), ("Hà", "Hạ"), ("Huyền", "Huyên"), ("Ngân", "Ngần"), ("Nhàn", "Nhân"),
]  # fmt: skip
STREETS = [
    "Lê Lợi", "Trần Hưng Đạo", "Nguyễn Huệ", "Hùng Vương", "Quang Trung", "Lý Thường Kiệt",
    "Phan Bội Châu", "Nguyễn Trãi", "Hai Bà Trưng", "Lê Duẩn", "Điện Biên Phủ", "Ngô Quyền",
    "Bà Triệu", "Nguyễn Du", "Trần Phú", "Lê Hồng Phong", "Hoàng Diệu", "Phan Chu Trinh",
    "Đinh Tiên Hoàng", "Nguyễn Công Trứ", "Tôn Đức Thắng", "Võ Thị Sáu", "Bùi Thị Xuân",
    "Huỳnh Thúc Kháng", "Trần Cao Vân", "Lê Thánh Tông", "Cách Mạng Tháng Tám", "Nguyễn Văn Cừ",
]  # fmt: skip
FIRST_PARTS = ["Hải", "Triệu", "Cam", "Gio", "Vĩnh", "Tân", "Hướng", "Đông", "Phước", "Bình"]
LAST_PARTS = ["An", "Lộc", "Phong", "Hòa", "Thủy", "Sơn", "Lâm", "Trung", "Thành", "Quế", "Lương",
              "Nghĩa", "Phú", "Thiện", "Ba"]  # fmt: skip
DISTRICTS = ["Hải Lăng", "Triệu Phong", "Cam Lộ", "Gio Linh", "Vĩnh Linh", "Đông Hà", "Đakrông"]


@dataclass
class People:
    """Arrays with one entry for each person; names are lists of words, surname first."""

    surname: np.ndarray
    middle: np.ndarray
    given: np.ndarray
    sex: np.ndarray
    """1 male, 2 female."""
    born: np.ndarray
    """Days since 1970-01-01."""
    cccd: np.ndarray
    household: np.ndarray
    twin: np.ndarray
    """Index of the twin, -1 for none."""
    namesake: np.ndarray
    """Index of the parent with the same name, -1 for none."""
    phones: np.ndarray
    """(household, 2) national digits without the leading zero."""
    house: np.ndarray
    """Per household: number, street and hamlet as text."""
    ward: np.ndarray
    """Per household: ward number from 0."""


def _weights(name: str) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    tables: dict[tuple[str, str], tuple[list[str], list[float]]] = {}
    with (TABLES / f"{name}.csv").open(encoding="utf-8") as lines:
        for sex, cohort, word, weight in list(csv.reader(lines))[1:]:
            words, weights = tables.setdefault((sex, cohort), ([], []))
            words.append("" if word == "(none)" else word)
            weights.append(float(weight))
    return {
        key: (np.array(words, dtype=object), np.array(weights) / sum(weights))
        for key, (words, weights) in tables.items()
    }


def _surnames() -> tuple[np.ndarray, np.ndarray]:
    with (TABLES / "surnames.csv").open(encoding="utf-8") as lines:
        rows = [row for row in list(csv.reader(lines))[1:] if row[1]]
    weights = np.array([float(row[1]) for row in rows])
    # 38 % Nguyễn, the often quoted share and the harder case.
    weights[0] = 0.38 / 0.62 * weights[1:].sum()
    return np.array([row[0] for row in rows], dtype=object), weights / weights.sum()


def _draw(rng: np.random.Generator, tables: dict, sex: np.ndarray, born: np.ndarray) -> np.ndarray:
    year = born.astype("datetime64[D]").astype("datetime64[Y]").astype(int) + 1970
    cohort = np.searchsorted(FIRST_YEARS, year, side="right")
    out = np.empty(len(sex), dtype=object)
    for code, letter in ((1, "M"), (2, "F")):
        for at, name in enumerate(COHORTS):
            rows = np.flatnonzero((sex == code) & (cohort == at))
            words, weights = tables[letter, name]
            out[rows] = rng.choice(words, len(rows), p=weights)
    return out


def make_people(
    rng: np.random.Generator, count: int, wards: int, part: int = 0, parts: int = 1
) -> People:
    """About `count` people; `part` of `parts` keeps CCCD numbers of several calls apart."""
    households = round(count / 3.69)
    household, role = _roles(rng, households)
    sex, age = _sex_and_age(rng, households, household, role)
    born = (np.datetime64(f"{YEAR}-07-01") - np.timedelta64(0, "D")).astype(int) - (
        age * 365.25
    ).astype(int)
    given = _draw(rng, _weights("given_names"), sex, born)
    _part_given_names(rng, household, sex, born, given)
    middle = _draw(rng, _weights("middle_names"), sex, born)
    surname = _family_surnames(rng, households, household, role)
    siblings = (role == 2) & (rng.random(len(role)) < 0.35)
    _share_middle(household, sex, middle, siblings)
    namesake = _name_after_parents(rng, household, role, sex, given, middle, surname)
    old = (YEAR - (born / 365.25 + 1970) > 58) & (rng.random(len(born)) < 0.22)
    first_days = born.astype("datetime64[D]").astype("datetime64[Y]").astype("datetime64[D]")
    born = np.where(old, first_days.astype(int), born)
    people = People(
        surname, middle, given, sex, born, np.zeros(len(sex), dtype=np.int64), household,
        np.full(len(sex), -1), namesake, _phones(rng, households), make_houses(rng, households),
        rng.integers(0, wards, households),
    )  # fmt: skip
    _add_twins(rng, people, role)
    _number(rng, people, part, parts)
    return people


def _roles(rng: np.random.Generator, households: int) -> tuple[np.ndarray, np.ndarray]:
    """Father 0, mother 1, child 2, grandfather 3, grandmother 4, lodger 5."""
    counts = [
        (0, rng.random(households) < 0.86),
        (1, rng.random(households) < 0.92),
        (2, rng.poisson(1.4, households)),
        (3, rng.random(households) < 0.18),
        (4, rng.random(households) < 0.24),
        (5, rng.random(households) < 0.09),
    ]
    household = np.concatenate([np.repeat(np.arange(households), n) for _, n in counts])
    role = np.concatenate([np.full(int(np.sum(n)), code) for code, n in counts])
    order = np.argsort(household, kind="stable")
    return household[order], role[order]


def _sex_and_age(
    rng: np.random.Generator, households: int, household: np.ndarray, role: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    mother = rng.uniform(21, 62, households)[household]
    spread = rng.random(len(role))
    age = np.select(
        [role == 0, role == 1, role == 2, role >= 5],
        [mother + rng.normal(3, 3, len(role)), mother, _childhood(rng, household, role, mother),
         18 + spread * 40],
        mother + 21 + spread * 16,
    )  # fmt: skip
    sex = np.select([np.isin(role, [0, 3]), np.isin(role, [1, 4])], [1, 2],
                    rng.integers(1, 3, len(role)))  # fmt: skip
    # Newborns are spread over their first weeks: one day for all of them would bind them.
    return sex, np.where(age < 0.3, rng.uniform(0.01, 0.3, len(role)), np.minimum(age, 99))


def _childhood(
    rng: np.random.Generator, household: np.ndarray, role: np.ndarray, mother: np.ndarray
) -> np.ndarray:
    """Ages of children, the youngest first; brothers and sisters are 15 months apart or more."""
    children = np.flatnonzero(role == 2)
    age = np.zeros(len(role))
    homes = household[children]
    starts = np.flatnonzero(np.r_[True, np.diff(homes) > 0]) if len(homes) else homes
    count = np.diff(np.r_[starts, len(homes)])
    first = np.repeat(starts, count)
    gap = 1.25 + rng.gamma(1.5, 1.4, len(children))
    youngest = rng.random(len(children)) * np.clip(mother[children] - 17 - 3 * count.repeat(count),
                                                   0.3, 32)  # fmt: skip
    before = np.cumsum(gap) - np.cumsum(gap)[first]
    age[children] = youngest[first] + before
    return age


def _part_given_names(
    rng: np.random.Generator, household: np.ndarray, sex: np.ndarray, born: np.ndarray,
    given: np.ndarray,
) -> None:  # fmt: skip
    """Draws again where two people of one house would be called alike, marks aside."""
    tables = _weights("given_names")
    for _ in range(4):
        seen: set[tuple[int, str]] = set()
        again = []
        for at, home in enumerate(household):
            name = (int(home), fold(given[at]))
            if name in seen:
                again.append(at)
            seen.add(name)
        given[again] = _draw(rng, tables, sex[again], born[again])


def _family_surnames(
    rng: np.random.Generator, households: int, household: np.ndarray, role: np.ndarray
) -> np.ndarray:
    words, weights = _surnames()
    of_father = rng.choice(words, households, p=weights)[household]
    own = rng.choice(words, len(role), p=weights)
    return np.where(np.isin(role, [0, 2, 3]), of_father, own)


def _share_middle(
    household: np.ndarray, sex: np.ndarray, middle: np.ndarray, chosen: np.ndarray
) -> None:
    first: dict[tuple[int, int], str] = {}
    for at in np.flatnonzero(chosen):
        middle[at] = first.setdefault((household[at], sex[at]), middle[at])


def _name_after_parents(
    rng: np.random.Generator, household: np.ndarray, role: np.ndarray, sex: np.ndarray,
    given: np.ndarray, middle: np.ndarray, surname: np.ndarray,
) -> np.ndarray:  # fmt: skip
    parent = {(household[at], sex[at]): at for at in np.flatnonzero(role <= 1)}
    namesake = np.full(len(role), -1)
    chosen = (role == 2) & (rng.random(len(role)) < 0.008)
    for at in np.flatnonzero(chosen):
        found = parent.get((household[at], sex[at]))
        if found is not None and surname[at] == surname[found]:
            given[at], middle[at], namesake[at] = given[found], middle[found], found
    return namesake


def _add_twins(rng: np.random.Generator, people: People, role: np.ndarray) -> None:
    """Makes about 0.8 % of people twins: a child becomes the twin of the one before."""
    child = (role[1:] == 2) & (role[:-1] == 2) & (people.household[1:] == people.household[:-1])
    firsts = np.flatnonzero(child & (rng.random(len(child)) < 0.018))
    pairs = {1: MINIMAL_PAIRS[:10], 2: MINIMAL_PAIRS[10:]}
    for first in firsts:
        second = first + 1
        if people.twin[first] >= 0:
            continue
        people.twin[first], people.twin[second] = second, first
        people.born[second] = people.born[first]
        people.namesake[[first, second]] = -1
        if rng.random() < 0.7:
            people.sex[second] = people.sex[first]
            people.middle[second] = people.middle[first]
            if rng.random() < 0.25 / 0.7:
                one, other = pairs[int(people.sex[first])][rng.integers(10)]
                people.given[first], people.given[second] = one, other
        if people.given[first] == people.given[second]:
            people.given[second] = "Khôi" if people.sex[second] == 1 else "Diệp"


def _number(rng: np.random.Generator, people: People, part: int, parts: int) -> None:
    """CCCD: province, century and sex, year, a serial that no two people share."""
    count = len(people.sex)
    year = people.born.astype("datetime64[D]").astype("datetime64[Y]").astype(int) + 1970
    century = (year // 100 - 19) * 2 + (people.sex - 1)
    province = rng.choice([45, 45, 45, 45, 44, 46, 1, 79, 40], count)
    group = (province * 10 + century) * 100 + year % 100
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(group[order]) > 0])
    place = np.empty(count, dtype=np.int64)
    place[order] = np.arange(count) - np.repeat(starts, np.diff(np.r_[starts, count]))
    # A multiplication modulo a prime spreads the serials and keeps them apart.
    serial = ((place * parts + part + 1) * 611_953 + group * 7_919) % 999_983
    people.cccd = group * 1_000_000 + serial
    twins = np.flatnonzero((people.twin > np.arange(count)) & (rng.random(count) < 0.5))
    for first in twins:
        second = people.twin[first]
        step = 2 if people.sex[first] == people.sex[second] else 0
        same_sex = people.cccd[first] + max(step - 1, 0)
        if step:
            people.cccd[second] = same_sex
        else:
            flip = 100_000_000 * (1 if people.sex[second] == 2 else -1)
            people.cccd[second] = people.cccd[first] + flip + 1


def _phones(rng: np.random.Generator, households: int) -> np.ndarray:
    prefixes = np.array([32, 33, 34, 35, 36, 37, 38, 39, 56, 58, 70, 76, 77, 78, 79, 81, 82, 83,
                         84, 85, 90, 91, 93, 94, 96, 97, 98])  # fmt: skip
    one = rng.choice(prefixes, (households, 2)) * 10_000_000 + rng.integers(
        0, 10_000_000, (households, 2)
    )
    alone = rng.random(households) < 0.06
    one[alone, 1] = one[alone, 0]
    return one


def make_houses(rng: np.random.Generator, households: int) -> np.ndarray:
    """Numbers and streets or hamlets, as text."""
    number = rng.integers(1, 400, households)
    street = rng.choice(np.array(STREETS, dtype=object), households)
    hamlet = rng.integers(1, 13, households)
    urban = rng.random(households) < 0.45
    alley = rng.random(households) < 0.25
    group = rng.integers(1, 40, households)
    return np.array(
        [
            f"{n}/{g} {s}" if a and u else f"{n} {s}" if u else f"Tổ {g}, Thôn {h}"
            for n, s, h, u, a, g in zip(number, street, hamlet, urban, alley, group, strict=True)
        ],
        dtype=object,
    )


def ward_name(ward: int) -> str:
    """Name of a ward with its district and province."""
    first, last = FIRST_PARTS[ward % 10], LAST_PARTS[ward // 10 % 15]
    level = "Phường" if ward % 3 == 0 else "Xã"
    return f"{level} {first} {last}, {DISTRICTS[ward % 7]}, Quảng Trị"
