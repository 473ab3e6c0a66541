"""`tram backup`: everything in one file, while Trạm runs."""

from pathlib import Path

import click

from portal import settings


@click.command(name="backup")
@click.argument("target", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--to-key",
    "keys",
    metavar="KEY",
    multiple=True,
    help="Encrypt to this public key (age1… or ssh-ed25519 …); more than one may be given.",
)
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
def command(target: Path, *, keys: tuple[str, ...], force: bool) -> None:
    """Copy databases, journal and keys into FILE, while everything goes on running.

    FILE holds personal data and the keys. With --to-key only the holder of the private key can
    open it (`tram backup-key` makes a pair; the format is that of the program age). Without, it is
    readable by its owner alone and not encrypted: keep it on an encrypted disk. Every table's
    number of rows and digest stand in it, and `tram restore` compares them.
    """
    from portal.cli import _archive, _stores

    if target.exists() and not force:
        raise click.ClickException(f"{target} exists; --force replaces it.")
    try:
        manifest = _archive.write(settings.load(), target, to_keys=keys)
    except (_stores.StoreFault, OSError) as fault:
        raise click.ClickException(str(fault)) from fault
    if not keys:
        click.echo("Warning: the backup is not encrypted; --to-key encrypts it.", err=True)
    for name, facts in manifest["databases"].items():
        rows = sum(count for count, _digest in facts["tables"].values())
        click.echo(f"{name}: {len(facts['tables'])} tables, {rows:,} rows ({facts['kind']})")
    click.echo(f"{target}: {target.stat().st_size / 1e6:,.1f} MB")
