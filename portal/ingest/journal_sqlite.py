"""The journal as an SQLite file of its own: write-ahead log, every commit synced to the disk."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from portal.ingest.journal import Arrival, Entry, JournalDown

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
        return range(last - len(rows) + 1, last + 1)

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
        self._connection.close()
