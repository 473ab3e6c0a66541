"""Figures on a population with known truth, and the index against the batch run."""

import polars as pl
import pytest

from core_rs import PeopleLinker, PersonIndex
from tests.benchmarks.linkage.clerks import SETTINGS, registered
from tests.benchmarks.linkage.clerks import TRUTH as OTHER_TRUTH
from tests.benchmarks.linkage.figures import calibration, figures, recall_at
from tests.benchmarks.linkage.population import registrations

TRUTH = ["person_id", "twin", "namesake", "dirt", "part"]


@pytest.fixture(scope="module")
def truth() -> pl.DataFrame:
    return registrations(30_000, seed=7)


@pytest.fixture(scope="module")
def result(truth):
    linker = PeopleLinker(threads=2)
    linker.add(truth.drop(TRUTH))
    return linker.link()


def test_the_goals_hold_on_a_population_of_another_seed(truth, result):
    found = figures(truth, pl.DataFrame(result.table())["entity_id"])
    assert found.f1 > 0.986
    assert found.twins_merged < 0.2
    assert found.namesakes_merged < 0.1
    assert abs(found.count_error) < 0.01
    assert result.lost_candidates == {}


@pytest.mark.parametrize(
    ("setting", "least_f1"),
    [("plain", 0.986), ("dirty", 0.975), ("no_phone", 0.983), ("bare", 0.975), ("years", 0.97),
     ("merger", 0.985), ("often", 0.99), ("crowded", 0.988)],
)  # fmt: skip
def test_the_goals_hold_on_populations_of_another_kind(setting, least_f1):
    other = registered(20_000, 3, SETTINGS[setting])
    linker = PeopleLinker(threads=2)
    linker.add(other.drop(OTHER_TRUTH))
    table = pl.DataFrame(linker.link().table())
    found = figures(other, table["entity_id"])
    assert found.f1 > least_f1
    assert found.twins_merged < 0.3
    assert abs(found.count_error) < 0.01
    assert registered(2_000, 3, SETTINGS[setting]).equals(registered(2_000, 3, SETTINGS[setting]))


def test_the_sure_joins_are_nearly_all_right(truth, result):
    assert recall_at(truth, pl.DataFrame(result.table()), 0.995) > 0.95


def test_probabilities_are_calibrated(truth, result):
    bins = calibration(pl.DataFrame(result.pairs()), truth["person_id"])
    for _, pairs, predicted, observed in bins.filter(pl.col("pairs") > 300).iter_rows():
        assert abs(predicted - observed) < 0.1, (pairs, predicted, observed)


def test_the_population_is_the_same_for_the_same_seed(truth):
    assert registrations(30_000, seed=7).equals(truth)
    assert not registrations(30_000, seed=8).equals(truth)


def test_the_order_of_arrival_does_not_change_what_is_found(truth):
    records = truth.drop(TRUTH).rename({"record_id": "person_id"}).head(5000)
    asked = truth.drop(TRUTH).slice(5000, 500)
    answers = []
    for order in (records, records.reverse(), records.sample(fraction=1.0, shuffle=True, seed=3)):
        index = PersonIndex()
        index.add_many(order)
        table = pl.DataFrame(index.match_many(asked, limit=50))
        answers.append(table.sort("row", "person_id", "other_row"))
    assert answers[0].equals(answers[1])
    assert answers[0].equals(answers[2])
    assert len(answers[0]) > 50


def test_an_entry_removed_leaves_no_trace_in_the_answers(truth):
    records = truth.drop(TRUTH).rename({"record_id": "person_id"}).head(3000)
    asked = truth.drop(TRUTH).slice(3000, 300)
    plain, changed = PersonIndex(), PersonIndex()
    plain.add_many(records)
    changed.add_many(records)
    for extra in asked.head(200).iter_rows(named=True):
        changed.add(1_000_000 + extra["record_id"], {k: v for k, v in extra.items() if k in FIELDS})
    for extra in asked.head(200)["record_id"]:
        assert changed.remove(1_000_000 + extra) == 1
    one, other = (pl.DataFrame(i.match_many(asked, limit=50)) for i in (plain, changed))
    assert one.equals(other)


FIELDS = {"full_name", "dob", "sex", "cccd", "cmnd", "health_insurance", "phone", "address",
          "ward_code"}  # fmt: skip


def _pairs(entity: pl.Series) -> set[tuple[int, int]]:
    rows = pl.DataFrame({"entity": entity}).with_row_index("row")
    both = rows.join(rows, on="entity").filter(pl.col("row") < pl.col("row_right"))
    return set(both.select("row", "row_right").iter_rows())


def test_the_index_holds_the_people_of_the_batch_run_in_any_order_of_arrival(truth):
    records = truth.drop(TRUTH).head(12_000)
    linker = PeopleLinker(threads=2)
    linker.add(records)
    batch = _pairs(pl.DataFrame(linker.link().table())["entity_id"])
    arrivals = (records, records.reverse(), records.sample(fraction=1.0, shuffle=True, seed=3))
    tables = []
    for arrival in arrivals:
        index = PersonIndex()
        for part in arrival.iter_slices(5_000):
            index.add_many(part.rename({"record_id": "person_id"}))
        index.add(10**9, {"full_name": "Someone Else", "dob": "1990-01-02"})
        index.remove(10**9)
        tables.append(pl.DataFrame(index.link(threads=2).table()))
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])
    assert tables[0]["record_id"].equals(records["record_id"].sort())
    place = dict(zip(tables[0]["record_id"], tables[0]["entity_id"], strict=True))
    found = _pairs(pl.Series([place[record] for record in records["record_id"]]))
    assert len(found ^ batch) <= 0.002 * len(batch)
