"""`tram people`: linking the records of a file, with the engine that the portal uses."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import polars as pl

ROWS = 250_000
LINK_STEPS = 4
"""Steps that `PeopleLinker.link` tells of."""
Found = tuple["pl.DataFrame", dict[str, int]]


@click.group(name="people")
def command() -> None:
    """People and their duplicates."""


@command.command(name="link")
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--wards", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="CSV of old and new ward codes (columns old, new).")  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True,
              help="Processes that share the work. One uses every processor by itself; several "
              "survive the death of any of them.")  # fmt: skip
def link(source: Path, target: Path, wards: Path | None, workers: int) -> None:
    """Find which records of SOURCE are one person; write TARGET. Both are Parquet files.

    \b
    SOURCE has record_id and any of full_name, dob, sex, cccd, cmnd, health_insurance, phone,
    address, ward_code, device_id, batch_id, sample_code, registered_at (text as typed).
    TARGET has record_id, entity_id, score, review.
    """  # noqa: D301 - click wants the character itself
    import polars as pl

    import core_rs
    from portal.cli._link_tasks import WorkersDied

    successors = _successors(wards) if wards is not None else None
    scan = pl.scan_parquet(source)
    told = [name for name in core_rs.PeopleLinker.COLUMNS if name != "record_id"]
    if not set(told) & set(scan.collect_schema().names()):
        raise click.ClickException(f"{source} has none of the columns {', '.join(told)}.")
    count = scan.select(pl.len()).collect().item()
    try:
        if workers == 1:
            linked, lost = _alone(source, count, successors)
        else:
            linked, lost = _shared(source, count, successors, workers)
    except (core_rs.CoreError, WorkersDied) as error:
        raise click.ClickException(str(error)) from error
    linked.write_parquet(target)
    people = linked["entity_id"].n_unique()
    click.echo(f"{count:,} records, {people:,} people, {linked['review'].sum():,} to review.")
    for rule, pairs in lost.items():
        click.echo(f"Not compared, block too large: {pairs:,} pairs of rule {rule}.")


@command.command(name="propose")
@click.option("--no-wait", is_flag=True, help="Ask for it and do not follow the progress.")
def propose(*, no_wait: bool) -> None:
    """Compare everybody stored with everybody else; pairs go to the worklist «Trùng lặp».

    For people stored before the person index was kept, and after a change of what is proposed.
    The applier does it while nothing arrives; ended here or there, it goes on where it was.
    """
    import time

    from portal import db, settings
    from portal.actors import system
    from portal.cli._database import open_database
    from portal.people import sweeps

    open_database(settings.load())
    with db.transaction(system("people propose")) as session:
        sweep = sweeps.ask(session)
        until, done, found, ended = sweep.until_id, sweep.after_id, 0, sweep.finished_at
    if no_wait:
        click.echo("Asked for. The applier compares while nothing arrives.")
        return
    label = "Comparing (needs a running applier)"
    with click.progressbar(length=max(until, 1), label=label) as bar:
        while ended is None:
            bar.update(done - bar.pos)
            time.sleep(0.5)
            with db.session_factory() as session:
                now = sweeps.current(session)
                if now is not None:
                    done, found, ended = now.after_id, now.found_count, now.finished_at
        bar.finish()
    click.echo(f"{found:,} pairs are new in the worklist.")


def _successors(wards: Path) -> dict[str, str]:
    import polars as pl

    table = pl.read_csv(wards, infer_schema=False)
    missing = {"old", "new"} - set(table.columns)
    if missing:
        raise click.ClickException(f"{wards} lacks the column {' and '.join(sorted(missing))}.")
    return dict(table.select("old", "new").drop_nulls().iter_rows())


def _alone(source: Path, count: int, successors: dict[str, str] | None) -> Found:
    """Everything in this process, with a thread for each processor."""
    import polars as pl

    import core_rs

    linker = core_rs.PeopleLinker(ward_successors=successors)
    with click.progressbar(length=count, label="Reading") as bar:
        for part in _parts(source, count):
            linker.add(part)
            bar.update(len(part))
    with click.progressbar(length=LINK_STEPS, label="Linking") as bar:
        result = linker.link(after_step=lambda _step: bar.update(1))
    return pl.DataFrame(result.table()), result.lost_candidates


def _parts(source: Path, count: int) -> Iterator["pl.DataFrame"]:
    """All rows, part by part; the next part is read while the caller works on one."""
    from concurrent.futures import ThreadPoolExecutor

    from portal.cli._link_tasks import read

    coming = None
    with ThreadPoolExecutor(1) as ahead:
        for first in range(0, max(count, 1), ROWS):
            following = ahead.submit(read, source, first, ROWS)
            if coming is not None:
                yield coming.result()
            coming = following
        if coming is not None:
            yield coming.result()


def _shared(source: Path, count: int, successors: dict[str, str] | None, workers: int) -> Found:
    """In tasks from file to file, done by `workers` processes."""
    from tempfile import TemporaryDirectory

    import polars as pl

    import core_rs
    from portal.cli._link_tasks import PARTS_A_WORKER, Run, Workers, stages

    with TemporaryDirectory(prefix="tram-link-") as directory:
        run = Run(source.resolve(), Path(directory), count, workers * PARTS_A_WORKER, successors)
        pool = Workers(workers)
        try:
            for tasks in stages(run):
                with click.progressbar(
                    pool.each(tasks), len(tasks), tasks[0].name.capitalize()
                ) as bar:
                    for _process in bar:
                        pass
        finally:
            pool.close()
        found, lost = core_rs.link_entities(run.directory, run.parts)
    ids = _record_ids(source, count)
    table = pl.DataFrame(found)
    table = table.with_columns(record_id=ids, entity_id=ids.gather(table["entity"]))
    return table.select("record_id", "entity_id", "score", "review"), lost


def _record_ids(source: Path, count: int) -> "pl.Series":
    """Ids as `Linkage.table` gives them: 64-bit integers or text; row numbers if there are none."""
    import polars as pl

    scan = pl.scan_parquet(source)
    if "record_id" not in scan.collect_schema().names():
        return pl.int_range(count, eager=True).alias("record_id")
    ids = scan.select("record_id").collect()["record_id"]
    return ids.cast(pl.Int64) if ids.dtype.is_integer() else ids.cast(pl.String)
