"""People of another province: a second population that shares nothing but the name tables with the
first (`households`), so that the linkage is not fitted to one set of assumptions.

Homes are drawn by kind (a couple, three generations, one alone, a dormitory), not by role; people
have telephones of their own or none; brothers and sisters may share the middle name; twins come
with names that differ by a mark, by one word, or not at all alike.
"""

import csv
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

TABLES = Path(__file__).parent / "tables"
YEAR = 2025
COHORTS = (("1930-1959", 1960), ("1960-1979", 1980), ("1980-1999", 2000), ("2000-2014", 2015),
           ("2015-2025", 9999))  # fmt: skip
TWIN_MARKS = (
    ("Hùng", "Hưng"), ("Tuấn", "Tuân"), ("Dũng", "Dung"), ("Thành", "Thanh"), ("Quý", "Quy"),
    ("Tiến", "Tiên"), ("Mạnh", "Mành"), ("Lộc", "Lốc"), ("Trí", "Trị"), ("Hiếu", "Hiệu"),
    ("Thủy", "Thúy"), ("Hương", "Hường"), ("Hiền", "Hiển"), ("Loan", "Loán"), ("Ngà", "Nga"),
    ("Vân", "Văn"), ("My", "Mỹ"), ("Lệ", "Lê"), ("Hạnh", "Hành"), ("Thảo", "Thạo"),
)  # fmt: skip
TWIN_WORDS = (("An", "Bình"), ("Long", "Phụng"), ("Phúc", "Lộc"), ("Sơn", "Hà"), ("Mai", "Lan"),
              ("Bảo", "Ngọc"), ("Khang", "Khánh"), ("Linh", "Lan"), ("Vy", "My"))  # fmt: skip
ROADS = ("Quốc lộ 1A", "Nguyễn Hoàng", "Lê Lai", "Phan Đình Phùng", "Hàm Nghi", "Đặng Dung",
         "Trần Quý Cáp", "Lương Thế Vinh", "Chu Văn An", "Tố Hữu", "Kim Đồng", "Nguyễn Bỉnh Khiêm",
         "Hồ Xuân Hương", "Trường Chinh", "Phạm Ngũ Lão", "Thạch Hãn", "Ba Đình", "19/5",
         "Mạc Đĩnh Chi", "Yết Kiêu", "Đoàn Thị Điểm", "Hoàng Hoa Thám")  # fmt: skip
PLACES = ("Ái Tử", "Bến Quan", "Cửa Tùng", "Diên Sanh", "Gio Hải", "Hướng Phùng", "Khe Sanh",
          "Lìa", "Mỹ Thủy", "Nam Đông", "Tà Rụt", "Vĩnh Định", "Hiền Lương", "Bến Hải", "Tân Lập",
          "Lao Bảo", "Ba Lòng", "Triệu Cơ", "Cồn Tiên", "Đồng Lê", "Hoàn Lão",
          "Phong Nha")  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """What one population is like; shares are of records unless they say people."""

    name: str = "plain"
    repeats: float = 0.33
    most_visits: int = 4
    resends: float = 0.012
    alone: float = 0.12
    """Homes of one person."""
    dormitories: float = 0.002
    """Homes of 15 to 60 lodgers at one address."""
    twins: float = 0.012
    """Births that are twins."""
    namesakes: float = 0.006
    """Children named like the parent of their sex."""
    own_phone: float = 0.55
    """Adults with a number of their own; others give that of the home."""
    no_phone: float = 0.15
    no_cccd: float = 0.45
    no_cmnd: float = 0.85
    no_insurance: float = 0.7
    no_address: float = 0.2
    no_ward: float = 0.06
    no_sex: float = 0.03
    no_dob: float = 0.015
    year_only: float = 0.06
    errors: float = 1.0
    """Multiplies the rates of typing errors."""
    plain_names: float = 0.12
    """Names typed without marks."""
    moved: float = 0.06
    old_wards: float = 0.0
    """Records of before the merger of wards, with the old code."""
    absent: tuple[str, ...] = ()
    """Columns that the table does not have."""
    wards: int = 0
    """Wards; 0 for one in 4,000 people."""
    extra: dict[str, float] = field(default_factory=dict)


