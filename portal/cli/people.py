"""`tram people`: linking the records of a file, with the engine that the portal uses."""

from pathlib import Path

import click

ROWS = 500_000


@click.group(name="people")
def command() -> None:
    """People and their duplicates."""


@command.command(name="link")
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--wards", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="CSV of old and new ward codes (columns old, new).")  # fmt: skip
def link(source: Path, target: Path, wards: Path | None) -> None:
    r"""Find which records of SOURCE are one person; write TARGET. Both are Parquet files.

    \b
    SOURCE has record_id and any of full_name, dob, sex, cccd, cmnd, health_insurance, phone,
    address, ward_code, device_id, batch_id, sample_code, registered_at (text as typed).
    TARGET has record_id, entity_id, score, review.
    """
    import polars as pl
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    import core_rs

    successors = None
    if wards is not None:
        table = pl.read_csv(wards, infer_schema=False)
        missing = {"old", "new"} - set(table.columns)
        if missing:
            raise click.ClickException(f"{wards} lacks the column {' and '.join(sorted(missing))}.")
        successors = dict(table.select("old", "new").drop_nulls().iter_rows())
    columns = ("{task.description}", BarColumn(), TimeElapsedColumn())
    with Progress(*(TextColumn(c) if isinstance(c, str) else c for c in columns)) as progress:
        scan = pl.scan_parquet(source)
        count = scan.select(pl.len()).collect().item()
        reading = progress.add_task("Reading", total=count)
        linking = progress.add_task("Linking", total=1, start=False)
        linker = core_rs.PeopleLinker(ward_successors=successors)
        try:
            for first in range(0, max(count, 1), ROWS):
                part = scan.slice(first, ROWS).collect()
                # A column without any value may come without a type.
                linker.add(part.with_columns(pl.col(pl.Null).cast(pl.String)))
                progress.update(reading, completed=min(first + ROWS, count))
            progress.start_task(linking)
            result = linker.link()
        except core_rs.CoreError as error:
            raise click.ClickException(str(error)) from error
        linked = pl.DataFrame(result.table())
        linked.write_parquet(target)
        progress.update(linking, completed=1)
    people = linked["entity_id"].n_unique()
    click.echo(f"{count:,} records, {people:,} people, {linked['review'].sum():,} to review.")
    for rule, pairs in result.lost_candidates.items():
        click.echo(f"Not compared, block too large: {pairs:,} pairs of rule {rule}.")
