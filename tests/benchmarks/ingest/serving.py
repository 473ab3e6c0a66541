"""A server under measurement, and the load generator that measures it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from portal.cli._supervisor import die_with

ROOT = Path(__file__).resolve().parents[3]
_SCRIPT = Path(__file__).parent / "load.lua"
_TICKS = os.sysconf("SC_CLK_TCK")
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


class Server:
    """A gunicorn on a port of its own; killed with all its workers at the end."""

    def __init__(
        self, *arguments: str, port: int, log: IO[bytes] | None = None, **environ: str
    ) -> None:
        self.port = port
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--log-level", "warning", *arguments],
            cwd=ROOT,
            env={**os.environ, **environ},
            process_group=0,
            stderr=log,
            preexec_fn=die_with(os.getpid()),  # noqa: PLW1509
        )

    def __enter__(self) -> Self:
        for _ in range(300):
            if self.process.poll() is not None:
                raise RuntimeError("the server ended at its start")
            try:
                # Gunicorn listens before its workers are up: only an answer says they are.
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=60)
            except urllib.error.HTTPError:
                time.sleep(1.0)  # all workers, not only the first
                return self
            except OSError:
                time.sleep(0.1)
            else:
                return self
        self.__exit__()
        raise RuntimeError("the server did not start")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(20)

    def cpu_seconds(self) -> float:
        """User and system time that the server and its workers have used."""
        total = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text(encoding="ascii", errors="replace").rpartition(")")[2]
            except OSError:
                continue
            parts = fields.split()
            if int(parts[2]) == self.process.pid:  # its process group
                total += int(parts[11]) + int(parts[12])
        return total / _TICKS


def cpu_seconds(pid: int) -> float:
    """User and system time that one process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_mib(pid: int) -> float:
    """Resident memory of one process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@dataclass(frozen=True)
class Measured:
    """What the load generator saw. `cpu` is the seconds the server itself used."""

    good: int
    bad: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu: float

    @property
    def rate(self) -> float:
        """Acknowledged requests a second."""
        return self.good / self.seconds


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def measure(
    server: Server, file: Path, *, seconds: float, connections: int, pause_ms: int | None = None
) -> Measured:
    """Sends the file's requests over kept-alive connections for a while, by one thread of wrk.

    With `pause_ms` each connection waits so long between two requests.
    """
    pause = {} if pause_ms is None else {"LOAD_PAUSE_MS": str(pause_ms)}
    before = server.cpu_seconds()
    out = subprocess.run(
        ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds:.0f}s", "--latency",
         "--timeout", "10s", "-s", str(_SCRIPT), f"http://127.0.0.1:{server.port}/"],
        capture_output=True, text=True, check=True, timeout=seconds + 60,
        env={**os.environ, **pause, "LOAD_FILE": str(file)},
    ).stdout  # fmt: skip
    done = re.search(r"(\d+) requests in ([\d.]+)s", out)
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    if not done:
        raise RuntimeError(out)
    bad = int(wrong.group(1)) if wrong else 0
    return Measured(
        good=int(done.group(1)) - bad,
        bad=bad,
        seconds=float(done.group(2)),
        p50_ms=_milliseconds(out, "50"),
        p99_ms=_milliseconds(out, "99"),
        cpu=server.cpu_seconds() - before,
    )


def measure_steady(
    server: Server, file: Path, *, rate: float, seconds: float, connections: int
) -> Measured:
    """Sends the file's requests at a rate that does not wait for answers; see `steady`."""
    before = server.cpu_seconds()
    numbers = (rate, seconds, connections)
    out = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.ingest.steady", str(server.port), str(file),
         *map(str, numbers)],
        capture_output=True, text=True, check=True, timeout=seconds + 60, cwd=ROOT,
    ).stdout  # fmt: skip
    return Measured(**json.loads(out), cpu=server.cpu_seconds() - before)


def _milliseconds(out: str, percent: str) -> float:
    found = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s|m)", out)
    return float(found.group(1)) * _UNITS[found.group(2)] if found else 0.0