@dataclass
class Villagers:
    """Arrays over people, and over homes."""

    surname: list[str]
    middle: list[str]
    given: list[str]
    sex: np.ndarray
    """0 male, 1 female."""
    born: np.ndarray
    """datetime64[D]."""
    cccd: np.ndarray
    old_number: np.ndarray
    """CMND of nine digits."""
    home: np.ndarray
    twin: np.ndarray
    namesake: np.ndarray
    phone: np.ndarray
    """National digits without the zero."""
    home_place: list[tuple[str, int]]
    """Address without the ward, and the ward, of each home."""
    home_phone: np.ndarray


def _table(file: str) -> dict[tuple[str, str], tuple[list[str], np.ndarray]]:
    found: dict[tuple[str, str], list[tuple[str, float]]] = {}
    with (TABLES / file).open(encoding="utf-8") as lines:
        for sex, cohort, word, weight in list(csv.reader(lines))[1:]:
            found.setdefault((sex, cohort), []).append((word, float(weight)))
    return {k: ([w for w, _ in rows], np.cumsum([n for _, n in rows]) / sum(n for _, n in rows))
            for k, rows in found.items()}  # fmt: skip


class Names:
    """Draws names by sex and year."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.given_table, self.middle_table = _table("given_names.csv"), _table("middle_names.csv")
        with (TABLES / "surnames.csv").open(encoding="utf-8") as lines:
            rows = [row for row in list(csv.reader(lines))[1:] if row[1]]
        self.surnames = [row[0] for row in rows]
        shares = np.array([float(row[1]) for row in rows])
        shares[1:] *= 0.62 / shares[1:].sum()
        shares[0] = 0.38
        self.edges = np.cumsum(shares)

    def surname(self) -> str:
        at = int(np.searchsorted(self.edges, self.rng.random()))
        return self.surnames[min(at, len(self.surnames) - 1)]

    def _of(self, table, sex: int, year: int) -> str:
        cohort = next(name for name, end in COHORTS if year < end)
        words, edges = table["MF"[sex], cohort]
        word = words[min(int(np.searchsorted(edges, self.rng.random())), len(words) - 1)]
        return "" if word == "(none)" else word

    def given(self, sex: int, year: int) -> str:
        return self._of(self.given_table, sex, year)

    def middle(self, sex: int, year: int) -> str:
        word = self._of(self.middle_table, sex, year)
        # Names of four words are in fashion.
        if word and year > 1995 and self.rng.random() < 0.18:
            other = self._of(self.middle_table, sex, year)
            return f"{word} {other}" if other and other != word else word
        return word


def settle(rng: np.random.Generator, people: int, setting: Setting) -> Villagers:
    """At least `people` people in homes."""
    names = Names(rng)
    wards = setting.wards or max(5, people // 4000)
    none = np.array([])
    v = Villagers([], [], [], none, none, none, none, none, none, none, none, [], none)
    sex: list[int] = []
    born: list[int] = []
    home: list[int] = []
    twin: list[int] = []
    like: list[int] = []

    def person(
        surname: str, s: int, year: float, middle: str | None = None, given: str = ""
    ) -> int:
        whole = int(year)
        day = (whole - 1970) * 365.2425 + (year - whole) * 365
        if whole < 1965 and rng.random() < 0.25:
            day = float((np.datetime64(f"{whole}-01-01") - np.datetime64("1970-01-01")).astype(int))
        v.surname.append(surname)
        v.middle.append(names.middle(s, whole) if middle is None else middle)
        v.given.append(given or names.given(s, whole))
        sex.append(s)
        born.append(int(day))
        home.append(len(v.home_place))
        twin.append(-1)
        like.append(-1)
        return len(sex) - 1

    while len(sex) < people:
        kind = rng.random()
        if kind < setting.dormitories:
            for _ in range(int(rng.integers(15, 60))):
                person(names.surname(), int(rng.random() < 0.6), YEAR - rng.uniform(18, 40))
        elif kind < setting.dormitories + setting.alone:
            person(names.surname(), int(rng.random() < 0.55), YEAR - rng.uniform(20, 92))
        else:
            _family(rng, names, setting, person, v, born, twin, like)
        v.home_place.append(_place(rng, wards))
    v.sex, v.home = np.array(sex), np.array(home)
    v.born = np.datetime64("1970-01-01") + np.array(born).astype("timedelta64[D]")
    v.twin, v.namesake = np.array(twin), np.array(like)
    v.home_phone = _numbers(rng, len(v.home_place))
    own = _numbers(rng, len(sex))
    adult = np.array(born) < (YEAR - 16 - 1970) * 365
    v.phone = np.where(
        adult & (rng.random(len(sex)) < setting.own_phone), own, v.home_phone[v.home]
    )
    _cards(rng, v)
    return v


def _family(rng, names: Names, setting: Setting, person, v: Villagers, born, twin, like) -> None:
    surname = names.surname()
    mother_year = YEAR - rng.uniform(22, 75)
    father = person(surname, 0, mother_year - rng.normal(2, 4))
    mother = person(names.surname(), 1, mother_year)
    middles = [names.middle(s, int(mother_year) + 25) for s in (0, 1)]
    shared = rng.random() < 0.4
    year = mother_year + rng.uniform(19, 27)
    for _ in range(int(rng.choice(5, p=[0.1, 0.24, 0.38, 0.2, 0.08]))):
        if year >= YEAR - 0.1 or (YEAR - year > 25 and rng.random() < 0.6):
            break
        s = int(rng.random() < 0.48)
        middle = middles[s] if shared else None
        child = person(surname, s, year, middle)
        parent = (father, mother)[s]
        if rng.random() < setting.namesakes and v.surname[parent] == surname:
            v.given[child], v.middle[child] = v.given[parent], v.middle[parent]
            like[child] = parent
        elif rng.random() < setting.twins:
            other = s if rng.random() < 0.65 else 1 - s
            again = person(surname, other, year, v.middle[child] if other == s else None)
            born[again] = born[child]
            twin[child], twin[again] = again, child
            how = rng.random()
            if other == s and how < 0.3:
                at = int(rng.integers(10)) + 10 * s
                v.given[child], v.given[again] = TWIN_MARKS[at]
            elif how < 0.6:
                v.given[child], v.given[again] = TWIN_WORDS[int(rng.integers(len(TWIN_WORDS)))]
            while v.given[again] == v.given[child]:
                v.given[again] = names.given(other, int(year))
        year += rng.uniform(1.3, 6)
    if rng.random() < 0.3:
        person(surname if rng.random() < 0.6 else names.surname(), int(rng.random() < 0.65),
               mother_year - rng.uniform(20, 34))  # fmt: skip


def _place(rng: np.random.Generator, wards: int) -> tuple[str, int]:
    ward = int(rng.integers(wards))
    if rng.random() < 0.35:
        number = int(rng.integers(1, 600))
        road = ROADS[int(rng.integers(len(ROADS)))]
        inside = f"/{int(rng.integers(1, 60))}" if rng.random() < 0.3 else ""
        return f"{number}{inside} {road}", ward
    hamlet = PLACES[int(rng.integers(len(PLACES)))]
    if rng.random() < 0.3:
        return f"Thôn {hamlet}", ward
    return f"Xóm {int(rng.integers(1, 25))}, Thôn {hamlet}", ward


def _numbers(rng: np.random.Generator, count: int) -> np.ndarray:
    prefixes = np.array([32, 33, 34, 35, 36, 37, 38, 39, 70, 76, 77, 78, 79, 81, 82, 83, 84, 85, 86,
                         88, 89, 90, 91, 93, 94, 96, 97, 98, 56, 58, 59])  # fmt: skip
    return rng.choice(prefixes, count) * 10_000_000 + rng.integers(0, 10_000_000, count)


def _cards(rng: np.random.Generator, v: Villagers) -> None:
    years = v.born.astype("datetime64[Y]").astype(int) + 1970
    century = (years // 100 - 19) * 2 + v.sex
    province = rng.choice([45, 44], len(years), p=[0.7, 0.3])
    stranger = rng.random(len(years)) < 0.06
    province[stranger] = rng.integers(1, 97, int(stranger.sum()))
    head = (province * 10 + century) * 100 + years % 100
    taken: set[int] = set()
    cards = np.zeros(len(years), dtype=np.int64)
    serials = rng.integers(0, 1_000_000, len(years))
    for at, (first, serial) in enumerate(zip(head.tolist(), serials.tolist(), strict=True)):
        card = first * 1_000_000 + serial
        other = int(v.twin[at])
        if 0 <= other < at and v.sex[other] == v.sex[at] and serial % 2:
            card = int(cards[other]) + 1 + serial % 3
        while card in taken:
            card += 1
        taken.add(card)
        cards[at] = card
    v.cccd = cards
    # No two people have one: a step that is prime to the range goes round it once.
    v.old_number = 100_000_000 + np.arange(len(cards)) * 104_729_381 % 900_000_000
