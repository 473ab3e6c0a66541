"""A real PostgreSQL of the tests' own: made in a temporary folder, started, and removed."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not found:
        message = "PostgreSQL is not installed; `make install` installs it"
        raise RuntimeError(message)
    return found[-1].parent


def _as_postgres() -> list[str]:
    """PostgreSQL refuses to run as root; then it runs as its own user."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


class Server:
    """One PostgreSQL of the tests: made from nothing or from another, killed and started again."""

    def __init__(self, folder: Path, options: tuple[str, ...] = ()) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        self.data = folder / "data"
        self.url = f"postgresql+psycopg://tram@127.0.0.1:{self.port}"
        self._options = (
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={folder}",
            f"port={self.port}",
            "max_connections=120",
            *options,
        )

    def run(self, program: str, *arguments: object, check: bool = True) -> None:
        """Runs one of PostgreSQL's own programs as PostgreSQL's user."""
        command = [*_as_postgres(), str(_binaries() / program), *map(str, arguments)]
        subprocess.run(command, check=check, capture_output=True, cwd=self.folder)

    def make(self) -> None:
        """A new, empty cluster of files."""
        self.run(
            "initdb", "-D", self.data, "-U", "tram", "-A", "trust", "--no-sync", "-E", "UTF8",
            "--locale=C.UTF-8",
        )  # fmt: skip

    def follow(self, primary: "Server") -> None:
        """The files of another server, whose every change it will follow."""
        self.run(
            "pg_basebackup", "-D", self.data, "-h", "127.0.0.1", "-p", primary.port, "-U", "tram",
            "-R", "-X", "stream", "-c", "fast",
        )  # fmt: skip

    def start(self) -> None:
        """Starts it on the files it has; returns once it answers."""
        settings = " ".join(f"-c {setting}" for setting in self._options)
        self.run(
            "pg_ctl", "-D", self.data, "-w", "-l", self.folder / "log", "-o", settings, "start"
        )

    def kill(self) -> None:
        """Signal 9 to all of its processes, as a machine that is there no more."""
        parent = int((self.data / "postmaster.pid").read_text(encoding="ascii").split()[0])
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii")
        for pid in (parent, *map(int, children.split())):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while Path(f"/proc/{parent}").exists():
            time.sleep(0.05)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def is_alive(self) -> bool:
        """Whether it still runs; one that ended by itself is ready to be started again."""
        path = self.data / "postmaster.pid"
        if path.exists() and Path(f"/proc/{path.read_text(encoding='ascii').split()[0]}").exists():
            return True
        path.unlink(missing_ok=True)
        return False

    def stop(self) -> None:
        """Ends it at once."""
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop", check=False)


@contextmanager
def _folder(folder: Path | None = None) -> Iterator[Path]:
    folder = folder or Path(tempfile.mkdtemp(prefix="tram-pg-"))
    folder.mkdir(exist_ok=True)
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def server(
    *, durable: bool = False, options: tuple[str, ...] = (), folder: Path | None = None
) -> Iterator[Server]:
    """Starts an empty server.

    Args:
        durable: fsync on, as in production; off makes ordinary tests faster.
        options: further `name=value` server settings.
        folder: where its files lie, if not in a temporary folder.
    """
    if not durable:
        options = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", *options)
    with _folder(folder) as place:
        made = Server(place, options)
        try:
            made.make()
            made.start()
            yield made
        finally:
            made.stop()


@contextmanager
def cluster(*, durable: bool = False, options: tuple[str, ...] = ()) -> Iterator[str]:
    """Starts a server as `server` does and yields its address without a database name."""
    with server(durable=durable, options=options) as made:
        yield made.url


@contextmanager
def replica_of(primary: Server) -> Iterator[Server]:
    """Starts a streaming replica of a running server."""
    with _folder() as folder:
        made = Server(folder)
        try:
            made.follow(primary)
            made.start()
            yield made
        finally:
            made.stop()
