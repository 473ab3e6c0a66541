"""The journal as a PostgreSQL table, for several doors at once.

Positions come from a sequence, and a sequence alone does not order commits: a reader could pass
a position whose writer has not committed yet, and lose it. So each append shares a lock from before
its numbers to its commit, and a reader that wants more than it knows to be complete takes that lock
alone for a moment: whatever was numbered until then is committed, or never will be. Doors do not
wait for each other's disk: the server syncs what they commit together.
"""

from collections.abc import Sequence
from typing import Any

import psycopg

from portal.ingest.journal import Arrival, Entry, JournalDown

_LOCK = 0x7472616D  # "tram": of every door and reader of this database
_TABLE = """
CREATE TABLE IF NOT EXISTS ingest_journal (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id integer NOT NULL,
    seq bigint NOT NULL,
    received_at bigint NOT NULL,
    body bytea NOT NULL
)
"""
# The column default, and with it the position, is computed above the join with the lock.
_APPEND = """
WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(%b)),
kept AS (
    INSERT INTO ingest_journal (device_id, seq, received_at, body)
    SELECT a.device_id, a.seq, a.received_at, a.body FROM turn,
        unnest(%b::int[], %b::bigint[], %b::bigint[], %b::bytea[])
        AS a (device_id, seq, received_at, body)
    RETURNING position
)
SELECT array_agg(position) FROM kept
"""
# Waits for the appends under way; later ones get higher numbers.
_COMPLETE = """
WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(%s))
SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM turn, ingest_journal_position_seq
"""
_HAS_MORE = "SELECT EXISTS (SELECT FROM ingest_journal WHERE position > %s)"
# As many as their sizes allow, and the first whatever its size.
_READ = """
SELECT device_id, seq, received_at, body, position FROM (
    SELECT *, sum(octet_length(body)) OVER (ORDER BY position) - octet_length(body) AS before
    FROM (
        SELECT * FROM ingest_journal WHERE position > %s AND position <= %s
        ORDER BY position LIMIT %s
    ) AS next
) AS sized
WHERE before = 0 OR before + octet_length(body) <= %s ORDER BY position
"""
# A journal whose entries were all pruned still goes on behind them.
_LAST = """
SELECT coalesce((SELECT max(position) FROM ingest_journal),
    (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM ingest_journal_position_seq))
"""
_PRUNE = """
DELETE FROM ingest_journal
WHERE position IN (SELECT position FROM ingest_journal ORDER BY position LIMIT %s)
AND position < %s AND received_at < %s
"""


class PostgresqlJournal:
    """One connection, opened again after a failure."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._connection: psycopg.Connection | None = None
        self._complete_to = 0  # no position up to this one appears later
        with self._connect().transaction() as _:
            self._connect().execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            self._connect().execute(_TABLE)

    def _connect(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._address, autocommit=True, prepare_threshold=1)
            # Durable whatever the server's default is.
            self._connection.execute("SET synchronous_commit = on")
        return self._connection

    def append(self, arrivals: Sequence[Arrival]) -> Sequence[int]:
        """See `Journal.append`."""
        if not arrivals:
            return ()
        columns = (
            _LOCK,
            [a.device_id for a in arrivals],
            [a.seq for a in arrivals],
            [a.received_at for a in arrivals],
            [a.body for a in arrivals],
        )
        try:
            row = self._connect().execute(_APPEND, columns).fetchone()
        except psycopg.Error as error:
            self._drop()
            raise JournalDown(type(error).__name__) from error
        return sorted(row[0]) if row else ()

    def _drop(self) -> None:
        """Forgets a connection that failed; the next call opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._complete_to = 0  # the next server may be one restored from a backup

    def read(self, after: int, *, max_entries: int, max_bytes: int) -> list[Entry]:
        """See `Journal.read`."""
        try:
            found = self._read_complete(after, max_entries, max_bytes)
            if not found and self._tell(_HAS_MORE, after):
                self._complete_to = int(self._tell(_COMPLETE, _LOCK))
                found = self._read_complete(after, max_entries, max_bytes)
        except psycopg.Error as error:
            self._drop()
            raise JournalDown(type(error).__name__) from error
        return found

    def _read_complete(self, after: int, max_entries: int, max_bytes: int) -> list[Entry]:
        if after >= self._complete_to:
            return []
        values = (after, self._complete_to, max_entries, max_bytes)
        return [Entry(*row) for row in self._connect().execute(_READ, values, binary=True)]

    def _tell(self, question: str, value: int) -> Any:
        row = self._connect().execute(question, (value,)).fetchone()
        return row[0] if row else None

    def last_position(self) -> int:
        """See `Journal.last_position`."""
        row = self._connect().execute(_LAST).fetchone()
        return int(row[0]) if row else 0

    def prune(self, before: int, received_before: int, *, most: int) -> int:
        """See `Journal.prune`."""
        try:
            return self._connect().execute(_PRUNE, (most, before, received_before)).rowcount
        except psycopg.Error as error:
            self._drop()
            raise JournalDown(type(error).__name__) from error

    def close(self) -> None:
        """See `Journal.close`."""
        self._drop()
