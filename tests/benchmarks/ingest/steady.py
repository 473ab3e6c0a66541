"""A load generator that keeps a rate, whatever the answers do: an open loop.

wrk sends the next request of a connection when the one before was answered, so that a server that
stops for a while is asked less meanwhile. Here each request has an instant at which it is due; it
goes out on a free connection, waits for one if there is none, and its time counts from when it was
due. Run by `measure_steady`; the requests are a file of `wire.write`.
"""

import asyncio
import json
import sys
import time
from collections import deque
from pathlib import Path

import uvloop

# How often it looks what is due: a thousandth of a second is part of every time it tells.
_TICK_SECONDS = 0.001


def read_requests(file: Path, most: int) -> list[bytes]:
    """The first requests of a file of `wire.write`."""
    found = []
    with file.open("rb") as source:
        while len(found) < most and (length := source.read(8)):
            found.append(source.read(int(length)))
    return found


class _Connection(asyncio.Protocol):
    def __init__(self, of: "Steady") -> None:
        self._of = of
        self._due_at = 0.0
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._of.free.append(self)

    def ask(self, request: bytes, due_at: float) -> None:
        self._due_at = due_at
        self._transport.write(request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        data = self._received + data
        head, found, rest = data.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if not found or len(rest) < int(length):
            self._received = data
            return
        self._received = b""
        now = time.perf_counter()
        self._of.ended.append((now - self._due_at, head[9:12] == b"202"))
        self._of.free.append(self)
        self._of.send(now)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._of.is_over:
            raise RuntimeError("the server closed a connection")


class Steady:
    """So many requests a second, over so many connections; from the first again after the last."""

    def __init__(self, requests: list[bytes], rate: float, count: int) -> None:
        self.free: deque[_Connection] = deque()
        self.ended: list[tuple[float, bool]] = []
        self.is_over = False
        self._requests = requests
        self._rate = rate
        self._count = count
        self._sent = 0
        self._began_at = self._ended_at = 0.0

    def send(self, now: float) -> None:
        """Everything that is due and finds a free connection."""
        due = min(int((now - self._began_at) * self._rate), self._count)
        while self._sent < due and self.free:
            # The one that rested longest: all of them are used.
            due_at = self._began_at + (self._sent + 1) / self._rate
            self.free.popleft().ask(self._requests[self._sent % len(self._requests)], due_at)
            self._sent += 1

    async def run(self, port: int, connections: int) -> None:
        """Until each request is answered, or ten seconds after the last was due."""
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            await loop.create_connection(lambda: _Connection(self), "127.0.0.1", port)
        self._began_at = time.perf_counter()
        limit = self._began_at + self._count / self._rate + 10
        while len(self.ended) < self._count and time.perf_counter() < limit:
            self.send(time.perf_counter())
            await asyncio.sleep(_TICK_SECONDS)
        self._ended_at = time.perf_counter()
        self.is_over = True

    def told(self) -> dict[str, float]:
        """Answers by kind, and times in milliseconds."""
        times = sorted(1000 * seconds for seconds, _ in self.ended)
        good = sum(is_good for _, is_good in self.ended)
        return {
            "good": good,
            "bad": self._count - good,
            "seconds": max(self._count / self._rate, self._ended_at - self._began_at),
            "p50_ms": times[len(times) // 2],
            "p99_ms": times[len(times) * 99 // 100],
        }


def main() -> None:
    """steady.py PORT FILE RATE SECONDS CONNECTIONS: prints what it saw, as JSON."""
    port, connections = int(sys.argv[1]), int(sys.argv[5])
    rate, seconds = float(sys.argv[3]), float(sys.argv[4])
    count = int(rate * seconds)
    steady = Steady(read_requests(Path(sys.argv[2]), count), rate, count)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(steady.run(port, connections))
    print(json.dumps(steady.told()))


if __name__ == "__main__":
    main()
