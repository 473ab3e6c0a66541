"""Keeps the parts of Trạm running: starts them, restarts what dies, stops them all together."""

import ctypes
import fcntl
import json
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

log = logging.getLogger("tram.serve")

_LONGEST_PAUSE = 5.0
_STABLE_SECONDS = 30.0
_STOP_SECONDS = 25.0
_PR_SET_PDEATHSIG = 1


class AlreadyRunning(Exception):
    """Another supervisor runs on the same directory."""


@dataclass
class Part:
    """One process to keep: its name, how it is started, and how it fared."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    next_start_at: float = 0.0
    pause: float = 0.0
    restart_count: int = field(default=-1)

    @property
    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Runs parts until told to stop. One a directory, by a lock that ends with the process."""

    def __init__(self, parts: list[Part], var_dir: Path) -> None:
        self.parts = parts
        self._var_dir = var_dir
        self._lock: IO[str] | None = None
        self._is_stopping = False

    def __enter__(self) -> Self:
        self._var_dir.mkdir(parents=True, exist_ok=True)
        self._lock = (self._var_dir / "serve.lock").open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning from error
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._lock is not None:
            self._lock.close()

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Keeps every part alive until told to stop."""
        while not should_stop():
            self.step()
            time.sleep(0.1)

    def step(self) -> None:
        """Starts what is not running and whose pause is over."""
        now = time.monotonic()
        has_changed = False
        for part in self.parts:
            if part.is_alive:
                continue
            if part.process is not None:
                self._note_death(part, now)
            elif now >= part.next_start_at:
                self._start(part, now)
                has_changed = True
        if has_changed:
            self._write_pids()

    def _note_death(self, part: Part, now: float) -> None:
        status = part.process.returncode if part.process else None
        lived = now - part.started_at
        # The first restart is at once; what keeps dying is given more and more time.
        part.pause = 0.0 if lived > _STABLE_SECONDS else min(part.pause * 2 + 0.2, _LONGEST_PAUSE)
        part.next_start_at = now + part.pause
        part.process = None
        log.error("%s ended with status %s after %.0f s; it is started again", part.name, status,
                  lived)  # fmt: skip

    def _start(self, part: Part, now: float) -> None:
        part.process = subprocess.Popen(part.command, preexec_fn=die_with(os.getpid()))  # noqa: S603, PLW1509
        part.started_at = now
        part.restart_count += 1

    def _write_pids(self) -> None:
        pids = {part.name: part.process.pid for part in self.parts if part.process}
        path = self._var_dir / "serve.json"
        whole = path.with_suffix(".new")
        whole.write_text(json.dumps({"serve": os.getpid(), **pids}), encoding="ascii")
        whole.replace(path)

    def stop(self) -> None:
        """Asks every part to end what it is doing, and ends what does not."""
        for part in self.parts:
            if part.process is not None and part.is_alive:
                part.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        for part in self.parts:
            if part.process is None:
                continue
            try:
                part.process.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                log.error("%s did not stop in time and was killed", part.name)  # noqa: TRY400
                part.process.kill()
                part.process.wait()


def die_with(parent: int) -> Callable[[], None]:
    """What a child does before it begins: asks for a SIGTERM should the supervisor be killed.

    Without it a killed supervisor would leave its parts behind, holding the ports.
    """
    libc = ctypes.CDLL(None, use_errno=True)

    def before_exec() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return before_exec
