"""Many requests, one commit: what arrives while a commit runs shares the next one.

Lives in the door's event loop; each journal works in one thread of its own. Where a database syncs
once for several commits there are several journals: on a slow disk the next group does not wait
until the one before it is safe, on a fast one a second journal is never needed. What waits is
bounded in bytes, in all and for each device, and devices take turns, so that a device with a week
to send does not keep the others out.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from portal.ingest.journal import Arrival, Journal, JournalDown

log = logging.getLogger("tram.door")

# Called in the event loop once it is durable (None), or with why it was not kept.
Kept = Callable[[JournalDown | None], None]

MAX_WAITING_BYTES = 64 << 20
MAX_WAITING_BYTES_OF_A_DEVICE = 8 << 20
MAX_GROUP_BYTES = 4 << 20
MAX_GROUP_SIZE = 1024
# A commit that takes longer waits for its disk; meanwhile another one may begin.
PATIENCE_SECONDS = 0.0015


class Overloaded(Exception):
    """Too much is waiting already. `is_device` says whether it is this device's own."""

    def __init__(self, *, is_device: bool) -> None:
        super().__init__("too much is waiting")
        self.is_device = is_device


class GroupCommit:
    """Appends to a journal for many connections at once, through one or several accesses to it."""

    def __init__(self, *journals: Journal) -> None:
        self._lanes = [(ThreadPoolExecutor(1, "journal"), journal) for journal in journals]
        self._free = [*self._lanes]
        # device → its arrivals in order; the first device of the mapping has the next turn.
        self._waiting: OrderedDict[int, deque[tuple[Arrival, Kept]]] = OrderedDict()
        self._device_bytes: dict[int, int] = {}
        self._runners: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.waiting_bytes = 0
        self.group_count = 0

    def push(self, arrival: Arrival, kept: Kept) -> None:
        """Takes an arrival; `kept` is called when its commit has ended.

        Raises:
            Overloaded: it was not taken; too much is waiting.
        """
        size = len(arrival.body)
        of_device = self._device_bytes.get(arrival.device_id, 0)
        if of_device and of_device + size > MAX_WAITING_BYTES_OF_A_DEVICE:
            raise Overloaded(is_device=True)
        if self.waiting_bytes and self.waiting_bytes + size > MAX_WAITING_BYTES:
            raise Overloaded(is_device=False)
        self.waiting_bytes += size
        self._device_bytes[arrival.device_id] = of_device + size
        own = self._waiting.get(arrival.device_id)
        if own is None:
            own = self._waiting[arrival.device_id] = deque()
        own.append((arrival, kept))
        if not self._runners:
            self._begin()
        elif self._free and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(PATIENCE_SECONDS, self._begin_another)

    def _begin(self) -> None:
        task = asyncio.get_running_loop().create_task(self._run(*self._free.pop()))
        self._runners.add(task)

    def _begin_another(self) -> None:
        self._timer = None
        if self._waiting and self._free:
            self._begin()

    async def _run(self, thread: ThreadPoolExecutor, journal: Journal) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                group = self._take_group()
                down = None
                try:
                    arrivals = [arrival for arrival, _ in group]
                    await loop.run_in_executor(thread, journal.append, arrivals)
                except JournalDown as error:
                    down = error
                except Exception as error:
                    log.exception("the journal failed in a way nobody foresaw")
                    down = JournalDown(type(error).__name__)
                self.group_count += 1
                self._forget(arrivals)
                for _, kept in group:
                    try:
                        kept(down)
                    except Exception:  # the others of the group are told all the same
                        log.exception("a kept batch could not be acknowledged")
        finally:
            self._free.append((thread, journal))
            # In this very step: an arrival in the next one finds nobody at work.
            self._runners.discard(asyncio.current_task())

    def _take_group(self) -> list[tuple[Arrival, Kept]]:
        group: list[tuple[Arrival, Kept]] = []
        size = 0
        while self._waiting and len(group) < MAX_GROUP_SIZE and size < MAX_GROUP_BYTES:
            device_id, own = next(iter(self._waiting.items()))
            taken = own.popleft()
            group.append(taken)
            size += len(taken[0].body)
            if own:
                self._waiting.move_to_end(device_id)
            else:
                del self._waiting[device_id]
        return group

    def _forget(self, arrivals: list[Arrival]) -> None:
        for arrival in arrivals:
            size = len(arrival.body)
            self.waiting_bytes -= size
            rest = self._device_bytes[arrival.device_id] - size
            if rest:
                self._device_bytes[arrival.device_id] = rest
            else:
                del self._device_bytes[arrival.device_id]

    async def close(self) -> None:
        """Commits what is waiting, then closes the journal."""
        while self._runners:
            await asyncio.wait(self._runners)
        if self._timer is not None:
            self._timer.cancel()
        for thread, journal in self._lanes:
            thread.shutdown(wait=True)
            journal.close()
