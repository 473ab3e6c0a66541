"""`tram backup-key`: the pair of keys that encrypted backups need."""

from pathlib import Path

import click


@click.command(name="backup-key")
@click.argument("target", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
def command(target: Path) -> None:
    """Make a private key in FILE and print its public key.

    Give the public key to `tram backup --to-key`; it can only close backups, not open them. Keep
    FILE away from this machine, twice: without it no encrypted backup can be restored.
    """
    from portal.cli import _sealing, _stores

    try:
        public = _sealing.new_key(target)
    except (_stores.StoreFault, OSError) as fault:
        raise click.ClickException(str(fault)) from fault
    click.echo(public)
    click.echo(f"{target}: the private key. Keep it away from this machine.", err=True)
