"""Linking in tasks from file to file, here by processes of one machine.

A task reads files of a directory and writes one, whole or not at all (`core_rs.link_task`). It
knows neither who runs it nor how often it was tried, so a worker that dies costs its task only.
On a cluster the same `do` is a remote function and the directory a shared one (docs/linkage.md).
"""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

PARTS_A_WORKER = 3
"""More parts than workers, so that all end at nearly the same time."""
MOST_DEATHS = 10
"""Workers that may die in one run before it is given up."""
STAGES = (
    ("read", "read-{}", True), ("merge", "people", False), ("keys", "keys-{}", True),
    ("blocks", "blocks-{}", True), ("pairs", "pairs-{}", True), ("learn", "model", False),
    ("components", "components", False), ("cluster", "places-{}", True),
)  # fmt: skip
"""Name of each stage, the file of a task, and whether there is one for every part."""


class WorkersDied(Exception):
    """More workers died than chance explains."""


@dataclass(frozen=True)
class Run:
    """What all tasks of one linking share."""

    source: Path
    directory: Path
    count: int
    """Records in the source."""
    parts: int
    successors: dict[str, str] | None


@dataclass(frozen=True)
class Task:
    """One task; `file` is there when it is done."""

    run: Run
    name: str
    part: int
    file: str

    @property
    def done(self) -> bool:
        """Whether some worker has finished it."""
        return (self.run.directory / self.file).exists()


def stages(run: Run) -> Iterator[list[Task]]:
    """The tasks, stage by stage; those of one stage may be done in any order and at once."""
    for name, file, every in STAGES:
        parts = run.parts if every else 1
        yield [Task(run, name, part, file.format(part)) for part in range(parts)]


def read(source: Path, first: int, count: int) -> "pl.DataFrame":
    """Rows of a Parquet file, with the columns that linking uses."""
    import polars as pl

    import core_rs

    used = pl.selectors.by_name(core_rs.PeopleLinker.COLUMNS, require_all=False)
    rows = pl.scan_parquet(source).select(used).slice(first, count).collect()
    # A column without any value may come without a type.
    return rows.with_columns(pl.col(pl.Null).cast(pl.String))


def do(task: Task) -> int:
    """Does a task; the number of the process that did it."""
    import core_rs

    run = task.run
    if task.name == "read":
        first, last = (run.count * at // run.parts for at in (task.part, task.part + 1))
        linker = core_rs.PeopleLinker(threads=1, ward_successors=run.successors)
        linker.add(read(run.source, first, last - first))
        linker.save_part(run.directory, task.part)
    else:
        core_rs.link_task(run.directory, task.name, task.part, run.parts)
    return os.getpid()


class Workers:
    """Processes that do tasks; those that die are replaced."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.deaths = 0
        self._pool = self._new()

    def _new(self) -> ProcessPoolExecutor:
        # Not forked: the parent has threads.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.count, mp_context=context)

    def each(self, tasks: list[Task]) -> Iterator[int]:
        """Does all tasks; yields the process of each as it is done. Raises `WorkersDied`."""
        while left := [task for task in tasks if not task.done]:
            try:
                futures = [self._pool.submit(do, task) for task in left]
                for future in as_completed(futures):
                    yield future.result()
            except BrokenProcessPool as died:
                self.deaths += 1
                if self.deaths > MOST_DEATHS:
                    raise WorkersDied(f"{self.deaths} workers died") from died
                self._pool.shutdown(cancel_futures=True)
                self._pool = self._new()

    def close(self) -> None:
        """Ends the processes."""
        self._pool.shutdown(cancel_futures=True)
