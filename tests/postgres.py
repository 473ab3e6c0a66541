"""A real PostgreSQL of the tests' own: made in a temporary folder, started, and removed."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
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


@contextmanager
def cluster(*, durable: bool = False, options: tuple[str, ...] = ()) -> Iterator[str]:
    """Starts a cluster and yields its address without a database name.

    Args:
        durable: fsync on, as in production; off makes ordinary tests faster.
        options: further `name=value` server settings.
    """
    folder = Path(tempfile.mkdtemp(prefix="tram-pg-"))
    data = folder / "data"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
    run = _as_postgres()
    bin_dir = _binaries()
    settings = ["listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", f"port={port}"]
    settings += ["max_connections=120", *options]
    if not durable:
        settings += ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
    arguments = " ".join(f"-c {setting}" for setting in settings)
    try:
        subprocess.run(
            [
                *run,
                bin_dir / "initdb",
                "-D",
                data,
                "-U",
                "tram",
                "-A",
                "trust",
                "--no-sync",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
            ],
            check=True,
            capture_output=True,
            cwd=folder,
        )
        subprocess.run(
            [
                *run,
                bin_dir / "pg_ctl",
                "-D",
                data,
                "-w",
                "-l",
                folder / "log",
                "-o",
                arguments,
                "start",
            ],
            check=True,
            capture_output=True,
            cwd=folder,
        )
        yield f"postgresql+psycopg://tram@127.0.0.1:{port}"
    finally:
        subprocess.run(
            [*run, bin_dir / "pg_ctl", "-D", data, "-m", "immediate", "stop"],
            check=False,
            capture_output=True,
            cwd=folder,
        )
        shutil.rmtree(folder, ignore_errors=True)
