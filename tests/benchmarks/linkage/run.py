"""`make bench-linkage`: ours and Splink side by side, then the public sets. SIZE and SEED matter.

python -m tests.benchmarks.linkage.run [SIZE [SEED]]
"""

import resource
import sys
import time

import polars as pl

import core_rs
from tests.benchmarks.linkage.clerks import SETTINGS, registered
from tests.benchmarks.linkage.clerks import TRUTH as OTHER_TRUTH
from tests.benchmarks.linkage.figures import calibration, figures, recall_at
from tests.benchmarks.linkage.peers import splink
from tests.benchmarks.linkage.population import registrations
from tests.benchmarks.linkage.public_sets import public_sets

TRUTH = ["person_id", "twin", "namesake", "dirt", "part"]


def main(size: int, seed: int) -> None:
    """Prints one table for each part."""
    truth = registrations(size, seed)
    records = truth.drop(TRUTH)
    print(f"population: {size:,} records, seed {seed}")
    start = time.perf_counter()
    linker = core_rs.PeopleLinker()
    linker.add(records)
    result = linker.link()
    table = pl.DataFrame(result.table())
    ours = table["entity_id"]
    took = time.perf_counter() - start
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"ours     {took:6.2f} s {megabytes:5.0f} MB  {figures(truth, ours).row()}")
    print(f"         compared {sum(result.compared.values()):,}, lost {result.lost_candidates}")
    print(f"         recall at precision .995: {recall_at(truth, table, 0.995):.4f}")
    others(size, seed)
    entities, seconds = splink(records)
    best = max(entities, key=lambda t: figures(truth, entities[t]).f1)
    print(f"Splink 5 {sum(seconds.values()):6.2f} s           "
          f"{figures(truth, entities[best]).row()}  (best threshold {best})")  # fmt: skip
    print(calibration(pl.DataFrame(result.pairs()), truth["person_id"]))
    look_ups(records)
    print("public sets: pairwise F1 at the best threshold, F1 of the entities as given")
    for public in public_sets():
        start = time.perf_counter()
        found, pairs, _ = core_rs.link_records(public.records, public.fields, source=public.source)
        took = time.perf_counter() - start
        f1, precision, recall, _ = public.best_f1(pl.DataFrame(pairs))
        people = pl.DataFrame({"person_id": public.person})
        clusters = figures(people, pl.DataFrame(found)["entity"])
        print(f"{public.name:12} F1 {f1:.4f} (P {precision:.4f} R {recall:.4f})  "
              f"entities {clusters.f1:.4f}  {took:.2f} s")  # fmt: skip


def others(size: int, seed: int) -> None:
    """Populations of the second generator, none of which any rate of ours was set by."""
    for name, setting in SETTINGS.items():
        truth = registered(min(size, 100_000), seed, setting)
        linker = core_rs.PeopleLinker()
        linker.add(truth.drop(OTHER_TRUTH))
        table = pl.DataFrame(linker.link().table())
        print(f"{name:12} {figures(truth, table['entity_id']).row()}  recall at .995 "
              f"{recall_at(truth, table, 0.995):.4f}")  # fmt: skip


def look_ups(records: pl.DataFrame, count: int = 20_000) -> None:
    """Time of one look-up from Python in an index of all records, and of matching in bulk."""
    index = core_rs.PersonIndex()
    start = time.perf_counter()
    index.add_many(records.rename({"record_id": "person_id"}))
    built = time.perf_counter() - start
    names = ["full_name", "dob", "sex", "cccd", "cmnd", "health_insurance", "phone", "address",
             "ward_code"]  # fmt: skip
    asked = records.select(names).sample(count, seed=1)
    times = []
    for record in asked.iter_rows(named=True):
        start = time.perf_counter_ns()
        index.look_up(record)
        times.append(time.perf_counter_ns() - start)
    micros = pl.Series(times) / 1000
    start = time.perf_counter()
    index.match_many(asked)
    bulk = count / (time.perf_counter() - start)
    print(f"index of {len(records):,}: built in {built:.1f} s; a look-up from Python p50 "
          f"{micros.quantile(0.5):.0f} µs, p99 {micros.quantile(0.99):.0f} µs; in bulk "
          f"{bulk:,.0f}/s on one core")  # fmt: skip


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    main(*(arguments or [100_000]), *([1] if len(arguments) < 2 else []))
