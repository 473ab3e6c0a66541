"""`tram loadtest`: makes the devices and tube codes that the load suites send with."""

import json
from pathlib import Path

import click

from portal import settings


@click.command(name="loadtest")
@click.argument("session_code")
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--devices", "device_count", default=20, show_default=True, help="How many devices.")
@click.option(
    "--login", "logins", multiple=True, metavar="ROLE=NAME:PASSWORD",
    help="A login for the personas coordinator and laboratory.",
)  # fmt: skip
def command(session_code: str, target: Path, device_count: int, logins: tuple[str, ...]) -> None:
    """Enrol devices for an open collection session; write what `loadtests/` needs to TARGET.

    The file holds device tokens: delete it afterwards. Refused in production.
    """
    from portal.cli._database import open_database
    from portal.ingest.load_devices import enrol_for_load

    config = settings.load()
    if config.is_production:
        raise click.ClickException("Load tests do not run on a production installation.")
    open_database(config)
    devices = enrol_for_load(config, session_code=session_code, count=device_count)
    found = {}
    for login in logins:
        role, _, rest = login.partition("=")
        username, _, password = rest.partition(":")
        found[role] = {"username": username, "password": password}
    target.touch(mode=0o600)
    target.write_text(json.dumps({"devices": devices, "logins": found}), encoding="utf-8")
    click.echo(f"{device_count} devices of session {session_code} are ready in {target}.")
