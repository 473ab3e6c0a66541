"""Group commit: shared commits, bounded waiting, turns between devices."""

import asyncio
import threading

import pytest

from portal.ingest import group_commit
from portal.ingest.group_commit import GroupCommit, Overloaded
from portal.ingest.journal import Arrival, JournalDown, open_journal


async def _append(commits: GroupCommit, arrival: Arrival) -> None:
    """Pushes and waits for the commit."""
    kept = asyncio.get_running_loop().create_future()
    commits.push(arrival, lambda down: kept.set_exception(down) if down else kept.set_result(None))
    await kept


class _SlowJournal:
    """The real journal behind a gate, so that a test decides when a commit may run."""

    def __init__(self, journal) -> None:
        self.journal = journal
        self.gate = threading.Event()
        self.groups: list[list[Arrival]] = []
        self.is_broken = False

    def append(self, arrivals):
        self.gate.wait()
        if self.is_broken:
            raise JournalDown("disk full")
        self.groups.append(list(arrivals))
        return self.journal.append(arrivals)

    def __getattr__(self, name):
        return getattr(self.journal, name)


def _arrival(device: int, seq: int = 1, size: int = 10) -> Arrival:
    return Arrival(device, seq, 0, b"x" * size)


def test_what_arrives_during_a_commit_shares_the_next(config) -> None:
    journal = _SlowJournal(open_journal(config))

    async def story() -> None:
        door = GroupCommit(journal)
        tasks = [asyncio.create_task(_append(door, _arrival(1, seq))) for seq in range(40)]
        await asyncio.sleep(0.05)
        journal.gate.set()
        await asyncio.gather(*tasks)
        assert door.waiting_bytes == 0
        assert journal.last_position() == 40
        await door.close()

    asyncio.run(story())
    assert len(journal.groups) <= 2


def test_devices_take_turns(config, monkeypatch) -> None:
    monkeypatch.setattr(group_commit, "MAX_GROUP_SIZE", 4)
    journal = _SlowJournal(open_journal(config))

    async def story() -> None:
        door = GroupCommit(journal)
        greedy = [asyncio.create_task(_append(door, _arrival(1, seq))) for seq in range(20)]
        await asyncio.sleep(0.02)
        modest = asyncio.create_task(_append(door, _arrival(2)))
        await asyncio.sleep(0.02)
        journal.gate.set()
        await modest
        await asyncio.gather(*greedy)
        await door.close()

    asyncio.run(story())
    assert 2 in {a.device_id for a in journal.groups[1]}


def test_waiting_is_bounded_for_a_device_and_in_all(config, monkeypatch) -> None:
    monkeypatch.setattr(group_commit, "MAX_WAITING_BYTES_OF_A_DEVICE", 100)
    monkeypatch.setattr(group_commit, "MAX_WAITING_BYTES", 150)
    journal = _SlowJournal(open_journal(config))

    async def story() -> None:
        door = GroupCommit(journal)
        taken = [asyncio.create_task(_append(door, _arrival(1, size=90)))]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded) as caught:
            await _append(door, _arrival(1, size=20))
        assert caught.value.is_device
        taken.append(asyncio.create_task(_append(door, _arrival(2, size=60))))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded) as caught:
            await _append(door, _arrival(3, size=10))
        assert not caught.value.is_device
        journal.gate.set()
        await asyncio.gather(*taken)
        await _append(door, _arrival(3, size=10))
        assert journal.last_position() == 3
        await door.close()

    asyncio.run(story())


def test_a_broken_journal_refuses_and_recovers(config) -> None:
    journal = _SlowJournal(open_journal(config))
    journal.gate.set()
    journal.is_broken = True

    async def story() -> None:
        door = GroupCommit(journal)
        with pytest.raises(JournalDown):
            await _append(door, _arrival(1))
        journal.is_broken = False
        await _append(door, _arrival(1))
        assert journal.last_position() == 1
        assert door.waiting_bytes == 0
        await door.close()

    asyncio.run(story())


