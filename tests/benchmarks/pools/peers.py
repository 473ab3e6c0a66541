"""The checks of `core_rs.match_pools` that data frames do as well, in polars and in pandas.

Newest version of each tube, two outcomes of it, members joined to their tube, states, who is to be
tested again, people in two tubes, tubes over their size, another number of swabs counted, results
before the collection, results of unknown tubes. core_rs does more in its time: sixteen findings,
late members, single tests that answer pools, episodes.
"""

from typing import Any

import polars as pl

from tests.benchmarks.pools.tables import Tables

Counts = dict[str, int]
AGAIN = ["positive", "inconclusive", "invalid"]


def with_polars(tables: Tables) -> Counts:
    """The checks as a lazy polars query each."""
    members, results, tubes = (frame.lazy() for frame in tables)
    newest = results.filter(pl.col("version") == pl.col("version").max().over("tube_code"))
    current = newest.group_by("tube_code").agg(
        pl.col("outcome").max(),
        pl.col("recorded_at").min(),
        (pl.col("outcome").n_unique() > 1).alias("conflict"),
    )
    joined = members.join(current, on="tube_code", how="left").with_columns(
        (pl.col("recorded_at") < pl.col("collected_at")).fill_null(value=False).alias("early")
    )
    status = (
        pl.when(pl.col("conflict"))
        .then(pl.lit("conflict"))
        .when(pl.col("early"))
        .then(pl.lit("early"))
        .otherwise(pl.col("outcome").fill_null("waiting"))
        .alias("status")
    )
    people = joined.select("tube_code", "early", status)
    sizes = members.group_by("tube_code").len().join(tubes, on="tube_code", how="left")
    two = members.group_by("person_id").agg(pl.col("tube_code").n_unique())
    known = current.join(tubes, on="tube_code", how="left")
    answers = pl.collect_all(
        [
            people.group_by("status").len(),
            people.filter(pl.col("status").is_in(AGAIN)),
            people.filter("early").select(pl.col("tube_code").n_unique()),
            two.filter(pl.col("tube_code") > 1),
            sizes.select(
                (pl.col("len") > pl.col("planned_size")).sum().alias("over"),
                (pl.col("len") != pl.col("counted_swabs")).sum().alias("count"),
            ),
            known.select(
                pl.col("planned_size").is_null().sum().alias("unknown"),
                (pl.col("conflict") & pl.col("planned_size").is_not_null()).sum(),
            ),
        ]
    )
    _states, _again, early, in_two, size, result = answers
    return {
        "F1": result["unknown"][0],
        "F2": in_two.height,
        "F3": size["over"][0],
        "F4": size["count"][0],
        "F6": result["conflict"][0],
        "F7": early.item(),
    }


def with_pandas(frames: tuple[Any, Any, Any]) -> Counts:
    """The same checks on pandas frames."""
    people, told, known = frames
    top = told.groupby("tube_code")["version"].transform("max")
    groups = told[told["version"] == top].groupby("tube_code")
    current = groups.agg(outcome=("outcome", "max"), recorded_at=("recorded_at", "min"))
    current["conflict"] = groups["outcome"].nunique() > 1
    joined = people.merge(current, left_on="tube_code", right_index=True, how="left")
    conflict = joined["conflict"].astype("boolean").fillna(value=False)
    early = joined["recorded_at"] < joined["collected_at"]
    status = joined["outcome"].astype("object").fillna("waiting")
    status = status.mask(early, "early").mask(conflict, "conflict")
    status.value_counts()
    joined[status.isin(AGAIN)]
    sizes = people.groupby("tube_code").size().to_frame("len").join(known.set_index("tube_code"))
    is_known = current.index.isin(known["tube_code"])
    in_two = people.groupby("person_id")["tube_code"].nunique()
    return {
        "F1": int((~is_known).sum()),
        "F2": int((in_two > 1).sum()),
        "F3": int((sizes["len"] > sizes["planned_size"]).sum()),
        "F4": int((sizes["len"] != sizes["counted_swabs"]).sum()),
        "F6": int(current["conflict"][is_known].sum()),
        "F7": int(joined["tube_code"][early].nunique()),
    }
