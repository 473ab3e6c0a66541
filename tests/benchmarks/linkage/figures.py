"""Figures of a linkage against the truth: pairs, entities, twins, calibration."""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Figures:
    """Pairwise figures of the entities, and where they are wrong."""

    precision: float
    recall: float
    f1: float
    over_merged: int
    """Entities that hold more than one person."""
    split: int
    """People in more than one entity."""
    count_error: float
    """Relative error of the number of people."""
    twins_merged: float
    """Share of twins whose records lie in an over-merged entity."""
    namesakes_merged: float

    def row(self) -> str:
        """One line of a table."""
        return (
            f"F1 {self.f1:.4f}  P {self.precision:.4f}  R {self.recall:.4f}  over-merged "
            f"{self.over_merged}  split {self.split}  count {self.count_error:+.2%}  twins "
            f"{self.twins_merged:.1%}  namesakes {self.namesakes_merged:.1%}"
        )


def _pairs(counts: pl.Series) -> int:
    return int((counts.cast(pl.Int64) * (counts.cast(pl.Int64) - 1) // 2).sum() or 0)


def figures(truth: pl.DataFrame, entity: pl.Series) -> Figures:
    """`truth` has `person_id` and, optionally, `twin` and `namesake`; rows as in `entity`."""
    both = truth.with_columns(entity.alias("entity"))
    together = _pairs(both.group_by("person_id", "entity").len()["len"])
    found = _pairs(both.group_by("entity").len()["len"])
    true = _pairs(both.group_by("person_id").len()["len"])
    people = both.group_by("entity").agg(pl.col("person_id").n_unique().alias("people"))
    mixed = people.filter(pl.col("people") > 1)["entity"]
    split = both.group_by("person_id").agg(pl.col("entity").n_unique().alias("n"))
    precision, recall = together / max(found, 1), together / max(true, 1)

    def merged(column: str) -> float:
        if column not in both.columns:
            return float("nan")
        those = both.filter(pl.col(column))
        wrong = those.filter(pl.col("entity").is_in(mixed.implode()))["person_id"].n_unique()
        return wrong / max(those["person_id"].n_unique(), 1)

    return Figures(
        precision,
        recall,
        2 * precision * recall / max(precision + recall, 1e-12),
        len(mixed),
        split.filter(pl.col("n") > 1).height,
        len(people) / len(split) - 1,
        merged("twin"),
        merged("namesake"),
    )


def recall_at(truth: pl.DataFrame, table: pl.DataFrame, precision: float) -> float:
    """The largest share of true pairs found among joins above one score with that precision.

    `table` is that of `Linkage.table`; a pair counts with the smaller of its two scores.
    """
    both = pl.DataFrame({
        "person": truth["person_id"], "entity": table["entity_id"], "score": table["score"],
    }).filter(pl.col("score").is_not_null())  # fmt: skip
    true = _pairs(truth.group_by("person_id").len()["len"])
    best = 0.0
    for least in (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999):
        sure = both.filter(pl.col("score") >= least)
        right = _pairs(sure.group_by("entity", "person").len()["len"])
        if right >= precision * _pairs(sure.group_by("entity").len()["len"]):
            best = max(best, right / max(true, 1))
    return best


def calibration(pairs: pl.DataFrame, person: pl.Series) -> pl.DataFrame:
    """Predicted and observed share of true pairs by two bits of the odds."""
    same = person.gather(pairs["a"]) == person.gather(pairs["b"])
    predicted = 1 / (1 + (-pairs["bits"] * 0.6931471805599453).exp())
    return (
        pl.DataFrame({"bits": (pairs["bits"] / 2).floor() * 2, "p": predicted, "same": same})
        .group_by("bits")
        .agg(pl.len().alias("pairs"), pl.col("p").mean().alias("predicted"),
             pl.col("same").mean().alias("observed"))
        .sort("bits")
    )  # fmt: skip
