"""`tram run`: everything at once on one machine, with a demonstration round in it."""

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import click
from rich.console import Console
from rich.table import Table

from portal import settings
from portal.cli._supervisor import die_with
from portal.cli.replay import replay
from portal.replay import state as states
from portal.replay.plan import PUBLISHED_PEOPLE, SMALLEST_ROUND

START_SECONDS = 180


@click.command(name="run")
@click.option(
    "--people",
    type=click.IntRange(min=SMALLEST_ROUND),
    default=PUBLISHED_PEOPLE,
    show_default=True,
    help="Size of the demonstration round on an empty database.",
)
@click.option("--stop-after-replay", is_flag=True, help="End once the round is in (for checks).")
def command(people: int, *, stop_after_replay: bool) -> None:
    """Start Trạm; on an empty database replay a round first. Ctrl+C stops everything."""
    config = settings.load()
    console = Console()
    if config.is_production:
        message = "`tram run` fills the database with a demonstration: not in production."
        raise click.ClickException(message)
    parts = _Parts()
    try:
        _wait_until_up(config, parts)
        state = states.load(config.var_dir)
        is_complete = state is not None and state.is_complete
        if not is_complete and not replay(config, people, console):
            raise click.ClickException("The replay did not reach its figures; see above.")
        state = states.load(config.var_dir)
        if state is not None:
            console.print(_logins(state))
        console.print(f"Cổng / portal: [bold]http://127.0.0.1:{config.portal_port}[/bold]")
        if not stop_after_replay:
            parts.wait()
    except KeyboardInterrupt:
        console.print("…")
    finally:
        parts.stop()


class _Parts:
    """`tram serve` below us. Once everything was up, it is started again should it be killed."""

    def __init__(self) -> None:
        self._is_stopping = threading.Event()
        self._was_up = False
        self._process = self._start()
        # This thread lives as long as we do, so what it starts lives as long as we do.
        self._watcher = threading.Thread(target=self._watch, name="serve", daemon=True)
        self._watcher.start()

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "portal.cli", "serve"],
            preexec_fn=die_with(os.getpid()),  # noqa: PLW1509
        )

    def _watch(self) -> None:
        while not self._is_stopping.wait(0.5):
            # A negative status is a signal; an end of its own accord has a reason it has told.
            status = self._process.poll()
            if self._was_up and status is not None and status < 0:
                self._process = self._start()

    @property
    def has_ended(self) -> bool:
        """Whether `tram serve` ended."""
        return self._process.poll() is not None

    def are_up(self) -> None:
        """From now on they are started again."""
        self._was_up = True

    def wait(self) -> None:
        """Until `tram serve` ends of its own accord."""
        while not self.has_ended or (self._process.returncode or 0) < 0:
            time.sleep(0.5)

    def stop(self) -> None:
        """Asks it to end, and waits."""
        self._is_stopping.set()
        self._watcher.join()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()


def _wait_until_up(config: settings.Settings, parts: _Parts) -> None:
    """Until portal and door answer; an early death of the supervisor is told at once."""
    give_up_at = time.monotonic() + START_SECONDS
    for port in (config.portal_port, config.ingest_port):
        while True:
            if parts.has_ended:
                raise click.ClickException("Trạm did not start; see the lines above.")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                    break
            except urllib.error.HTTPError:
                break  # it answers, which is what was asked
            except OSError:
                if time.monotonic() > give_up_at:
                    raise click.ClickException(f"Nothing answers on port {port}.") from None
                time.sleep(0.1)
    parts.are_up()


def _logins(state: states.ReplayState) -> Table:
    table = Table(title=f"Mật khẩu / password: {state.password}")
    table.add_column("Vai trò / role")
    table.add_column("Tên đăng nhập / login")
    for role, username in state.demo.items():
        table.add_row(role, username)
    return table
