"""`tram restore`: a backup put back, and compared with what was copied."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from portal import settings


@click.command(name="restore")
@click.argument(
    "source", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--key",
    "key_file",
    metavar="KEYFILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The private key of an encrypted backup.",
)
@click.option("--force", is_flag=True, help="Replace what is in the databases now.")
def command(source: Path, *, key_file: Path | None, force: bool) -> None:
    """Put the backup FILE back: databases, journal and keys. Stop `tram serve` first.

    Refuses to touch databases that hold rows unless --force is given; a replaced SQLite file is
    kept beside the new one as `….replaced`. Ends with every table compared with the backup.
    """
    from portal.cli import _archive, _sealing, _stores

    config = settings.load()
    if not _sealing.is_sealed(source):
        click.echo("Warning: this backup is not encrypted; whoever has it can read it.", err=True)
    with _stopped(config.var_dir):
        try:
            manifest = _archive.restore(config, source, is_forced=force, key_file=key_file)
        except (_stores.StoreFault, OSError) as fault:
            raise click.ClickException(str(fault)) from fault
    for name, facts in manifest["databases"].items():
        rows = sum(count for count, _digest in facts["tables"].values())
        click.echo(f"{name}: {len(facts['tables'])} tables, {rows:,} rows, all as in the backup")
    click.echo(f"Restored the backup of {manifest['made_at']}. Now: tram db upgrade, tram serve.")


@contextmanager
def _stopped(var_dir: Path) -> Iterator[None]:
    """Holds the lock of `tram serve` in this directory, so that neither runs beside the other."""
    var_dir.mkdir(parents=True, exist_ok=True)
    with (var_dir / "serve.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise click.ClickException("Trạm runs on this directory: stop it first.") from error
        yield
