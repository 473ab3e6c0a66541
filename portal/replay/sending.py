"""A device as the door sees it: posts its batches in order, again and again until each is taken."""

import http.client
import random
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import orjson

SHARE_SENT_TWICE = 0.01
SHARE_CUT = 0.005
# A door that was killed is back within seconds; an installation that stays away is a fault.
PATIENCE_SECONDS = 120
_ACCEPTED, _TOO_MANY, _AWAY = 202, 429, 503


class DoorIsAway(Exception):
    """The door did not answer for two minutes."""


class DoorRefused(Exception):
    """The door refused a batch that was well formed."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """A device's token and what it still has to send."""

    device_uid: str
    token: str
    batches: list[dict[str, Any]]


def send_all(
    makers: Iterable[Callable[[], Outbox]],
    port: int,
    *,
    threads: int,
    sent: Callable[[int], None],
) -> None:
    """Sends every outbox, several devices at a time; `sent` hears how many events went out.

    Outboxes are made when their turn comes, so that a round of a million fits in memory.
    """
    with ThreadPoolExecutor(threads) as pool:
        for future in [pool.submit(_send, make, port, sent) for make in makers]:
            future.result()


def _send(make: Callable[[], Outbox], port: int, sent: Callable[[int], None]) -> None:
    """One device's batches, with what a bad network adds: cut bodies, repeats, swapped order."""
    outbox = make()
    chance = random.Random(outbox.device_uid)
    line = _Line(port, outbox.token)
    pending = list(outbox.batches)
    for place in range(0, len(pending) - 1, 17):
        pending[place], pending[place + 1] = pending[place + 1], pending[place]
    for batch in pending:
        body = orjson.dumps(batch)
        if chance.random() < SHARE_CUT:
            line.try_cut(body)
        line.deliver(body)
        if chance.random() < SHARE_SENT_TWICE:
            line.deliver(body)
        sent(len(batch["events"]))
    line.close()


class _Line:
    """A kept-alive connection to the door."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def deliver(self, body: bytes) -> None:
        """Posts until the door says 202."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            status, wait, answer = self._post(body)
            if status == _ACCEPTED:
                return
            if status not in {0, _TOO_MANY, _AWAY}:
                raise DoorRefused(f"{status}: {answer[:200]!r}")
            if time.monotonic() > give_up_at:
                raise DoorIsAway(f"no answer on port {self.port} for {PATIENCE_SECONDS} seconds")
            time.sleep(wait)

    def try_cut(self, body: bytes) -> None:
        """Half a body, as a lost connection leaves it: the door must refuse it whole."""
        status, _wait, _answer = self._post(body[: len(body) // 2])
        if status == _ACCEPTED:
            raise DoorRefused("half a batch was accepted")

    def _post(self, body: bytes) -> tuple[int, float, bytes]:
        """Status (0: no answer), seconds to wait before the next try, and the answer."""
        try:
            self.connection.request("POST", "/ingest/v1/batches", body, self.headers)
            response = self.connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return 0, 0.5, b""
        return response.status, float(response.headers.get("Retry-After", "0.5")), answer

    def close(self) -> None:
        """Hangs up; the next request dials again."""
        self.connection.close()
