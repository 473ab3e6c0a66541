"""A streaming replica of the database for pages on which a few seconds do not matter.

A thread compares how far the database has written with how far the replica has followed. The
replica is used only while it is at most `LONGEST_LAG` behind, so that a page shows at most that
old a picture, and whoever wrote something is kept off it for as long (`portal.web.replica`).
"""

import logging
import os
import threading
import time
from collections import deque
from contextvars import ContextVar

import sqlalchemy as sa
from sqlalchemy.engine import Engine

log = logging.getLogger("tram.replica")

LONGEST_LAG = 5.0
_CHECK_SECONDS = 0.5
# After a failure it must be followed for a while before it is used again.
_REST_SECONDS = 5.0

# Whether the reads of this request may go to the replica; set and cleared by `portal.web`.
is_enough: ContextVar[bool] = ContextVar("replica_is_enough", default=False)

_WRITTEN = sa.text("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")
# Also what was committed with `synchronous_commit` off and is not in the log's file yet.
_INSERTED = sa.text("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
_FOLLOWED = sa.text("SELECT pg_last_wal_replay_lsn() - '0/0'::pg_lsn WHERE pg_is_in_recovery()")


class Replica:
    """The replica's engine, and how far it is behind by this process's own observation."""

    def __init__(self, primary: Engine, engine: Engine) -> None:
        self.engine = engine
        self._primary = primary
        self._lock = threading.Lock()
        self._watcher_pid = 0
        # (when, how far the database had written), oldest first.
        self._written: deque[tuple[float, int]] = deque()
        self._fresh_until = 0.0
        self._rests_until = 0.0
        self._is_stopping = threading.Event()

    def is_fresh(self) -> bool:
        """Whether it may be read now. The first call of a process begins to watch it."""
        if self._watcher_pid != os.getpid():
            self._begin()
        return time.monotonic() < self._fresh_until

    def follows(self, seconds: float = LONGEST_LAG) -> bool:
        """Waits until it has all that was written before the call; whether it did in time."""
        give_up_at = time.monotonic() + seconds
        try:
            with self._primary.connect() as connection:
                written = int(connection.scalar(_INSERTED) or 0)
            while True:
                with self.engine.connect() as connection:
                    followed = connection.scalar(_FOLLOWED)
                if followed is None:  # no replica any more
                    return False
                if followed >= written:
                    return True
                if time.monotonic() > give_up_at:
                    return False
                time.sleep(0.05)
        except sa.exc.DBAPIError as error:
            self.fail(error)
            return False

    def fail(self, error: Exception) -> None:
        """It did not answer: nobody is sent to it for a while."""
        log.error("the replica does not answer: %s", type(error).__name__)
        with self._lock:
            self._fresh_until = 0.0
            self._rests_until = time.monotonic() + _REST_SECONDS

    def stop(self) -> None:
        """Ends the watch and gives the connections back."""
        self._is_stopping.set()
        self._fresh_until = 0.0

    def _begin(self) -> None:
        with self._lock:
            if self._watcher_pid == os.getpid():
                return
            self._watcher_pid = os.getpid()
        threading.Thread(target=self._watch, name="replica", daemon=True).start()

    def _watch(self) -> None:
        while not self._is_stopping.is_set():
            try:
                self.observe()
            except sa.exc.DBAPIError as error:
                self.fail(error)
            self._is_stopping.wait(_CHECK_SECONDS)
        self.engine.dispose()

    def observe(self) -> None:
        """Looks once at both, and decides until when the replica is fresh enough.

        Raises:
            sqlalchemy.exc.DBAPIError: one of them does not answer.
        """
        with self._primary.connect() as connection:
            now = time.monotonic()
            self._written.append((now, int(connection.scalar(_WRITTEN) or 0)))
        with self.engine.connect() as connection:
            followed = int(connection.scalar(_FOLLOWED) or 0)
        seen_at = None
        while self._written and self._written[0][1] <= followed:
            seen_at = self._written.popleft()[0]
        if seen_at is not None:
            # Everything written until then is on it.
            with self._lock:
                if now >= self._rests_until:
                    self._fresh_until = seen_at + LONGEST_LAG
        while len(self._written) > 4 * LONGEST_LAG / _CHECK_SECONDS:
            self._written.popleft()
