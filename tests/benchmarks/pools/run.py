"""`make bench-pools`: core_rs, polars and pandas doing the same checks on a million memberships.

    python -m tests.benchmarks.pools.run [MEMBERS]

All three start from tables with text codes in memory and must give the same counts. Times are the
best of several rounds: by the wall clock, and processor time of all threads together, which says
more on a machine with other work. Then the campaign on interned codes, a delivery of 1,000 results,
memory, and what the Python face adds to the rules themselves.
"""

import importlib.util
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import polars as pl

import core_rs
from tests.benchmarks.pools.peers import Counts, with_pandas, with_polars
from tests.benchmarks.pools.tables import Tables, campaign

ROUNDS = 7


def processor_seconds() -> float:
    """Processor time of all threads of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def timed(what: str, work: Callable[[], Any], rounds: int = ROUNDS) -> Any:
    """Calls `work` several times and prints the best times in milliseconds."""
    wall, cpu = [], []
    answer = work()
    for _ in range(rounds):
        begun, used = time.perf_counter(), processor_seconds()
        answer = work()
        wall.append(time.perf_counter() - begun)
        cpu.append(processor_seconds() - used)
    print(f"{what:<44} {min(wall) * 1e3:9.2f} ms wall {min(cpu) * 1e3:9.2f} ms processor")
    return answer


def with_core(tables: Tables) -> Any:
    """States of all members."""
    return core_rs.match_pools(tables.members, tables.results, tubes=tables.tubes)


def with_core_lists(tables: Tables) -> Counts:
    """States, findings, re-tests and tubes, all as tables."""
    match = with_core(tables)
    pl.DataFrame(match.members)
    pl.DataFrame(match.retests)
    pl.DataFrame(match.tubes)
    found = pl.DataFrame(match.findings)["code"].value_counts()
    return {code: count for code, count in sorted(found.iter_rows()) if code != "F12"}


def compare(tables: Tables) -> None:
    """The three side by side; stops where they disagree."""
    match = timed("core_rs.match_pools", lambda: with_core(tables))
    print(f"{'  of that in the rules, best':<44} {rules_best(tables):9.2f} ms wall")
    found = timed("core_rs.match_pools, all its tables read", lambda: with_core_lists(tables))
    threads = pl.thread_pool_size()
    others = {"polars": timed(f"polars, {threads} threads", lambda: with_polars(tables))}
    if importlib.util.find_spec("pandas"):
        frames = tuple(frame.to_pandas() for frame in tables)
        others["pandas"] = timed("pandas", lambda: with_pandas(frames), rounds=2)
    else:
        print("pandas is not installed; make bench-pools installs it")
    for name, counts in others.items():
        if counts != found:
            raise SystemExit(f"{name} counts {counts}, core_rs {found}")
    print("the counts agree:", found)
    print("states:", match.counts)


def rules_best(tables: Tables) -> float:
    """Milliseconds of a match without reading the tables from Python."""
    return min(with_core(tables).core_seconds for _ in range(ROUNDS)) * 1e3


def growing(tables: Tables) -> None:
    """A campaign on interned codes: anew, and a delivery of 1,000 results."""
    index = core_rs.PoolIndex()
    index.add_members(tables.members)
    index.set_tubes(tables.tubes)
    index.add_results(tables.results)
    timed("PoolIndex.rematch, all codes interned", index.rematch, rounds=21)
    newer = tables.results.with_columns(pl.lit(9, pl.Int64).alias("version"))
    deliveries = iter([newer.sample(1_000, seed=seed) for seed in range(32)])
    timed("PoolIndex.add_results, 1,000 results", lambda: index.add_results(next(deliveries)), 31)
    print(f"{index.byte_size / len(index):.1f} bytes a membership, codes included")


def main() -> None:
    """Makes the tables and prints the comparison."""
    tables = campaign(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    sizes = [frame.height for frame in tables]
    print("{} memberships, {} results, {} tubes".format(*sizes))
    compare(tables)
    growing(tables)


if __name__ == "__main__":
    main()
