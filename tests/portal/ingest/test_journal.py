"""The journal keeps what it acknowledged, in order, and never shows a later gap."""

import sqlite3
import threading

import pytest

from portal.ingest.journal import Arrival, JournalDown, open_journal


def _arrivals(count: int, *, device: int = 1, size: int = 20) -> list[Arrival]:
    return [Arrival(device, seq, 1_700_000_000_000_000 + seq, b"x" * size) for seq in range(count)]


@pytest.fixture
def journal(config):
    opened = open_journal(config)
    yield opened
    opened.close()


def test_what_is_appended_is_read_in_order(journal, config) -> None:
    first = journal.append(_arrivals(3))
    second = journal.append(_arrivals(2, device=2))
    assert list(first) + list(second) == [1, 2, 3, 4, 5]
    assert list(journal.append([])) == []
    reader = open_journal(config)
    entries = reader.read(2, max_entries=10, max_bytes=1 << 20)
    assert [(e.position, e.device_id, e.seq) for e in entries] == [(3, 1, 2), (4, 2, 0), (5, 2, 1)]
    assert reader.last_position() == 5
    reader.close()


def test_a_read_stops_at_its_limits_and_gives_at_least_one(journal) -> None:
    journal.append(_arrivals(200, size=1000))
    assert len(journal.read(0, max_entries=150, max_bytes=1 << 30)) == 150
    assert len(journal.read(0, max_entries=150, max_bytes=10_500)) == 10
    assert len(journal.read(0, max_entries=150, max_bytes=1)) == 1
    assert journal.read(200, max_entries=1, max_bytes=1) == []


def test_an_old_part_is_pruned_and_positions_go_on(journal) -> None:
    journal.append(_arrivals(5))
    assert journal.prune(4, 1_700_000_000_000_001, most=10) == 1
    assert journal.prune(6, 1_800_000_000_000_000, most=3) == 3
    assert journal.prune(6, 1_800_000_000_000_000, most=3) == 1
    assert list(journal.append(_arrivals(1))) == [6]


def test_writers_at_once_leave_no_gap_behind_a_reader(config) -> None:
    """A reader that keeps the highest position it saw must not miss an entry committed later."""
    open_journal(config).close()

    def write(device: int) -> None:
        writer = open_journal(config)
        for _ in range(60):
            writer.append(_arrivals(3, device=device))
        writer.close()

    writers = [threading.Thread(target=write, args=(device,)) for device in range(4)]
    for thread in writers:
        thread.start()
    reader, seen, after = open_journal(config), [], 0
    while any(t.is_alive() for t in writers) or reader.last_position() > after:
        for entry in reader.read(after, max_entries=50, max_bytes=1 << 20):
            seen.append(entry.position)
            after = entry.position
    reader.close()
    assert len(seen) == len(set(seen)) == 4 * 60 * 3


def test_a_full_disk_keeps_nothing_of_the_call_and_says_so(tmp_path) -> None:
    from portal.ingest.journal_sqlite import SqliteJournal

    journal = SqliteJournal(str(tmp_path / "journal.sqlite"))
    journal.append(_arrivals(2))
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count={pages + 2}")
    with pytest.raises(JournalDown, match="full"):
        journal.append(_arrivals(50, size=1000))
    journal._connection.execute("PRAGMA max_page_count=100000")
    assert list(journal.append(_arrivals(1))) == [3]
    kept = sqlite3.connect(tmp_path / "journal.sqlite")
    assert kept.execute("SELECT count(*) FROM journal").fetchone() == (3,)
    kept.close()
