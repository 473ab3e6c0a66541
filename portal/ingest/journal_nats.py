"""The journal as a NATS JetStream stream with three replicas, for a country.

A group of batches is one message, so that a majority syncs its disks once for many devices. The
servers must run with `sync_interval: always` (deploy/nats.conf): only then does their word mean
"on disk on a majority". A position is the message's sequence times 1024, plus the place in it.
"""

import asyncio
import contextlib
import random
import struct
import threading
import time
import uuid
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import nats
from nats.aio.client import Client
from nats.js import api
from nats.js.errors import APIError, BadRequestError, NotFoundError

from portal.ingest.journal import Arrival, Entry, JournalDown

T = TypeVar("T")

REPLICAS = 3
# As many arrivals as a message has places; the door's groups are never larger.
PLACES = 1024
# An election after the loss of a node takes up to nine seconds.
APPEND_SECONDS = 10.0
_ANSWER_SECONDS = 3.0
_NOBODY_ANSWERS = "503"
_PAUSE_SECONDS = 0.2
# One attempt with everything in it: connecting, asking, eight megabytes on a slow line.
_LONGEST_SECONDS = 12.0
_BATCH = 256
_READ_BYTES = 8 << 20
_SAME_MESSAGE_SECONDS = 120.0
_VERSION = 1
_HEAD = struct.Struct("<BH")
_ITEM = struct.Struct("<IQQI")
# What a server that is there, but will not do it, answers; asking again changes nothing.
_FINAL = (BadRequestError, nats.errors.MaxPayloadError, nats.errors.AuthorizationError)


def pack(arrivals: Sequence[Arrival]) -> bytes:
    """Arrivals as one message: version and count, then (device, seq, instant, length, body)."""
    parts = [_HEAD.pack(_VERSION, len(arrivals))]
    for a in arrivals:
        parts += (_ITEM.pack(a.device_id, a.seq, a.received_at, len(a.body)), a.body)
    return b"".join(parts)


def unpack(sequence: int, message: bytes) -> list[Entry]:
    """The entries of a message.

    Raises:
        JournalDown: somebody else wrote it.
    """
    version, count = _HEAD.unpack_from(message)
    if version != _VERSION:
        raise JournalDown(f"message {sequence} is of version {version}")
    found, at = [], _HEAD.size
    for place in range(count):
        device_id, seq, received_at, length = _ITEM.unpack_from(message, at)
        at += _ITEM.size
        body = message[at : at + length]
        at += length
        found.append(Entry(device_id, seq, received_at, body, sequence * PLACES + place))
    return found


def read_address(url: str) -> tuple[list[str], str]:
    """Server addresses and stream of `nats://[user:password@]a:4222,b:4222,c:4222[/stream]`."""
    split = urlsplit(url)
    login, at, hosts = split.netloc.rpartition("@")
    servers = [f"{split.scheme}://{login}{at}{host}" for host in hosts.split(",") if host]
    return servers, split.path.strip("/") or "tram"


