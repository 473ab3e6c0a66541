"""A population of registrations with known truth: `python -m … population 100000 1 out.parquet`.

`registrations(count, seed)` gives the columns of `tram people link` and, after them, `person_id`
(the truth) and `dirt` (what was done to the record). The rates were set so that Splink 5 gives
F1 .982 ± .01 and wrongly merges 72 % ± 5 of the twins at 100,000 (docs/linkage.md). They are ours;
linkage is judged on populations of this kind that nobody here has seen.
"""

import sys
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from tests.benchmarks.linkage import dirt as d
from tests.benchmarks.linkage.households import People, make_houses, make_people, ward_name

PART = 250_000
REPEATS, RESENDS, SHARED_TUBES = 0.30, 0.015, 0.004

# Probability of each corruption of a record, by field.
NAME = {
    d.old_tone_place: 0.05, d.decomposed: 0.03, d.wrong_tone: 0.022, d.telex: 0.012, d.vni: 0.008,
    d.typo: 0.022, d.regional: 0.018, d.middle_dropped: 0.018, d.order: 0.004, d.nickname: 0.004,
}  # fmt: skip


@dataclass
class Rows:
    """The registrations of one part while they are being blurred."""

    rng: np.random.Generator
    person: np.ndarray
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    done: dict[str, np.ndarray] = field(default_factory=dict)

    def some(self, name: str, share: float, among: np.ndarray | None = None) -> np.ndarray:
        """Rows to which `name` happens."""
        hit = self.rng.random(len(self.person)) < share
        if among is not None:
            hit &= among
        self.done[name] = hit
        return np.flatnonzero(hit)

    def change(self, column: str, rows: np.ndarray, change) -> None:
        values = self.columns[column]
        for row in rows:
            if values[row] is not None:
                values[row] = change(values[row], self.rng)

    def blank(self, column: str, rows: np.ndarray) -> None:
        self.columns[column][rows] = None


def registrations(count: int, seed: int, *, dirtiness: float = 1.0) -> pl.DataFrame:
    """`count` registrations; the same for the same arguments, whatever the machine."""
    parts = max(1, round(count / PART))
    sizes = np.diff(np.linspace(0, count, parts + 1).astype(int))
    frames = [
        _part(np.random.default_rng([seed, part]), int(size), part, parts, dirtiness)
        for part, size in enumerate(sizes)
    ]
    frame = pl.concat(frames)
    order = np.random.default_rng([seed, parts]).permutation(len(frame))
    return frame[order].with_columns(pl.int_range(pl.len()).alias("record_id"))


