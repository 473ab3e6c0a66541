"""The same campaign as a stranger would hand it in: other libraries, types, chunks and zones."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

import core_rs
from tests.core_rs.pool_planted import Planted, plant
from tests.core_rs.pool_tables import at

POLICY = core_rs.PoolPolicy(single_contact_classes=["F1"], alarm_probability=1e-6)
INSTANTS = ["added_at", "collected_at", "recorded_at", "sealed_at", "sent_at", "received_at"]
Form = Callable[[pl.DataFrame], Any]


@pytest.fixture(scope="module")
def world() -> Planted:
    return plant(2, 4_000)


def instants(frame: pl.DataFrame) -> list[str]:
    return [name for name in frame.columns if name in INSTANTS]


def in_chunks(frame: pl.DataFrame) -> pl.DataFrame:
    parts = [frame.slice(start, 7) for start in range(0, frame.height, 7)]
    made = pl.concat(parts, rechunk=False)
    assert made.n_chunks() > 1
    return made


def recast(unit: str, zone: str | None) -> Form:
    def form(frame: pl.DataFrame) -> pl.DataFrame:
        columns = [pl.col(name).dt.convert_time_zone(zone or "UTC") for name in instants(frame)]
        frame = frame.with_columns(columns)
        kind = pl.Datetime(unit, zone)  # type: ignore[arg-type]
        return frame.with_columns(pl.col(instants(frame)).dt.replace_time_zone(zone).cast(kind))

    return form


def large_strings(frame: pl.DataFrame) -> pa.Table:
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    return pa.concat_tables([table.slice(0, 11), table.slice(11, 300), table.slice(311)])


def small_strings(frame: pl.DataFrame) -> pa.Table:
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    fields = [
        pa.field(f.name, pa.string()) if pa.types.is_large_string(f.type) else f
        for f in table.schema
    ]
    return table.cast(pa.schema(fields))


def categories(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.String).cast(pl.Categorical))


def without_what_is_empty(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select([name for name in frame.columns if frame[name].null_count() < len(frame)])


def with_more_columns(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(note=pl.lit("x"), weight=pl.lit(1.5)).select(
        "note", *reversed(frame.columns), "weight"
    )


def doubles(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Int64).cast(pl.Float64))


FORMS: dict[str, Form] = {
    "views in many chunks": in_chunks,
    "milliseconds in Hà Nội": recast("ms", "Asia/Ho_Chi_Minh"),
    "nanoseconds in New York": recast("ns", "America/New_York"),
    "no zone: UTC": recast("us", None),
    "pyarrow, large strings in chunks": large_strings,
    "pyarrow, small strings": small_strings,
    "categories": categories,
    "empty columns left out": without_what_is_empty,
    "more columns in another order": with_more_columns,
    "counts as doubles": doubles,
    "dictionaries": lambda frame: frame.to_dicts(),
}


def told(match: Any) -> tuple[list[tuple], Counter[tuple]]:
    states = pl.DataFrame(match.members).select(pl.col("state", "reason").cast(pl.String)).rows()
    found = pl.DataFrame(match.findings).select("code", "tube_code", "person_id").rows()
    return states, Counter(found)


@pytest.mark.parametrize("form", FORMS)
def test_every_finding_whatever_the_tables_are_made_of(world: Planted, form: str) -> None:
    members, results, tubes = map(FORMS[form], world.frames())
    match = core_rs.match_pools(members, results, POLICY, tubes=tubes, as_of=at(240))
    states, found = told(match)
    assert [" ".join(filter(None, row)) for row in states] == world.states
    assert found == world.findings
    assert {code for code, _, _ in found} == {f"F{n}" for n in range(1, 17)}


def test_rows_delivered_twice_change_nothing(world: Planted) -> None:
    members, results, tubes = world.frames()
    once = core_rs.match_pools(members, results, POLICY, tubes=tubes, as_of=at(240))
    again = core_rs.match_pools(
        pl.concat([members, members]),
        pl.concat([results, results.reverse()], rechunk=False),
        POLICY,
        tubes=pl.concat([tubes, tubes], rechunk=False),
        as_of=at(240),
    )
    states, found = told(again)
    assert found == told(once)[1]
    assert states == told(once)[0] * 2


def test_an_amendment_and_a_label_used_twice_are_seen_across_chunks() -> None:
    members = pl.DataFrame({"person_id": ["A", "B"], "tube_code": ["T1", "T2"]})
    results = pl.DataFrame(
        {"tube_code": ["T1"], "outcome": ["positive"], "result_id": ["2"], "amends_id": ["1"]}
    )
    first = pl.DataFrame(
        {"tube_code": ["T1"], "outcome": ["negative"], "result_id": ["1"], "amends_id": [None]},
        schema=results.schema,
    )
    for order in ([first, results], [results, first]):
        match = core_rs.match_pools(members, pl.concat(order, rechunk=False))
        assert told(match)[0] == [("POS_CONFIRMED", None), ("WAITING", None)]
        assert told(match)[1] == Counter()
    clash = first.with_columns(tube_code=pl.lit("T2"))
    match = core_rs.match_pools(members, pl.concat([first, clash], rechunk=False))
    assert Counter(code for code, _, _ in told(match)[1].elements()) == {"F6": 2}
    tube = pl.DataFrame({"tube_code": ["T1"], "planned_size": [1], "sealed_at": [at(1)]})
    twice = pl.concat([tube, tube.with_columns(sealed_at=pl.lit(at(9)))], rechunk=False)
    match = core_rs.match_pools(members, first, tubes=twice)
    assert ("F13", "T1", None) in told(match)[1]


def test_codes_are_what_is_written_and_what_is_meant_is_only_offered() -> None:
    members = pl.DataFrame(
        {"person_id": ["Nguyễn 1", "nguyễn 1", "P 3"], "tube_code": ["T 01", "t 01", "ống-7"]}
    )
    results = pl.DataFrame(
        {"tube_code": ["t 01", "T01", "T 01 ", "ỐNG-7"], "outcome": ["negative"] * 4}
    )
    match = core_rs.match_pools(members, results)
    # Nothing is made one that is written in two ways: not people, not tubes.
    assert told(match)[0] == [("WAITING", None), ("NEG_SINGLE", None), ("WAITING", None)]
    findings = pl.DataFrame(match.findings)
    assert findings["code"].to_list() == ["F1"] * 3
    offered = dict(findings.select("tube_code", "detail").rows())
    assert "T 01" in offered["T01"]
    assert "T 01" in offered["T 01 "]
    assert "ống-7" in offered["ỐNG-7"]


def test_numbers_are_codes_too() -> None:
    members = pl.DataFrame({"person_id": [1, 2], "tube_code": [700, 701]})
    results = pl.DataFrame({"tube_code": [700, 701], "outcome": ["negative", "positive"]})
    for frames in ((members, results), (members.to_dicts(), results.to_dicts())):
        match = core_rs.match_pools(*frames)
        assert told(match)[0] == [("NEG_SINGLE", None), ("POS_CONFIRMED", None)]


def test_tables_without_rows() -> None:
    nothing = pl.DataFrame()
    no_rows = pl.DataFrame(schema={"person_id": pl.String, "tube_code": pl.String})
    members = pl.DataFrame({"person_id": ["A"], "tube_code": ["T1"]})
    results = pl.DataFrame({"tube_code": ["T1"], "outcome": ["negative"]})
    for empty in (nothing, no_rows, [], pa.table({"person_id": pa.array([], pa.string())})):
        assert core_rs.match_pools(members, empty).counts == {"WAITING": 1}
        match = core_rs.match_pools(empty, results)
        assert (len(match), told(match)[1]) == (0, Counter([("F1", "T1", None)]))
        alone = core_rs.match_pools(empty, empty, tubes=empty, closings=empty)
        assert pl.DataFrame(alone.members).height == pl.DataFrame(alone.findings).height == 0


def test_everything_wrong_with_all_tables_is_told_at_once() -> None:
    members = pl.DataFrame({"person": ["A"], "tube_code": ["T1"], "added_at": ["yesterday"]})
    results = pl.DataFrame({"tube_code": ["T1"], "outcome": ["maybe"], "ct_value": ["low"]})
    tubes = pl.DataFrame({"tube_code": ["T1"], "planned_size": [2.5], "pool_kind": ["bucket"],
                          "is_lost": ["no"]})  # fmt: skip
    closings = pl.DataFrame({"code": ["F99"], "tube_code": ["T1"]})
    with pytest.raises(core_rs.CoreError) as caught:
        core_rs.match_pools(members, results, tubes=tubes, closings=closings)
    told = str(caught.value)
    for word in ("members:", "person_id", "added_at", "results:", "maybe", "ct_value", "tubes:",
                 "planned_size", "bucket", "is_lost", "closings:", "F99"):  # fmt: skip
        assert word in told, word
    for table in (7, "T1", None, [1, 2]):
        with pytest.raises((core_rs.CoreError, TypeError)) as odd:
            core_rs.match_pools(table, results)
        assert "list of dictionaries" in str(odd.value)
