"""The journal as a PostgreSQL table, for several doors at once.

Positions come from a sequence, and a sequence alone does not order commits: a reader could pass
a position whose writer has not committed yet, and lose it. So each append takes one lock before
its numbers and holds it to its commit. Group commit makes that one short wait for many batches.
"""

from collections.abc import Sequence

import psycopg

from portal.ingest.journal import Arrival, Entry, JournalDown

_LOCK = 0x7472616D  # "tram": shared by every door of this database
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
WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(%b)),
kept AS (
    INSERT INTO ingest_journal (device_id, seq, received_at, body)
    SELECT a.device_id, a.seq, a.received_at, a.body FROM turn,
        unnest(%b::int[], %b::bigint[], %b::bigint[], %b::bytea[])
        AS a (device_id, seq, received_at, body)
    RETURNING position
)
SELECT max(position) FROM kept
"""
# As many as their sizes allow, and the first whatever its size.
_READ = """
SELECT device_id, seq, received_at, body, position FROM (
    SELECT *, sum(octet_length(body)) OVER (ORDER BY position) - octet_length(body) AS before
    FROM (
        SELECT * FROM ingest_journal WHERE position > %s ORDER BY position LIMIT %s
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
        with self._connect().transaction() as _:
            self._connect().execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            self._connect().execute(_TABLE)

    def _connect(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._address, autocommit=True, prepare_threshold=1)
            # Durable whatever the server's default is.
            self._connection.execute("SET synchronous_commit = on")
        return self._connection

    def append(self, arrivals: Sequence[Arrival]) -> range:
        """See `Journal.append`."""
        if not arrivals:
            return range(0)
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
        last = int(row[0]) if row else 0
        return range(last - len(arrivals) + 1, last + 1)

    def _drop(self) -> None:
        """Forgets a connection that failed; the next call opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def read(self, after: int, *, max_entries: int, max_bytes: int) -> list[Entry]:
        """See `Journal.read`."""
        try:
            rows = self._connect().execute(_READ, (after, max_entries, max_bytes), binary=True)
            return [Entry(*row) for row in rows]
        except psycopg.Error as error:
            self._drop()
            raise JournalDown(type(error).__name__) from error

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
