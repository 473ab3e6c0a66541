"""Linking records of any kind, with fields named by the caller."""

import random

import polars as pl
import pytest

from core_rs import CoreError, link_records

FIELDS = {"first": "name", "last": "name", "born": "date", "number": "code"}


def shops(count: int = 400, seed: int = 3) -> tuple[pl.DataFrame, list[int]]:
    """Invented records, a third of them twice with one slip in one field."""
    rng = random.Random(seed)
    word = lambda: "".join(rng.choice("bcdfgklmnprst") + rng.choice("aeiou") for _ in range(4))  # noqa: E731
    firsts, lasts = [word() for _ in range(60)], [word() for _ in range(120)]
    rows, truth = [], []
    for person in range(count):
        row = {
            "first": rng.choice(firsts), "last": rng.choice(lasts),
            "born": f"{rng.randint(1930, 2010)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}",
            "number": str(rng.randint(100_000, 999_999)),
        }  # fmt: skip
        rows.append(row)
        truth.append(person)
        if person % 3 == 0:
            field = rng.choice(list(FIELDS))
            at = rng.randrange(1, len(row[field]))
            slip = row[field][: at - 1] + row[field][at:]
            rows.append(
                {**row, field: slip, "number": row["number"] if rng.random() < 0.8 else None}
            )
            truth.append(person)
    return pl.DataFrame(rows), truth


def test_slips_in_any_field_are_found_without_labels():
    records, truth = shops()
    found, pairs, lost = link_records(records, FIELDS)
    entity = pl.DataFrame(found)["entity"].to_list()
    person = dict(zip(range(len(truth)), truth, strict=True))
    right = sum(person[e] == t for e, t in zip(entity, truth, strict=True))
    assert right == len(truth)
    assert len(set(entity)) <= len(set(truth)) + 3
    assert lost == {}
    assert set(pl.DataFrame(pairs).columns) == {"a", "b", "bits"}


def test_records_of_one_source_are_never_one():
    records = pl.DataFrame(
        {"first": ["anna"] * 3, "last": ["berg"] * 3, "born": ["19800102"] * 3,
         "number": ["123456"] * 3, "source": ["a", "a", "b"]}
    )  # fmt: skip
    _, pairs, _ = link_records(records, FIELDS, source="source")
    assert {(p["a"], p["b"]) for p in pl.DataFrame(pairs).iter_rows(named=True)} <= {(0, 2), (1, 2)}


def test_wrong_fields_are_told():
    records, _ = shops(5)
    with pytest.raises(CoreError, match="kind colour"):
        link_records(records, {"first": "colour"})
    with pytest.raises(CoreError, match="no column middle"):
        link_records(records, {"middle": "name"})
    with pytest.raises(CoreError, match="from 1 to 12"):
        link_records(records, {})
