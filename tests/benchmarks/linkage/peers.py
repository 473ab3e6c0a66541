"""Splink 5 on the same records, set up as its authors would for Vietnamese people.

Vietnamese normalisation (folded names, repaired ids and phones, placeholders and relatives' cards
taken out), term frequencies, seven comparisons, ten blocking rules, connected components.
"""

import time

import polars as pl

THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)


def fold(column: str) -> pl.Expr:
    """Lower case without marks and double spaces."""
    return (
        pl.col(column).str.normalize("NFD").str.replace_all(r"\p{M}", "").str.to_lowercase()
        .str.replace_all("đ", "d").str.replace_all(r"[^a-z0-9/ ]", " ")
        .str.replace_all(r"\s+", " ").str.strip_chars()
    )  # fmt: skip


def normalised(records: pl.DataFrame) -> pl.DataFrame:
    """The columns that Splink compares and blocks on."""
    digits = lambda c: pl.col(c).str.replace_all(r"\D", "")  # noqa: E731
    old = {"120": "70", "121": "79", "122": "77", "123": "83", "124": "84", "125": "85",
           "126": "76", "127": "81", "128": "78", "129": "82", "162": "32", "163": "33",
           "164": "34", "165": "35", "166": "36", "167": "37", "168": "38", "169": "39",
           "186": "56", "188": "58", "199": "59"}  # fmt: skip
    national = digits("phone").str.replace(r"^84", "").str.strip_chars_start("0")
    moved = (
        pl.when(national.str.len_chars() == 10)
        .then(national.str.slice(0, 3).replace(old) + national.str.slice(3))
        .otherwise(national)
    )
    frame = records.select(
        pl.col("record_id").alias("unique_id"), name=fold("full_name"),
        dob=pl.when(pl.col("dob").str.len_chars() == 10).then(pl.col("dob")),
        year=pl.col("dob").str.slice(0, 4),
        sex=pl.when(fold("sex") == "nam").then(pl.lit("m")).otherwise(pl.lit("f")),
        no_sex=pl.col("sex").is_null(), cccd=digits("cccd").str.zfill(12),
        cmnd=pl.col("cmnd"), phone=moved, address=fold("address")
        .str.replace_all(r"\b(phuong|p|xa|x|thon|t|to|quang tri|qt)\b", " ")
        .str.replace_all(r"\s+", " ").str.strip_chars(), ward=pl.col("ward_code"),
    )  # fmt: skip
    fake = ["000000000000", "111111111111", "123456789012", "999999999999"]
    own = pl.col("year").is_null() | (
        pl.col("cccd").str.slice(4, 2) == pl.col("year").str.slice(2, 2)
    )
    crowded = pl.len().over("phone") > 30
    return frame.with_columns(
        sex=pl.when(~pl.col("no_sex")).then(pl.col("sex")),
        cccd=pl.when(~pl.col("cccd").is_in(fake) & own).then(pl.col("cccd")),
        phone=pl.when((pl.col("phone").str.len_chars() >= 9) & ~crowded).then(pl.col("phone")),
        given=pl.col("name").str.extract(r"(\S+)$"),
        surname=pl.col("name").str.extract(r"^(\S+)"),
    ).drop("no_sex")  # fmt: skip


def splink(records: pl.DataFrame) -> tuple[dict[float, pl.Series], dict[str, float]]:
    """Entities at each threshold, in the order of the records, and the seconds of each step."""
    import splink.comparison_level_library as cll
    import splink.comparison_library as cl
    from splink import Linker, SettingsCreator, block_on
    from splink.backends.duckdb import DuckDBAPI

    seconds, start = {}, time.perf_counter()

    def lap(name: str) -> None:
        nonlocal start
        seconds[name] = time.perf_counter() - start
        start = time.perf_counter()

    frame = normalised(records).to_arrow()
    lap("normalise")
    exact = lambda c: cll.ExactMatchLevel(c, term_frequency_adjustments=True)  # noqa: E731
    # A CCCD is compared with a CCCD and a CMND with a CMND: they have no digit in common.
    either = lambda sql, label: cll.CustomLevel(  # noqa: E731
        " or ".join(f"({sql.format(c)})" for c in ("cccd", "cmnd")), label)  # fmt: skip
    neither = lambda *columns: cll.CustomLevel(  # noqa: E731
        " and ".join(f"({c}_l is null or {c}_r is null)" for c in columns), "missing"
    ).configure(is_null_level=True)
    comparisons = [
        cl.CustomComparison([
            cll.NullLevel("name"), exact("name"),
            cll.And(cll.JaroWinklerLevel("name", 0.9), cll.JaroWinklerLevel("given", 0.9)),
            exact("given"), cll.JaroWinklerLevel("name", 0.95), cll.ExactMatchLevel("surname"),
            cll.ElseLevel()], "name"),
        cl.CustomComparison([
            cll.NullLevel("year"), exact("dob"), cll.DamerauLevenshteinLevel("dob", 1),
            cll.ExactMatchLevel("year"), cll.DamerauLevenshteinLevel("dob", 2),
            cll.ElseLevel()], "dob"),
        cl.ExactMatch("sex"),
        cl.CustomComparison([
            neither("cccd", "cmnd"), either("{0}_l = {0}_r", "same number"),
            either("damerau_levenshtein({0}_l, {0}_r) <= 1", "one slip"), cll.ElseLevel()],
            "national"),
        cl.CustomComparison([
            cll.NullLevel("phone"), exact("phone"), cll.DamerauLevenshteinLevel("phone", 1),
            cll.ElseLevel()], "phone"),
        cl.CustomComparison([
            cll.NullLevel("address"), exact("address"), cll.JaroWinklerLevel("address", 0.9),
            cll.ElseLevel()], "address"),
        cl.ExactMatch("ward").configure(term_frequency_adjustments=True),
    ]  # fmt: skip
    rules = [
        block_on("cccd"), block_on("cmnd"), block_on("phone", "given"), block_on("phone", "year"),
        block_on("name", "year"), block_on("dob", "given"), block_on("dob", "surname", "ward"),
        block_on("dob", "phone"), block_on("name", "ward"), block_on("address", "given"),
        block_on("dob", "address"),
    ]  # fmt: skip
    settings = SettingsCreator(
        link_type="dedupe_only", comparisons=comparisons,
        blocking_rules_to_generate_predictions=rules, retain_matching_columns=False,
    )  # fmt: skip
    api = DuckDBAPI()
    linker = Linker(api.register(frame), settings, log_level=40)
    training = linker.training
    training.estimate_probability_two_random_records_match([block_on("cccd")], recall=0.3)
    training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    lap("u")
    # A session does not train what it blocks on. These three train every field on pairs that
    # are nearly all of one person; on wider ones the household passes for the person.
    for rule in (("dob", "phone"), ("name", "phone"), ("name", "dob")):
        training.estimate_parameters_using_expectation_maximisation(block_on(*rule))
    lap("train")
    predicted = linker.inference.predict(threshold_match_probability=0.1)
    lap("predict")
    entities = {}
    for threshold in THRESHOLDS:
        clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
            predicted, threshold_match_probability=threshold
        )
        table = pl.DataFrame(clusters.as_duckdbpyrelation().to_arrow_table())
        entities[threshold] = records.select(unique_id="record_id").join(
            table.select("unique_id", "cluster_id"), on="unique_id", how="left",
            maintain_order="left")["cluster_id"]  # fmt: skip
        if threshold == THRESHOLDS[0]:
            lap("cluster")
    return entities, seconds
