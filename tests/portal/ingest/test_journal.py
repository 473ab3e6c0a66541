"""All kinds of journal keep what they acknowledged, in order, and never show a later gap."""

import sqlite3
import threading
import time

import pytest

from portal import settings
from portal.ingest.journal import Arrival, JournalDown, open_journal


def _arrivals(count: int, *, device: int = 1, size: int = 20) -> list[Arrival]:
    return [Arrival(device, seq, 1_700_000_000_000_000 + seq, b"x" * size) for seq in range(count)]


@pytest.fixture(params=["sqlite", "postgresql", "nats"])
def config(request, tmp_path):
    """Settings whose journal is of one kind; nothing else of them is used."""
    url = request.getfixturevalue(
        {"sqlite": "sqlite_url", "postgresql": "postgres_url", "nats": "nats_url"}[request.param]
    )
    loaded = settings.load(
        {
            "TRAM_VAR_DIR": str(tmp_path / "var"),
            "TRAM_JOURNAL_URL": url,
            "TRAM_SECRET_KEY": "k" * 40,
        }
    )
    assert request.param in url
    return loaded


@pytest.fixture
def journal(config):
    opened = open_journal(config)
    yield opened
    opened.close()


def test_what_is_appended_is_read_in_order(journal, config) -> None:
    assert journal.last_position() == 0
    first = journal.append(_arrivals(3))
    second = journal.append(_arrivals(2, device=2))
    positions = [*first, *second]
    assert positions == sorted(set(positions))
    assert len(positions) == 5
    assert list(journal.append([])) == []
    reader = open_journal(config)
    # From the middle of what one append kept.
    entries = reader.read(positions[1], max_entries=10, max_bytes=1 << 20)
    assert [(e.position, e.device_id, e.seq) for e in entries] == [
        (positions[2], 1, 2),
        (positions[3], 2, 0),
        (positions[4], 2, 1),
    ]
    assert {e.body for e in entries} == {b"x" * 20}
    assert [e.received_at - 1_700_000_000_000_000 for e in entries] == [2, 0, 1]
    assert reader.last_position() == positions[4]
    assert reader.read(positions[4], max_entries=10, max_bytes=1) == []
    # What comes later is found, and an earlier place can be asked for again.
    third = journal.append(_arrivals(1, device=3))
    assert [e.position for e in reader.read(positions[4], max_entries=9, max_bytes=9)] == [*third]
    again = reader.read(0, max_entries=10, max_bytes=1 << 20)
    assert [e.position for e in again] == [*positions, *third]
    reader.close()


def test_a_read_stops_at_its_limits_and_gives_at_least_one(journal) -> None:
    kept = journal.append(_arrivals(200, size=1000))
    assert len(journal.read(0, max_entries=150, max_bytes=1 << 30)) == 150
    assert len(journal.read(0, max_entries=150, max_bytes=10_500)) == 10
    assert len(journal.read(0, max_entries=150, max_bytes=1)) == 1
    assert journal.read(kept[-1], max_entries=1, max_bytes=1) == []


def test_all_is_read_piece_by_piece_whatever_the_size_of_the_appends(journal) -> None:
    kept = [p for count in (1, 40, 7, 300, 2) for p in journal.append(_arrivals(count, size=900))]
    seen, after = [], 0
    while found := journal.read(after, max_entries=11, max_bytes=8000):
        seen += [e.position for e in found]
        after = seen[-1]
    assert seen == kept


def test_a_batch_of_the_largest_size_is_kept_with_a_full_group(journal) -> None:
    # The door's group stops above 4 MiB, after one more batch of up to 2 MiB.
    bodies = [*_arrivals(1, size=(4 << 20) - 1), *_arrivals(1, size=2 << 20)]
    kept = journal.append(bodies)
    found = journal.read(0, max_entries=9, max_bytes=8 << 20)
    assert [(e.position, len(e.body)) for e in found] == [
        (p, len(a.body)) for p, a in zip(kept, bodies, strict=True)
    ]


def test_an_old_part_is_pruned_and_positions_go_on(journal) -> None:
    # One append each: a journal that keeps whole groups prunes whole groups.
    kept = [journal.append([arrival])[0] for arrival in _arrivals(5)]
    assert journal.prune(kept[3], 1_700_000_000_000_001, most=10) == 1
    assert journal.prune(kept[0], 1_800_000_000_000_000, most=10) == 0
    assert journal.prune(kept[4] + 1, 1_800_000_000_000_000, most=3) == 3
    assert [e.position for e in journal.read(0, max_entries=9, max_bytes=999)] == [kept[4]]
    assert journal.prune(kept[4] + 1, 1_800_000_000_000_000, most=3) == 1
    assert journal.last_position() >= kept[4]
    assert journal.append(_arrivals(1))[0] > kept[4]


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


def test_an_appender_keeps_its_log_short(tmp_path, monkeypatch) -> None:
    from portal.ingest import journal_sqlite

    monkeypatch.setattr(journal_sqlite, "WRITTEN_BACK_BYTES", 200_000)
    path = tmp_path / "journal.sqlite"
    journal = journal_sqlite.SqliteJournal(str(path))
    reader = journal_sqlite.SqliteJournal(str(path))
    for seq in range(300):
        journal.append([Arrival(1, seq, 0, bytes(20_000))])
        assert len(reader.read(seq, max_entries=9, max_bytes=99_999)) == 1
        time.sleep(0.002)
    # Six megabytes went through it; at worst a slow machine wrote back a few times only.
    assert path.with_name("journal.sqlite-wal").stat().st_size < 4_000_000
    journal.close()
    assert reader.last_position() == 300
    reader.close()
