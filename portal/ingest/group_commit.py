"""Many requests, one commit: what arrives while a commit runs shares the next one.

At a surge a commit waits a few milliseconds for more: a commit of five costs nearly as much as one
of twenty, and what it costs the applier lacks. It never waits when nobody is left who could send.

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
from portal.web.arrivals import Arrivals

log = logging.getLogger("tram.door")

# Called in the event loop once it is durable (None), or with why it was not kept.
Kept = Callable[[JournalDown | None], None]

MAX_WAITING_BYTES = 64 << 20
MAX_WAITING_BYTES_OF_A_DEVICE = 8 << 20
MAX_GROUP_BYTES = 4 << 20
MAX_GROUP_SIZE = 1024
# A commit that takes longer waits for its disk; meanwhile another one may begin.
PATIENCE_SECONDS = 0.0015
# So long a commit waits for more while at least so many arrive a second, unless it has enough.
GATHER_SECONDS, SURGE_RATE, ENOUGH = 0.005, 1000, 64


class Overloaded(Exception):
    """Too much is waiting already. `is_device` says whether it is this device's own."""

    def __init__(self, *, is_device: bool) -> None:
        super().__init__("too much is waiting")
        self.is_device = is_device


class GroupCommit:
    """Appends to a journal for many connections at once, through one or several accesses to it."""

    def __init__(self, *journals: Journal, sender_count: Callable[[], int] = lambda: 0) -> None:
        """Takes accesses to one journal, and who knows how many connections are open."""
        self._sender_count = sender_count
        self._lanes = [(ThreadPoolExecutor(1, "journal"), journal) for journal in journals]
        self._free = [*self._lanes]
        # device → its arrivals in order; the first device of the mapping has the next turn.
        self._waiting: OrderedDict[int, deque[tuple[Arrival, Kept]]] = OrderedDict()
        self._device_bytes: dict[int, int] = {}
        self._runners: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._waiting_count = 0
        self._in_hand = 0
        self._arrivals = Arrivals(SURGE_RATE)
        self._is_gathering = False
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
        self._waiting_count += 1
        loop = asyncio.get_running_loop()
        self._arrivals.count(loop.time())
        if self._timer is None:
            self._begin_soon(loop)
        elif self._is_gathering and not self._waits_for_more():
            self._timer.cancel()
            self._timer = None
            self._begin_soon(loop)

    def _waits_for_more(self) -> bool:
        """Whether more is likely to come at once, from connections that wait for no answer."""
        return (
            self._arrivals.is_surge
            and self._waiting_count < ENOUGH
            and self._waiting_count + self._in_hand < self._sender_count()
        )

    def _begin_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begins a commit of what is waiting, now or in a moment."""
        self._is_gathering = self._waits_for_more()
        if self._is_gathering:
            self._timer = loop.call_later(GATHER_SECONDS, self._begin_now)
        elif not self._runners:
            self._begin_now()
        elif self._free:
            self._timer = loop.call_later(PATIENCE_SECONDS, self._begin_now)

    def _begin_now(self) -> None:
        self._timer = None
        if self._waiting and self._free:
            task = asyncio.get_running_loop().create_task(self._run(*self._free.pop()))
            self._runners.add(task)

    async def _run(self, thread: ThreadPoolExecutor, journal: Journal) -> None:
        loop = asyncio.get_running_loop()
        try:
            is_first = True
            while self._waiting and (is_first or not self._waits_for_more()):
                is_first = False
                group = self._take_group()
                self._in_hand += len(group)
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
                self._in_hand -= len(group)
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
            if self._waiting and self._timer is None:
                self._begin_soon(loop)

    def _take_group(self) -> list[tuple[Arrival, Kept]]:
        group: list[tuple[Arrival, Kept]] = []
        size = 0
        while self._waiting and len(group) < MAX_GROUP_SIZE and size < MAX_GROUP_BYTES:
            device_id, own = next(iter(self._waiting.items()))
            taken = own.popleft()
            group.append(taken)
            size += len(taken[0].body)
            self._waiting_count -= 1
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
        self._arrivals.is_surge = False
        while self._waiting or self._runners:
            if self._timer is not None:
                self._timer.cancel()
            self._begin_now()
            await asyncio.wait(self._runners)
        for thread, journal in self._lanes:
            thread.shutdown(wait=True)
            journal.close()
