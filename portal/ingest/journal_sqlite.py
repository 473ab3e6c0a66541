"""The journal as an SQLite file of its own: write-ahead log, every commit synced to the disk."""

import logging
import sqlite3
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from portal.ingest.journal import Arrival, Entry, JournalDown

log = logging.getLogger("tram.journal")

# So much is appended before the log is written back into the file, and begins anew.
WRITTEN_BACK_BYTES = 16 << 20
_TABLE = """
CREATE TABLE IF NOT EXISTS journal (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    device_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    body BLOB NOT NULL
)
"""
_APPEND = "INSERT INTO journal (device_id, seq, received_at, body) VALUES (?, ?, ?, ?)"
_READ = """
SELECT device_id, seq, received_at, body, position FROM journal
WHERE position > ? ORDER BY position LIMIT ?
"""
_PRUNE = """
DELETE FROM journal WHERE position IN (SELECT position FROM journal ORDER BY position LIMIT ?)
AND position < ? AND received_at < ?
"""


class _WriteBack:
    """Writes the log of an appender back into the file beside it, not in the midst of a commit.

    SQLite's own way is to do that within the commit that finds the log long: whoever waits for it
    waits for sixteen megabytes to be on the disk. Here another connection writes back what was
    there when it began; only what came meanwhile is left to the appender, which has nothing open
    then, so that its next commit finds the whole log spent and begins it anew.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, "write-back")
        self._begun: Future[None] | None = None
        self._bytes = 0

    def after_append(self, size: int, connection: sqlite3.Connection) -> None:
        """Called after each commit with what it has added."""
        self._bytes += size
        if self._begun is not None:
            if self._begun.done():
                self._begun = None
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        elif self._bytes > WRITTEN_BACK_BYTES:
            self._bytes = 0
            self._begun = self._thread.submit(self._write_back)

    def _write_back(self) -> None:
        try:
            connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
            try:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            finally:
                connection.close()
        except sqlite3.Error as error:  # a full disk, say: the appender meets it as well
            log.warning("the journal could not be written back: %s", type(error).__name__)

    def close(self) -> None:
        self._thread.shutdown(wait=True)


class SqliteJournal:
    """One writer (a door of one worker), any number of readers."""

    def __init__(self, path: str) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        # Opened in one thread and used in another, never in two at once.
        self._connection = sqlite3.connect(
            path, timeout=30, isolation_level=None, check_same_thread=False
        )
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "wal_autocheckpoint=4000",
            # A spent log is cut back, so that a surge does not keep the disk.
            f"journal_size_limit={64 << 20}",
        ):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute(_TABLE)
        self._path = path
        self._write_back: _WriteBack | None = None  # for who appends

    def append(self, arrivals: Sequence[Arrival]) -> range:
        """See `Journal.append`."""
        if not arrivals:
            return range(0)
        rows = [(a.device_id, a.seq, a.received_at, a.body) for a in arrivals]
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(_APPEND, rows)
                last = self._connection.execute("SELECT last_insert_rowid()").fetchone()[0]
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise JournalDown(f"{type(error).__name__}: {error}") from error
        self._keep_log_short(sum(len(a.body) for a in arrivals))
        return range(last - len(rows) + 1, last + 1)

    def _keep_log_short(self, size: int) -> None:
        if self._write_back is None:
            self._connection.execute("PRAGMA wal_autocheckpoint=0")
            self._write_back = _WriteBack(self._path)
        try:
            self._write_back.after_append(size, self._connection)
        except sqlite3.Error as error:  # what was appended is kept all the same
            log.warning("the journal could not be written back: %s", type(error).__name__)

    def read(self, after: int, *, max_entries: int, max_bytes: int) -> list[Entry]:
        """See `Journal.read`."""
        found: list[Entry] = []
        size = 0
        for row in self._connection.execute(_READ, (after, max_entries)):
            entry = Entry(*row)
            size += len(entry.body)
            if found and size > max_bytes:
                break
            found.append(entry)
        return found

    def last_position(self) -> int:
        """See `Journal.last_position`."""
        row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'journal'")
        found = row.fetchone()
        return int(found[0]) if found else 0

    def prune(self, before: int, received_before: int, *, most: int) -> int:
        """See `Journal.prune`."""
        return self._connection.execute(_PRUNE, (most, before, received_before)).rowcount

    def close(self) -> None:
        """See `Journal.close`."""
        if self._write_back is not None:
            self._write_back.close()
        self._connection.close()