class NatsJournal:
    """One connection, opened again after a failure; its event loop runs in a thread of its own."""

    def __init__(self, url: str) -> None:
        self._servers, self._stream = read_address(url)
        self._subject = f"{self._stream}.ingest"
        self._client: Client | None = None
        # Messages fetched and not read to their end: (read from here on, their entries).
        self._ahead: tuple[int, list[Entry]] = (0, [])
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nats", daemon=True)
        self._thread.start()

    def _run(self, doing: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result()

    # -- the journal

    def append(self, arrivals: Sequence[Arrival]) -> range:
        """See `Journal.append`. After `JournalDown` the cluster may still have kept them.

        Raises:
            ValueError: more arrivals than a message has places.
        """
        if not arrivals:
            return range(0)
        if len(arrivals) > PLACES:
            message = f"at most {PLACES} arrivals at once"
            raise ValueError(message)
        first = self._run(self._publish(pack(arrivals))) * PLACES
        return range(first, first + len(arrivals))

    def read(self, after: int, *, max_entries: int, max_bytes: int) -> list[Entry]:
        """See `Journal.read`."""
        begun_at, waiting = self._ahead
        waiting = [e for e in waiting if e.position > after] if after >= begun_at else []
        if not waiting:
            found = self._surely(self._fetch(after // PLACES, _BATCH, _READ_BYTES))
            waiting = [e for _, entries in found for e in entries if e.position > after]
        self._ahead = (after, waiting)
        size = 0
        for count, entry in enumerate(waiting):
            size += len(entry.body)
            if count == max_entries or (count and size > max_bytes):
                return waiting[:count]
        return waiting

    def last_position(self) -> int:
        """See `Journal.last_position`."""
        return self._surely(self._last())

    def prune(self, before: int, received_before: int, *, most: int) -> int:
        """See `Journal.prune`. Whole messages go, so it is one message at least."""
        found = self._surely(self._fetch(0, most, _READ_BYTES))
        count, end = 0, 0
        for sequence, entries in found:
            is_old = all(e.position < before and e.received_at < received_before for e in entries)
            if not is_old or (count and count + len(entries) > most):
                break
            count, end = count + len(entries), sequence + 1
        if end:
            self._surely(self._purge(end))
        return count

    def close(self) -> None:
        """See `Journal.close`."""
        if self._loop.is_closed():
            return
        self._run(self._drop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _surely(self, doing: Coroutine[Any, Any, T]) -> T:
        async def attempt() -> T:
            try:
                async with asyncio.timeout(_LONGEST_SECONDS):
                    return await doing
            except (nats.errors.Error, OSError, TimeoutError) as error:
                await self._drop()
                raise JournalDown(type(error).__name__) from error

        return self._run(attempt())

    # -- the conversation, in the loop's thread

    async def _connect(self) -> Client:
        if self._client is None or not self._client.is_connected:
            await self._drop()
            self._client = await self._connect_anywhere()
            await self._make_stream(self._client)
        return self._client

    async def _connect_anywhere(self) -> Client:
        failed: Exception = OSError("no server is named")
        for server in random.sample(self._servers, len(self._servers)):
            try:
                return await nats.connect(
                    server,
                    allow_reconnect=False,
                    connect_timeout=2,
                    ping_interval=20,
                    pending_size=16 << 20,
                    error_cb=_say_nothing,
                    name=f"tram {self._stream}",
                )
            except (nats.errors.Error, OSError, TimeoutError) as error:
                failed = error
        raise failed

    async def _drop(self) -> None:
        """Forgets a connection that failed; the next call opens another, perhaps elsewhere."""
        client, self._client = self._client, None
        if client is not None and not client.is_closed:
            with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
                await asyncio.wait_for(client.close(), 1)

    async def _make_stream(self, client: Client) -> None:
        """Makes the stream if it is new; two doors may both try, with first numbers of their own.

        A stream made anew begins above everything a lost one had: what the database has applied
        stays behind it.
        """
        stream = client.jetstream(timeout=_ANSWER_SECONDS)
        wanted = api.StreamConfig(
            name=self._stream,
            subjects=[self._subject],
            num_replicas=REPLICAS,
            storage=api.StorageType.FILE,
            retention=api.RetentionPolicy.LIMITS,
            discard=api.DiscardPolicy.NEW,
            duplicate_window=_SAME_MESSAGE_SECONDS,
            allow_direct=True,
            first_seq=time.time_ns() // 1_000_000,
        )
        give_up_at = time.monotonic() + _ANSWER_SECONDS
        while True:
            try:
                found = await stream.stream_info(self._stream)
            except NotFoundError:
                if time.monotonic() > give_up_at:
                    raise
                try:
                    found = await stream.add_stream(wanted)
                except BadRequestError:  # another is making it
                    await asyncio.sleep(_PAUSE_SECONDS)
                    continue
            if (found.config.num_replicas or 1) < REPLICAS:
                raise JournalDown(f"stream {self._stream} needs {REPLICAS} replicas")
            return

    async def _publish(self, payload: bytes) -> int:
        """The sequence of the message; one id for all attempts, so it is kept once."""
        headers = {"Nats-Msg-Id": uuid.uuid4().hex}
        give_up_at = time.monotonic() + APPEND_SECONDS
        while True:
            try:
                async with asyncio.timeout(_LONGEST_SECONDS):
                    client = await self._connect()
                    stream = client.jetstream(timeout=_ANSWER_SECONDS)
                    answer = await stream.publish(
                        self._subject, payload, stream=self._stream, headers=dict(headers)
                    )
            except _FINAL as error:
                raise JournalDown(_reason(error)) from error
            except (nats.errors.Error, OSError, TimeoutError) as error:
                await self._drop()
                if time.monotonic() > give_up_at:
                    raise JournalDown(_reason(error)) from error
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                return answer.seq

    async def _fetch(
        self, sequence: int, count: int, max_bytes: int
    ) -> list[tuple[int, list[Entry]]]:
        """Messages from a sequence on, from any replica: one that is late has fewer, in order."""
        client = await self._connect()
        inbox = client.new_inbox()
        answers = await client.subscribe(inbox)
        where = f"$JS.API.DIRECT.GET.{self._stream}"
        wanted = (
            f'{{"seq":{sequence},"next_by_subj":"{self._subject}",'
            f'"batch":{count},"max_bytes":{max_bytes}}}'
        )
        found: list[tuple[int, list[Entry]]] = []
        give_up_at = time.monotonic() + _ANSWER_SECONDS
        try:
            await client.publish(where, wanted.encode(), reply=inbox)
            while True:
                message = await answers.next_msg(_ANSWER_SECONDS)
                headers = message.headers or {}
                status = headers.get("Status")
                if status in {"204", "404"}:
                    return found
                if status == _NOBODY_ANSWERS and time.monotonic() < give_up_at:
                    # A stream that was just made, or lost its leader: its replicas are not up yet.
                    await asyncio.sleep(_PAUSE_SECONDS)
                    await client.publish(where, wanted.encode(), reply=inbox)
                elif status:
                    raise JournalDown(f"the cluster answers {status}")
                else:
                    at = int(headers["Nats-Sequence"])
                    found.append((at, unpack(at, message.data)))
        finally:
            await answers.unsubscribe()

    async def _last(self) -> int:
        client = await self._connect()
        stream = client.jetstream(timeout=_ANSWER_SECONDS)
        info = await stream.stream_info(self._stream)
        last = info.state.last_seq
        if last < (info.config.first_seq or 1):
            return 0
        found = await self._fetch(last, 1, 1)
        return found[-1][1][-1].position if found else last * PLACES + PLACES - 1

    async def _purge(self, before: int) -> None:
        client = await self._connect()
        await client.jetstream(timeout=_ANSWER_SECONDS).purge_stream(self._stream, seq=before)


def _reason(error: Exception) -> str:
    said = error.description if isinstance(error, APIError) else ""
    return f"{type(error).__name__} {said or ''}".strip()


async def _say_nothing(error: Exception) -> None:
    """The caller of the attempt that failed is told; the library need not print it too."""
    del error
