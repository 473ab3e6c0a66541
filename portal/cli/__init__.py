"""`tram`: what administrators script. Each group of commands is a module of this package."""

import importlib
import pkgutil
from pathlib import Path

import click


class _Lazy(click.Group):
    """Finds commands in the modules of this package; imports only the one that is asked for.

    A module `x.py` provides the command or group `x` (`_` reads as `-`), named `command` there.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        found = pkgutil.iter_modules([str(Path(__file__).parent)])
        return sorted(m.name.replace("_", "-") for m in found if not m.name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"portal.cli.{cmd_name.replace('-', '_')}")
        return module.command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Trạm: mass community testing for a province.

    \b
    A first look       tram run                         a demonstration round, then the portal
    A real start       tram db upgrade                  the schema
                       tram accounts create-admin       the first login
                       tram accounts import LIST.xlsx   everybody else
                       tram serve                       door, portal, applier, worker
    Every day          tram backup FILE --to-key KEY    all of it in one file, while it runs
                       tram backup-key KEYFILE          once before: makes that KEY
    After a loss       tram restore FILE --key KEYFILE, then tram serve
    A load to try      tram replay --people N           into a running, empty installation

    Settings come from TRAM_… variables; docs/operations.md lists them all.
    `tram COMMAND --help` explains a command and its options.
    """  # noqa: D301 - click wants the character itself
