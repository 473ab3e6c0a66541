"""The journal: what devices sent, kept durably in the order it arrived, until it is applied.

One small interface, so that a journal can be a file here, a table there, and a distributed log
when a country uses it. An append returns only when its entries survive a loss of power.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from portal.settings import Settings


@dataclass(frozen=True, slots=True)
class Arrival:
    """A batch as the door took it: not yet in the journal.

    Attributes:
        device_id: key of the device whose token opened the door.
        seq: the device's own number of this batch.
        received_at: microseconds since 1970 by the door's clock; only for people to read.
        body: the request body as it was.
    """

    device_id: int
    seq: int
    received_at: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Entry(Arrival):
    """An arrival with its place in the journal. Positions only rise."""

    position: int


class Journal(Protocol):
    """What the door and the applier need of a journal. One object belongs to one thread."""

    def append(self, arrivals: Sequence[Arrival]) -> Sequence[int]:
        """Appends all, durably, in one commit; the positions they got, rising.

        Raises:
            JournalDown: nothing of this call is acknowledged. A journal on other machines may
                still have kept it; the batch comes again, which changes nothing twice.
        """
        ...

    def read(self, after: int, *, max_entries: int, max_bytes: int) -> list[Entry]:
        """Entries with a position above `after`, in order; at least one if there is one.

        No entry with a lower position appears later: whatever was read can be marked as done.
        """
        ...

    def last_position(self) -> int:
        """The highest position so far; 0 for an empty journal."""
        ...

    def prune(self, before: int, received_before: int, *, most: int) -> int:
        """Deletes entries below a position that arrived before an instant, the oldest first.

        Returns:
            How many; `most` at the most, or one group of a journal that keeps whole groups.
        """
        ...

    def close(self) -> None:
        """Gives the connection back."""
        ...


class JournalDown(Exception):
    """The journal can not keep anything now; the text says why, without any content."""


def open_journal(settings: Settings) -> Journal:
    """The journal of these settings, with its table or stream made if it is new."""
    url = settings.journal_url
    if settings.has_log_cluster:
        from portal.ingest.journal_nats import NatsJournal

        return NatsJournal(url)
    if url.startswith("sqlite"):
        from portal.ingest.journal_sqlite import SqliteJournal

        return SqliteJournal(url.removeprefix("sqlite:///"))
    from portal.ingest.journal_postgresql import PostgresqlJournal

    return PostgresqlJournal(url.replace("postgresql+psycopg://", "postgresql://", 1))


# Accesses through which one process may append at once: PostgreSQL syncs once for several commits.
_SIDE_BY_SIDE = 3


def open_journals(settings: Settings) -> list[Journal]:
    """As many accesses to the journal as are worth their connection, for one door."""
    is_shared = not settings.has_log_cluster and not settings.journal_url.startswith("sqlite")
    return [open_journal(settings) for _ in range(_SIDE_BY_SIDE if is_shared else 1)]
