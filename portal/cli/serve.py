"""`tram serve`: everything a province needs, in one command."""

import signal
import sys
import threading
from pathlib import Path

import click

from portal import settings
from portal.cli._supervisor import AlreadyRunning, Part, Supervisor

_DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
PART_NAMES = ("door", "look-up", "portal", "applier", "worker", "sealer")


def make_parts(names: tuple[str, ...] = PART_NAMES) -> list[Part]:
    """The processes of these names."""
    gunicorn = [sys.executable, "-m", "gunicorn", "--config"]
    tram = [sys.executable, "-m", "portal.cli"]
    commands = {
        "door": [*gunicorn, str(_DEPLOY / "gunicorn_door.py")],
        "look-up": [*gunicorn, str(_DEPLOY / "gunicorn_look_up.py")],
        "portal": [*gunicorn, str(_DEPLOY / "gunicorn_portal.py")],
        "applier": [*tram, "applier"],
        "worker": [*tram, "worker"],
        "sealer": [*tram, "audit", "seal"],
    }
    return [Part(name, commands[name]) for name in names]


@click.command(name="serve")
@click.option(
    "--only",
    "only",
    multiple=True,
    type=click.Choice(PART_NAMES),
    help="Run only these parts (repeatable): several machines may share one PostgreSQL.",
)
def command(only: tuple[str, ...]) -> None:
    """Run portal, ingest door, look-up door, applier, worker and sealer; restart what dies."""
    from portal import migrations
    from portal.web import logs

    config = settings.load()
    logs.configure()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    config.var_dir.mkdir(parents=True, exist_ok=True)
    # Once, before any worker: no process changes the schema while others start.
    migrations.upgrade(config.database_url)
    try:
        with Supervisor(make_parts(only or PART_NAMES), config.var_dir) as supervisor:
            click.echo(f"portal: {config.public_url} (port {config.portal_port})")
            click.echo(f"ingest door: port {config.ingest_port}")
            click.echo(f"look-up door: port {config.look_up_port}")
            supervisor.run(stop.is_set)
    except AlreadyRunning:
        raise click.ClickException(
            f"Another `tram serve` is running on {config.var_dir}."
        ) from None
