"""`tram backup`: everything in one file, while Trạm runs."""

from pathlib import Path

import click

from portal import settings


@click.command(name="backup")
@click.argument("target", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
def command(target: Path, *, force: bool) -> None:
    """Copy databases, journal and keys into FILE, while everything goes on running.

    FILE holds personal data and the keys: it is readable by its owner alone and not encrypted.
    Keep it on an encrypted disk, and away from the machine. Every table's number of rows and
    digest stand in it, and `tram restore` compares them.
    """
    from portal.cli import _archive, _stores

    if target.exists() and not force:
        raise click.ClickException(f"{target} exists; --force replaces it.")
    try:
        manifest = _archive.write(settings.load(), target)
    except (_stores.StoreFault, OSError) as fault:
        raise click.ClickException(str(fault)) from fault
    for name, facts in manifest["databases"].items():
        rows = sum(count for count, _digest in facts["tables"].values())
        click.echo(f"{name}: {len(facts['tables'])} tables, {rows:,} rows ({facts['kind']})")
    click.echo(f"{target}: {target.stat().st_size / 1e6:,.1f} MB")
