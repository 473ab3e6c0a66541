"""`tram door`: the ingest door alone, as `tram serve` runs it."""

import os
import sys

import click

from portal.cli.serve import make_parts


@click.command(name="door")
def command() -> None:
    """Take what devices send, on the ingest port, until told to stop."""
    part = make_parts(("door",))[0]
    os.execv(sys.executable, part.command)  # noqa: S606 - our own interpreter, no shell