def test_while_one_commit_waits_for_its_disk_another_one_ends(config) -> None:
    slow, fast = _SlowJournal(open_journal(config)), _SlowJournal(open_journal(config))
    fast.gate.set()

    async def story() -> None:
        door = GroupCommit(fast, slow)  # the last one is taken first
        stuck = asyncio.create_task(_append(door, _arrival(1, 1)))
        await asyncio.sleep(0.05)
        others = [asyncio.create_task(_append(door, _arrival(1, seq))) for seq in (2, 3)]
        await asyncio.wait_for(asyncio.gather(*others), 20)
        assert not stuck.done()
        assert door.waiting_bytes == 10
        slow.gate.set()
        await door.close()
        assert stuck.done()

    asyncio.run(story())
    assert [[a.seq for a in group] for group in slow.groups] == [[1]]
    assert [a.seq for group in fast.groups for a in group] == [2, 3]
    reader = open_journal(config)
    assert len(reader.read(0, max_entries=9, max_bytes=999)) == 3
    reader.close()


def test_a_quick_commit_keeps_to_one_journal(config) -> None:
    used, spare = _SlowJournal(open_journal(config)), _SlowJournal(open_journal(config))
    used.gate.set()

    async def story() -> None:
        door = GroupCommit(spare, used)
        for seq in range(20):
            await _append(door, _arrival(1, seq))
        spare.gate.set()
        await door.close()

    asyncio.run(story())
    assert len(used.groups) == 20
    assert spare.groups == []


def _at_a_surge(door: GroupCommit) -> None:
    """As if very many had arrived in the last moment."""
    door._arrivals._began = asyncio.get_running_loop().time() - 1
    door._arrivals._count = 10_000


def test_at_a_surge_a_commit_waits_for_those_who_may_still_send(config, monkeypatch) -> None:
    monkeypatch.setattr(group_commit, "GATHER_SECONDS", 30)
    journal = _SlowJournal(open_journal(config))
    journal.gate.set()

    async def story() -> None:
        door = GroupCommit(journal, sender_count=lambda: 5)
        _at_a_surge(door)
        kept = [asyncio.create_task(_append(door, _arrival(n))) for n in range(4)]
        await asyncio.sleep(0.1)
        assert journal.groups == []
        kept.append(asyncio.create_task(_append(door, _arrival(4))))  # nobody else is left
        await asyncio.wait_for(asyncio.gather(*kept), 20)
        await door.close()

    asyncio.run(story())
    assert [len(group) for group in journal.groups] == [5]


def test_it_waits_no_longer_than_a_moment_nor_for_more_than_enough(config, monkeypatch) -> None:
    journal = _SlowJournal(open_journal(config))
    journal.gate.set()

    async def story() -> None:
        door = GroupCommit(journal, sender_count=lambda: 1000)
        _at_a_surge(door)
        await asyncio.wait_for(_append(door, _arrival(1)), 20)
        monkeypatch.setattr(group_commit, "GATHER_SECONDS", 30)
        _at_a_surge(door)
        kept = [_append(door, _arrival(1, seq)) for seq in range(group_commit.ENOUGH)]
        await asyncio.wait_for(asyncio.gather(*kept), 20)
        await door.close()

    asyncio.run(story())
    assert [len(group) for group in journal.groups] == [1, group_commit.ENOUGH]


def test_in_a_quiet_hour_nobody_waits(config, monkeypatch) -> None:
    monkeypatch.setattr(group_commit, "GATHER_SECONDS", 30)
    journal = _SlowJournal(open_journal(config))
    journal.gate.set()

    async def story() -> None:
        door = GroupCommit(journal, sender_count=lambda: 1000)
        for seq in range(5):
            await asyncio.wait_for(_append(door, _arrival(1, seq)), 20)
        await door.close()

    asyncio.run(story())
    assert len(journal.groups) == 5


def test_what_waits_for_more_is_kept_at_the_end(config, monkeypatch) -> None:
    monkeypatch.setattr(group_commit, "GATHER_SECONDS", 30)
    journal = _SlowJournal(open_journal(config))
    journal.gate.set()

    async def story() -> None:
        door = GroupCommit(journal, sender_count=lambda: 1000)
        _at_a_surge(door)
        kept = asyncio.create_task(_append(door, _arrival(1)))
        await asyncio.sleep(0.05)
        await door.close()
        await asyncio.wait_for(kept, 20)

    asyncio.run(story())
    assert len(journal.groups) == 1
