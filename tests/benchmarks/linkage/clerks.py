"""Registrations of `villages` as clerks typed them: `registered(count, seed, setting)`.

python -m tests.benchmarks.linkage.clerks 100000 1 SETTING out.parquet
"""

import sys
import unicodedata
from itertools import pairwise

import numpy as np
import polars as pl

from tests.benchmarks.linkage.villages import Setting, Villagers, settle

SETTINGS = {
    s.name: s
    for s in (
        Setting(),
        Setting("clean", errors=0.3, no_cccd=0.15, repeats=0.2),
        Setting("dirty", errors=2.0, no_cccd=0.6, plain_names=0.3, moved=0.12),
        Setting("often", repeats=0.65, most_visits=12),
        Setting("seldom", repeats=0.08, most_visits=2),
        Setting("no_phone", absent=("phone",)),
        Setting("no_place", absent=("address", "ward_code")),
        Setting("no_sex", absent=("sex",)),
        Setting("no_documents", absent=("cccd", "cmnd", "health_insurance")),
        Setting("bare", absent=("sex", "cccd", "cmnd", "health_insurance", "address")),
        Setting("years", year_only=1.0),
        Setting("plain_text", plain_names=1.0),
        Setting("merger", old_wards=0.5),
        Setting("crowded", dormitories=0.03, own_phone=0.2, no_phone=0.05),
        Setting("twins", twins=0.05, namesakes=0.03),
    )
}

TYPING = {
    "telex": 0.012, "vni": 0.009, "nfd": 0.04, "tone_place": 0.06, "tone_wrong": 0.02,
    "tone_lost": 0.02, "slip": 0.02, "sound": 0.02, "shorter": 0.025, "turned": 0.006,
    "home_name": 0.006, "upper": 0.2, "spaces": 0.03,
    "swapped": 0.008, "decade": 0.004, "day_slip": 0.012, "first_of_january": 0.01, "sex": 0.006,
    "cccd_slip": 0.018, "zero_lost": 0.05, "relative": 0.01, "cccd_fake": 0.01,
    "phone_other": 0.08, "phone_slip": 0.01, "phone_clinic": 0.012, "phone_fake": 0.012,
    "phone_form": 0.25, "short_address": 0.4, "address_slip": 0.03, "ward_wrong": 0.02,
    "tube_twice": 0.004,
}  # fmt: skip
ALWAYS = ("upper", "spaces", "nfd", "tone_place", "phone_form", "short_address", "zero_lost",
          "phone_clinic", "phone_fake", "cccd_fake", "tube_twice")  # fmt: skip
"""Habits, not errors: `Setting.errors` leaves them alone."""
HOME_NAMES = ("Bé", "Cu", "Tí", "Tèo", "Út", "Hai", "Ba", "Tư", "Bông", "Mít", "Na", "Bi")
FAKE_CARDS = ("000000000000", "123456789012", "111111111111", "0", "-", "khong co", "999999999999")
FAKE_PHONES = ("0000000000", "0123456789", "0999999999", "0", "không có")
SOUNDS = (("s", "x"), ("x", "s"), ("tr", "ch"), ("ch", "tr"), ("n", "l"), ("l", "n"), ("gi", "d"),
          ("d", "gi"), ("qu", "q"), ("v", "d"), ("r", "d"))  # fmt: skip
ENDS = (("ng", "n"), ("n", "ng"), ("t", "c"), ("c", "t"), ("i", "y"), ("y", "i"))
TONES = {"\u0300": ("f", "2"), "\u0301": ("s", "1"), "\u0309": ("r", "3"), "\u0303": ("x", "4"),
         "\u0323": ("j", "5")}  # fmt: skip
OLD_PLACES = (("oà", "òa"), ("oá", "óa"), ("oả", "ỏa"), ("oã", "õa"), ("oạ", "ọa"), ("uý", "úy"),
              ("uỳ", "ùy"), ("uỷ", "ủy"), ("uỹ", "ũy"), ("uỵ", "ụy"), ("oè", "òe"))  # fmt: skip
PREFIXES_2018 = {"70": "120", "79": "121", "77": "122", "76": "126", "78": "128", "83": "123",
                 "84": "124", "85": "125", "81": "127", "82": "129", "32": "162", "33": "163",
                 "34": "164", "35": "165", "36": "166", "37": "167", "38": "168", "39": "169",
                 "56": "186", "58": "188", "59": "199"}  # fmt: skip