def _part(rng: np.random.Generator, count: int, part: int, parts: int, dirtiness: float):
    wards = max(20, 125 // min(parts, 4)) if count >= PART // 2 else max(8, count // 2000)
    people = make_people(rng, round(count * (1 - REPEATS - RESENDS)), wards, part, parts)
    everybody = np.arange(len(people.sex))
    extra = round(count * (1 - RESENDS)) - len(everybody)
    again = rng.choice(everybody, round(extra * 0.65), replace=False)
    more = rng.choice(again, extra - len(again))
    rows = Rows(rng, np.concatenate([everybody, again, more]))
    repeat = np.concatenate([np.zeros(len(everybody), bool), np.ones(extra, bool)])
    _write_clean(rows, people)
    _blur_names(rows, dirtiness)
    _blur_days(rows, dirtiness)
    _blur_numbers(rows, people, dirtiness)
    _blur_contacts(rows, people, repeat, (part * wards, wards), dirtiness)
    frame = _frame(rows, people, part, wards, count - len(rows.person))
    return frame.with_columns(pl.lit(part).alias("part"))


def _write_clean(rows: Rows, people: People) -> None:
    who = rows.person
    c = rows.columns
    names = zip(people.surname[who], people.middle[who], people.given[who], strict=True)
    c["full_name"] = np.array(
        [f"{s} {m} {g}" if m else f"{s} {g}" for s, m, g in names], dtype=object
    )
    c["dob"] = people.born[who].astype("datetime64[D]").astype(str).astype(object)
    c["sex"] = np.where(people.sex[who] == 1, "Nam", "Nữ").astype(object)
    c["cccd"] = np.array([f"{n:012d}" for n in people.cccd[who]], dtype=object)
    cmnd = people.cccd[who] * 7919 % 900_000_000 + 100_000_000
    c["cmnd"] = np.array([str(n) for n in cmnd], dtype=object)
    number = people.cccd[who] * 6007 % 10_000_000_000
    kinds = np.array(["GD4", "HS4", "TE1", "DN4", "HN2"], dtype=object)[number % 5]
    c["health_insurance"] = np.array(
        [f"{k}45{n:010d}" for k, n in zip(kinds, number, strict=True)], dtype=object
    )


def _blur_names(rows: Rows, dirtiness: float) -> None:
    for change, share in NAME.items():
        rows.change("full_name", rows.some(change.__name__, share * dirtiness), change)
    rows.change("full_name", rows.some("no_diacritics", 0.10), lambda t, _: d.fold(t))
    rows.change("full_name", rows.some("upper_case", 0.15), lambda t, _: t.upper())
    rows.change("full_name", rows.some("spaces", 0.03), lambda t, _: " " + t.replace(" ", "  "))


def _swap_day(text: str, _rng: np.random.Generator) -> str:
    year, month, day = text.split("-")
    return f"{year}-{day}-{month}" if int(day) <= 12 else text


def _other_decade(text: str, rng: np.random.Generator) -> str:
    return f"{int(text[:4]) + int(rng.choice([-10, 10]))}{text[4:]}"


def _day_typo(text: str, rng: np.random.Generator) -> str:
    kind = rng.integers(3)
    if kind == 0:
        return f"{text[:8]}{rng.integers(1, 29):02d}"
    if kind == 1:
        return f"{text[:5]}{rng.integers(1, 13):02d}{text[7:]}"
    return f"{int(text[:4]) + int(rng.choice([-2, -1, 1, 2]))}{text[4:]}"


def _blur_days(rows: Rows, dirtiness: float) -> None:
    rows.change("dob", rows.some("dob_swapped", 0.008 * dirtiness), _swap_day)
    rows.change("dob", rows.some("dob_typo", 0.010 * dirtiness), _day_typo)
    rows.change("dob", rows.some("dob_decade", 0.003 * dirtiness), _other_decade)
    rows.change("dob", rows.some("dob_year_only", 0.025 * dirtiness), lambda t, _: t[:4])
    rows.blank("dob", rows.some("dob_missing", 0.018 * dirtiness))
    flips = {"Nam": "Nữ", "Nữ": "Nam"}
    rows.change("sex", rows.some("sex_flipped", 0.006 * dirtiness), lambda t, _: flips[t])
    rows.blank("sex", rows.some("sex_missing", 0.02))


def _blur_numbers(rows: Rows, people: People, dirtiness: float) -> None:
    who = rows.person
    old_enough = people.born[who] < np.datetime64("2007-07-01").astype(int)
    rows.blank("cccd", np.flatnonzero(~old_enough | (rows.rng.random(len(who)) > 0.56)))
    no_card = np.array([value is None for value in rows.columns["cccd"]])
    adult = people.born[who] < np.datetime64("2000-01-01").astype(int)
    with_old = adult & (no_card & (rows.rng.random(len(who)) < 0.38))
    rows.blank("cmnd", np.flatnonzero(~with_old))
    rows.blank("health_insurance", np.flatnonzero(rows.rng.random(len(who)) > 0.25))
    has_card = ~no_card
    rows.change("cccd", rows.some("cccd_typo", 0.02 * dirtiness, has_card), d.digit_typo)
    relatives = rows.some("relatives_card", 0.012 * dirtiness, has_card)
    members = _members(people)
    for row in relatives:
        others = members[people.household[who[row]]]
        other = others[rows.rng.integers(len(others))]
        rows.columns["cccd"][row] = f"{people.cccd[other]:012d}"
    rows.change("cccd", rows.some("zero_lost", 0.04, has_card), lambda t, _: t.lstrip("0"))
    placeholders = ["000000000000", "111111111111", "123456789012", "0", "không có", "999999999999"]
    fake = rows.some("cccd_placeholder", 0.008, no_card)
    for row in fake:
        rows.columns["cccd"][row] = placeholders[rows.rng.integers(len(placeholders))]


def _members(people: People) -> list[np.ndarray]:
    edges = np.flatnonzero(np.diff(people.household)) + 1
    groups = np.split(np.arange(len(people.sex)), edges)
    members: list[np.ndarray] = [np.array([], dtype=int)] * (int(people.household.max()) + 1)
    for group in groups:
        members[people.household[group[0]]] = group
    return members


def _blur_contacts(
    rows: Rows, people: People, repeat: np.ndarray, place: tuple[int, int], dirtiness: float
) -> None:
    who, rng, c = rows.person, rows.rng, rows.columns
    first_ward, wards = place
    home = people.household[who]
    moved = rows.some("moved", 0.07 * dirtiness, repeat)
    house, ward = people.house[home], people.ward[home]
    house[moved], ward[moved] = make_houses(rng, len(moved)), rng.integers(0, wards, len(moved))
    c["address"] = np.array(
        [f"{h}, {ward_name(first_ward + w)}" for h, w in zip(house, ward, strict=True)],
        dtype=object,
    )
    astray = rows.some("wrong_ward", 0.02 * dirtiness)
    ward = ward.copy()
    ward[astray] = rng.integers(0, wards, len(astray))
    c["ward_code"] = ward
    which = (who % 2) ^ (rng.random(len(who)) < 0.10)
    phones = people.phones[people.household[who], which]
    changed = rows.some("phone_changed", 0.11 * dirtiness, repeat)
    phones[changed] = rng.integers(320_000_000, 400_000_000, len(changed))
    c["phone"] = np.array([f"0{n}" for n in phones], dtype=object)
    rows.change("phone", rows.some("phone_spelling", 0.15), d.phone_spelling)
    clinics = np.array(["0905000111", "0914222333", "0938444555", "02333852111"], dtype=object)
    clinic = rows.some("clinic_phone", 0.012)
    c["phone"][clinic] = rng.choice(clinics, len(clinic))
    fake = rows.some("phone_placeholder", 0.008)
    c["phone"][fake] = rng.choice(
        np.array(["0000000000", "0999999999", "0123456789"], dtype=object), len(fake)
    )
    rows.blank("phone", rows.some("phone_missing", 0.12))
    rows.change("address", rows.some("address_spelling", 0.35), d.address_spelling)
    rows.change("address", rows.some("address_typo", 0.03 * dirtiness), d.address_typo)
    rows.blank("address", rows.some("address_missing", 0.17))


def _frame(rows: Rows, people: People, part: int, wards: int, resends: int) -> pl.DataFrame:
    rng, count, c = rows.rng, len(rows.person), rows.columns
    code = np.array([f"{19_000 + (part * wards + w) % 9_000:05d}" for w in c["ward_code"]],
                    dtype=object)  # fmt: skip
    code[rng.random(count) < 0.04] = None
    batch = rng.integers(0, max(1, count // 40), count)
    minute = rng.integers(0, 60 * 24 * 200, count)
    at = np.datetime64("2021-05-01T00:00") + minute.astype("timedelta64[m]")
    tube = rng.permutation(count)
    shared = np.flatnonzero(rng.random(count) < SHARED_TUBES)
    tube[shared] = tube[rng.integers(0, count, len(shared))]
    rows.done["shared_tube"] = np.isin(np.arange(count), shared)
    names = np.array(list(rows.done), dtype=object)
    done = np.stack([rows.done[name] for name in names])
    dirt = np.array(["+".join(names[done[:, row]]) for row in range(count)], dtype=object)
    text = pl.String
    frame = pl.DataFrame(
        {
            "record_id": np.arange(count),
            **{name: pl.Series(c[name].tolist(), dtype=text) for name in
               ("full_name", "dob", "sex", "cccd", "cmnd", "health_insurance", "phone",
                "address")},
            "ward_code": pl.Series(code.tolist(), dtype=text),
            "device_id": [f"D{b % 997:03d}" for b in batch],
            "batch_id": [f"{part}-{b}" for b in batch],
            "sample_code": [f"QTA{part:03d}{t:08d}" for t in tube],
            "registered_at": np.datetime_as_string(at),
            "person_id": part * 10_000_000 + rows.person,
            "twin": people.twin[rows.person] >= 0,
            "namesake": people.namesake[rows.person] >= 0,
            "dirt": pl.Series(dirt.tolist(), dtype=text),
        }
    )  # fmt: skip
    again = frame[rng.choice(count, max(resends, 0), replace=False)]
    return pl.concat([frame, again])


if __name__ == "__main__":
    registrations(int(sys.argv[1]), int(sys.argv[2])).write_parquet(sys.argv[3])