FIELDS = ("full_name", "dob", "sex", "cccd", "cmnd", "health_insurance", "phone", "address",
          "ward_code")  # fmt: skip


def bare(text: str) -> str:
    """Without marks."""
    parts = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(c for c in parts if not unicodedata.combining(c))


def keyed(word: str, way: int) -> str:
    """The raw keystrokes of a word: 0 Telex, 1 VNI; the tone at the end."""
    out, tone = "", ""
    for c in unicodedata.normalize("NFD", word):
        if c in TONES:
            tone = TONES[c][way]
        elif c == "\u0302":
            out += (out[-1].lower(), "6")[way]
        elif c == "\u031b":
            out += ("w", "7")[way]
        elif c == "\u0306":
            out += ("w", "8")[way]
        elif c in "đĐ":
            out += {"đ": "dd", "Đ": "Dd"}[c] if way == 0 else {"đ": "d9", "Đ": "D9"}[c]
        else:
            out += c
    return out + tone


class Clerk:
    """Types one record after another."""

    def __init__(self, rng: np.random.Generator, people: Villagers, setting: Setting) -> None:
        self.rng, self.people, self.setting = rng, people, setting
        self.rates = {k: r * (1 if k in ALWAYS else setting.errors) for k, r in TYPING.items()}
        self.rates.update(setting.extra)
        self.pool: list[float] = []
        order = np.argsort(people.home, kind="stable")
        starts = np.searchsorted(people.home[order], np.arange(len(people.home_place) + 1))
        self.homes = [order[a:b] for a, b in pairwise(starts)]
        self.days = people.born.astype(str).tolist()

    def random(self) -> float:
        if not self.pool:
            self.pool = self.rng.random(100_000).tolist()
        return self.pool.pop()

    def happens(self, what: str) -> bool:
        return self.random() < self.rates[what]

    def below(self, n: int) -> int:
        return int(self.random() * n)

    def slip(self, text: str, letters: str) -> str:
        if len(text) < 3:
            return text
        at, kind = 1 + self.below(len(text) - 2), self.below(4)
        other = letters[self.below(len(letters))]
        return (text[:at] + text[at + 1 :], text[:at] + other + text[at:],
                text[:at] + text[at + 1] + text[at] + text[at + 2 :],
                text[:at] + other + text[at + 1 :])[kind]  # fmt: skip

    def name(self, who: int) -> str:
        p = self.people
        words = [p.surname[who], *p.middle[who].split(), p.given[who]]
        if self.happens("shorter") and len(words) > 2:
            del words[1 + self.below(len(words) - 2)]
        if self.happens("home_name"):
            words[-1] = HOME_NAMES[self.below(len(HOME_NAMES))]
        at = self.below(len(words))
        if self.happens("tone_wrong"):
            mark = list(TONES)[self.below(5)]
            parts = [c for c in unicodedata.normalize("NFD", words[at]) if c not in TONES]
            vowel = next((i for i, c in enumerate(parts) if c.lower() in "aeiouy"), 0)
            words[at] = unicodedata.normalize("NFC", "".join([*parts[: vowel + 1], mark,
                                                              *parts[vowel + 1 :]]))  # fmt: skip
        if self.happens("tone_lost"):
            words[at] = bare(words[at])
        if self.happens("sound"):
            start = self.random() < 0.7
            for old, new in SOUNDS if start else ENDS:
                low = words[at].lower()
                if start and low.startswith(old):
                    words[at] = (new + low[len(old) :]).capitalize()
                    break
                if not start and low.endswith(old):
                    words[at] = words[at][: -len(old)] + new
                    break
        if self.happens("slip"):
            words[at] = self.slip(words[at], "aeiounhtgcmlr")
        if self.happens("turned"):
            words = [words[-1], *words[:-1]] if self.random() < 0.5 else [*words[1:], words[0]]
        if self.happens("telex"):
            words = [keyed(w, 0) for w in words] if self.random() < 0.5 else [
                *words[:-1], keyed(words[-1], 0)]  # fmt: skip
        elif self.happens("vni"):
            words = [keyed(w, 1) for w in words]
        text = " ".join(words)
        if self.random() < self.setting.plain_names:
            text = bare(text)
        if self.happens("tone_place"):
            for new, old in OLD_PLACES:
                text = text.replace(old, new)
        if self.happens("upper"):
            text = text.upper()
        if self.happens("nfd"):
            text = unicodedata.normalize("NFD", text)
        return f" {text.replace(' ', '  ')} " if self.happens("spaces") else text

    def day(self, who: int) -> str | None:
        if self.random() < self.setting.no_dob:
            return None
        year, month, day = self.days[who].split("-")
        if self.random() < self.setting.year_only:
            return year
        if self.happens("first_of_january"):
            return f"{year}-01-01"
        if self.happens("swapped") and int(day) <= 12:
            return f"{year}-{day}-{month}"
        if self.happens("decade"):
            return f"{int(year) + (10, -10)[self.below(2)]}-{month}-{day}"
        if self.happens("day_slip"):
            kind = self.below(3)
            year = str(int(year) + (1, -1)[self.below(2)]) if kind == 0 else year
            month = f"{1 + self.below(12):02d}" if kind == 1 else month
            day = f"{1 + self.below(28):02d}" if kind == 2 else day
        return f"{year}-{month}-{day}"

    def card(self, who: int) -> tuple[str | None, str | None, str | None]:
        p, s = self.people, self.setting
        child = int(self.days[who][:4]) > 2011
        number = int(p.cccd[who])
        cccd = cmnd = None
        if self.random() >= s.no_cccd and not child:
            if self.happens("relative"):
                others = self.homes[p.home[who]]
                number = int(p.cccd[others[self.below(len(others))]])
            cccd = f"{number:012d}"
            if self.happens("cccd_slip"):
                cccd = self.slip(cccd, "0123456789")
            if self.happens("zero_lost"):
                cccd = cccd.lstrip("0")
        elif self.happens("cccd_fake"):
            cccd = FAKE_CARDS[self.below(len(FAKE_CARDS))]
        own = int(p.cccd[who])
        if int(self.days[who][:4]) < 2002 and self.random() >= s.no_cmnd:
            cmnd = str(p.old_number[who])
        insurance = None
        if self.random() >= s.no_insurance:
            short = f"{own * 16807 % 9_999_999_967:010d}"
            insurance = short if self.random() < 0.5 else f"DN4{own % 97:02d}{short}"
        return cccd, cmnd, insurance

    def phone(self, who: int, moved: int | None) -> str | None:
        if self.random() < self.setting.no_phone:
            return None
        if self.happens("phone_fake"):
            return FAKE_PHONES[self.below(len(FAKE_PHONES))]
        if self.happens("phone_clinic"):
            return f"02333{850_000 + self.below(6)}"
        number = str(self.people.phone[who])
        home = self.people.home[who]
        if self.random() < 0.12:
            number = str(self.people.home_phone[home])
        if moved is not None and self.happens("phone_other"):
            number = f"9{self.below(9)}{self.below(10_000_000):07d}"
        if self.happens("phone_slip"):
            number = self.slip(number, "0123456789")
        if not self.happens("phone_form"):
            return "0" + number
        old = PREFIXES_2018.get(number[:2], number[:2]) + number[2:]
        return (f"+84{number}", f"84{number}", number, f"0{old}", f"0{number[:3]} {number[3:]}",
                f"(0{number[:2]}) {number[2:5]}-{number[5:]}")[self.below(6)]  # fmt: skip

    def place(self, who: int, moved: int | None, old: bool) -> tuple[str | None, str | None]:
        home = int(self.people.home[who])
        text, ward = self.people.home_place[home]
        if moved is not None:
            text, ward = self.people.home_place[moved]
        name = ward_name(ward // 3 if not old and self.setting.old_wards else ward, old)
        address: str | None = f"{text}, {name}, Quảng Trị"
        if self.random() < self.setting.no_address:
            address = None
        elif self.happens("short_address"):
            kind = self.below(4)
            address = (f"{text}, {name}", f"{text} {name.split(',')[0]} QT",
                       bare(f"{text}, {name}").lower(), text.replace("Thôn ", "T.").replace(
                           "Xóm ", "X.") + ", " + name.replace("Xã", "xa"))[kind]  # fmt: skip
        if address and self.happens("address_slip"):
            address = self.slip(address, "aeiouhnt")
        if self.random() < self.setting.no_ward:
            return address, None
        if self.happens("ward_wrong"):
            ward = self.below(max(4, ward * 2 + 1))
        if old:
            return address, f"{19_000 + ward:05d}"
        if self.setting.old_wards:
            return address, f"{30_000 + ward // 3:05d}"
        return address, f"{19_000 + ward:05d}"


def ward_name(ward: int, old: bool) -> str:
    """A ward with its district; after the merger there are no districts."""
    first = ("Gio", "Cam", "Triệu", "Hải", "Vĩnh", "Hướng", "Bắc", "Nam", "Tân")[ward % 9]
    second = ("Mỹ", "Chính", "Thạch", "Linh", "Hiếu", "Giang", "Thành", "Tú", "Khê", "Long", "Ái",
              "Hà", "Sơn", "Độ", "Trạch", "Quang", "Hóa")[ward // 9 % 17]  # fmt: skip
    level = "Phường" if ward % 5 == 0 else "Xã"
    district = ("Gio Linh", "Cam Lộ", "Hải Lăng", "Đông Hà")[ward % 4]
    return f"{level} {first} {second}, {district}" if old else f"{level} {first} {second}"


def visits(rng: np.random.Generator, people: int, records: int, setting: Setting) -> np.ndarray:
    """Who comes, once for each registration; everybody once, some again."""
    extra = records - people
    again = rng.choice(people, max(1, people // 3), replace=False)
    weight = rng.gamma(0.8, 1.0, len(again))
    more = rng.choice(again, extra * 2, p=weight / weight.sum())
    # Nobody more often than the setting says.
    order = np.argsort(more, kind="stable")
    ranks = np.arange(len(more)) - np.searchsorted(more[order], more[order])
    keep = np.sort(order[ranks < setting.most_visits - 1])[:extra]
    return np.concatenate([np.arange(people), more[keep]])


def registered(count: int, seed: int, setting: Setting) -> pl.DataFrame:
    """About `count` registrations with the truth (`person_id`, `twin`, `namesake`)."""
    rng = np.random.default_rng([seed, count, 77])
    fresh = round(count * (1 - setting.resends))
    people = settle(rng, round(fresh * (1 - setting.repeats)), setting)
    who = visits(rng, len(people.sex), fresh, setting)
    first = np.arange(len(who)) < len(people.sex)
    clerk = Clerk(rng, people, setting)
    columns: dict[str, list] = {name: [] for name in (*FIELDS, "sample_code", "registered_at")}
    for at, person in enumerate(who.tolist()):
        moved = None
        if not first[at] and clerk.random() < setting.moved:
            moved = clerk.below(len(people.home_place))
        # A change of telephone is as likely for those who came again as for those who moved.
        again = moved if moved is not None else (None if first[at] else int(people.home[person]))
        old = clerk.random() < setting.old_wards
        sex = people.sex[person] ^ clerk.happens("sex")
        cccd, cmnd, insurance = clerk.card(person)
        address, ward = clerk.place(person, moved, old)
        blank = clerk.random() < setting.no_sex
        month = 1 + clerk.below(6) + (0 if old else 6)
        row = (clerk.name(person), clerk.day(person), None if blank else ("Nam", "Nữ")[sex], cccd,
               cmnd, insurance, clerk.phone(person, again), address, ward,
               f"T{(at // 2 * 2 if clerk.happens('tube_twice') else at):09d}",
               f"2025-{month:02d}-{1 + clerk.below(28):02d}T{clerk.below(24):02d}:00")  # fmt: skip
        for name, value in zip(columns, row, strict=True):
            columns[name].append(value)
    frame = pl.DataFrame(
        {name: pl.Series(values, dtype=pl.String) for name, values in columns.items()}
    ).with_columns(
        person_id=pl.Series(who), twin=pl.Series(people.twin[who] >= 0),
        namesake=pl.Series(people.namesake[who] >= 0),
        device_id=pl.Series([f"D{n}" for n in rng.integers(0, 400, len(who)).tolist()]),
        batch_id=pl.Series([f"B{n}" for n in rng.integers(0, 9999, len(who)).tolist()]),
    )  # fmt: skip
    again = frame[rng.choice(len(frame), count - fresh, replace=False)]
    frame = pl.concat([frame, again])
    frame = frame[rng.permutation(len(frame))].drop(setting.absent)
    ids = [f"R{n:09d}" for n in rng.permutation(len(frame)).tolist()]
    return frame.select(pl.Series("record_id", ids), pl.all())


TRUTH = ("person_id", "twin", "namesake")

if __name__ == "__main__":
    chosen = SETTINGS[sys.argv[3]]
    registered(int(sys.argv[1]), int(sys.argv[2]), chosen).write_parquet(sys.argv[4])
