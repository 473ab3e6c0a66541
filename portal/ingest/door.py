"""The door: a bare ASGI application that takes batches, keeps them, and tells outcomes.

Nothing here waits for anything but the journal. See docs/ingest-api.md for the wire format.
"""

import asyncio
import logging
import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import parse_qs

import orjson
import sqlalchemy as sa

from portal import db, settings
from portal.ingest import queries
from portal.ingest.envelope import MAX_BODY_BYTES, BadEnvelope, read_envelope
from portal.ingest.group_commit import GroupCommit, Overloaded
from portal.ingest.journal import Arrival, JournalDown, open_journal
from portal.ingest.tokens import KnownDevice, Tokens

log = logging.getLogger("tram.door")
T = TypeVar("T")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

BODY_SECONDS = 30.0
MAX_OUTCOMES = 1000
_DEFAULT_OUTCOMES = 500
_LONGEST_TOKEN = 200
_JSON = (b"content-type", b"application/json")


class Refused(Exception):
    """An answer other than success. `code` is stable; `message` is one plain sentence."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: list[str] | None = None,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.headers = headers
        self.body = orjson.dumps(
            {"error": {"code": code, "message": message, "details": details or []}}
        )


def _retry(status: int, code: str, message: str, seconds: int) -> Refused:
    # Spread, so that those refused together do not come back together.
    after = str(seconds + random.randrange(3)).encode()  # noqa: S311 - not a secret
    return Refused(status, code, message, headers=((b"retry-after", after),))


class Door:
    """The ASGI application. Opens journal and database at start-up, in the worker itself."""

    def __init__(self, config: settings.Settings) -> None:
        self._config = config
        self.counts: Counter[str] = Counter()
        self._routes = {
            ("POST", "/ingest/v1/batches"): self._accept,
            ("GET", "/ingest/v1/outcomes"): self._tell,
            ("GET", "/healthz"): self._health,
            ("GET", "/metrics"): self._metrics,
        }
        self._paths = {path for _, path in self._routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or runs the worker's life cycle."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        try:
            status, headers, body = await self._answer(scope, receive)
        except Refused as refused:
            status, body = refused.status, refused.body
            headers = (_JSON, *refused.headers)
            self.counts[f"refused_{refused.status}"] += 1
        except Exception:
            log.exception("the door failed at %s %s", scope["method"], scope["path"])
            self.counts["refused_500"] += 1
            failed = Refused(500, "internal", "Something failed here. Nothing was kept; try again.")
            status, headers, body = 500, (_JSON,), failed.body
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": body})

    async def _answer(
        self, scope: Scope, receive: Receive
    ) -> tuple[int, tuple[tuple[bytes, bytes], ...], bytes]:
        route = self._routes.get((scope["method"], scope["path"]))
        if route is not None:
            return await route(scope, receive)
        if scope["path"] not in self._paths:
            raise Refused(404, "not_found", "There is nothing at this address.")
        allowed = ", ".join(method for method, path in self._routes if path == scope["path"])
        raise Refused(
            405,
            "method_not_allowed",
            f"This address takes {allowed}.",
            headers=((b"allow", allowed.encode()),),
        )

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._open()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._commits.close()
                self._asking.shutdown(wait=True)
                self._engine.dispose()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _open(self) -> None:
        self._engine = db.make_engine(self._config.database_url)
        self._tokens = Tokens(self._engine)
        self._asking = ThreadPoolExecutor(2, thread_name_prefix="asking")
        self._commits = GroupCommit(open_journal(self._config))
        # The first question compiles statements and mappers: not while a device waits.
        try:
            self._tokens.look_up("")
        except sa.exc.DBAPIError as error:
            log.warning("the database does not answer yet: %s", type(error.orig).__name__)

    # -- routes

    async def _accept(
        self, scope: Scope, receive: Receive
    ) -> tuple[int, tuple[tuple[bytes, bytes], ...], bytes]:
        headers = _headers(scope)
        _check_type(headers)
        device = await self._known_device(headers)
        body = await _read_body(headers, receive)
        try:
            envelope = read_envelope(body)
        except BadEnvelope as bad:
            raise Refused(
                400, "bad_envelope", "The body is not a batch.", details=bad.problems
            ) from bad
        if envelope.device_uid != device.uid_hex:
            raise _unauthorised("The token belongs to another device.")
        arrival = Arrival(device.id, envelope.seq, time.time_ns() // 1000, body)
        try:
            await self._commits.append(arrival)
        except Overloaded as overloaded:
            message = (
                "This device has too much on its way; wait for answers."
                if overloaded.is_device
                else "Too much is arriving at once; nothing is lost, try again."
            )
            raise _retry(429, "overloaded", message, 1) from overloaded
        except JournalDown as down:
            log.error("the journal failed: %s", down)  # noqa: TRY400 - the trace is no news
            raise _retry(503, "journal_down", "Nothing can be kept now; try again.", 5) from down
        self.counts["accepted_batches"] += 1
        self.counts["accepted_events"] += envelope.event_count
        one = envelope.batch_id
        batch_id = f"{one[:8]}-{one[8:12]}-{one[12:16]}-{one[16:20]}-{one[20:]}"
        answer = f'{{"batch_id":"{batch_id}","accepted":{envelope.event_count}}}'
        return 202, (_JSON,), answer.encode()

    async def _tell(
        self, scope: Scope, receive: Receive
    ) -> tuple[int, tuple[tuple[bytes, bytes], ...], bytes]:
        del receive
        device = await self._known_device(_headers(scope))
        after, limit = _read_cursor(scope["query_string"])

        def ask() -> list[dict[str, Any]]:
            with self._engine.connect() as connection:
                return queries.outcomes_after(
                    connection, device_id=device.id, after=after, limit=limit
                )

        found = await self._ask(ask)
        following = found[-1]["cursor"] if found else after
        body = orjson.dumps({"outcomes": found, "next": following, "is_more": len(found) == limit})
        return 200, (_JSON, (b"cache-control", b"no-store")), body

    async def _health(
        self, scope: Scope, receive: Receive
    ) -> tuple[int, tuple[tuple[bytes, bytes], ...], bytes]:
        del scope, receive
        return 200, (_JSON,), b'{"status":"ok"}'

    async def _metrics(
        self, scope: Scope, receive: Receive
    ) -> tuple[int, tuple[tuple[bytes, bytes], ...], bytes]:
        del scope, receive
        figures: dict[str, int] = {
            **self.counts,
            "commits": self._commits.group_count,
            "waiting_bytes": self._commits.waiting_bytes,
        }
        lines = [
            f'tram_door_{name}{{worker="{os.getpid()}"}} {figures[name]}\n'
            for name in sorted(figures)
        ]
        try:
            standing = await self._ask(self._standing)
        except Refused:  # the rest can be told without the database
            pass
        else:
            lines += [
                f"tram_applier_lag_seconds {standing.lag_seconds}\n",
                f"tram_applier_running {int(standing.is_running)}\n",
                f"tram_applier_position {standing.position}\n",
            ]
        return 200, ((b"content-type", b"text/plain; version=0.0.4"),), "".join(lines).encode()

    def _standing(self) -> queries.Standing:
        with self._engine.connect() as connection:
            return queries.applier_standing(connection)

    # -- parts

    async def _known_device(self, headers: dict[bytes, bytes]) -> KnownDevice:
        scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(token) <= _LONGEST_TOKEN:
            raise _unauthorised("A device token is needed: Authorization: Bearer …")
        digest = self._tokens.digest(token)
        is_known, device = self._tokens.peek(digest)
        if not is_known:
            device = await self._ask(self._tokens.look_up, digest)
        if device is None:
            raise _unauthorised("The token is not known, or was revoked.")
        return device

    async def _ask(self, question: Callable[..., T], *arguments: Any) -> T:
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._asking, question, *arguments)
        except sa.exc.DBAPIError as error:
            log.error("the database does not answer: %s", type(error.orig).__name__)  # noqa: TRY400
            message = "The database does not answer now; try again."
            raise _retry(503, "database_down", message, 5) from error


def _unauthorised(message: str) -> Refused:
    return Refused(401, "unauthorised", message, headers=((b"www-authenticate", b"Bearer"),))


def _headers(scope: Scope) -> dict[bytes, bytes]:
    # ASGI gives the names in lower case.
    return dict(scope["headers"])


def _check_type(headers: dict[bytes, bytes]) -> None:
    kind = headers.get(b"content-type", b"")
    if kind != b"application/json":
        kind = kind.partition(b";")[0].strip().lower()
    coding = headers.get(b"content-encoding", b"identity").strip().lower()
    if kind != b"application/json" or coding != b"identity":
        raise Refused(415, "bad_content_type", "Send application/json, not compressed.")


async def _read_body(headers: dict[bytes, bytes], receive: Receive) -> bytes:
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > MAX_BODY_BYTES:
        raise _too_large()
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Refused(400, "cut", "The connection ended before the body did.")
                part = message.get("body", b"")
                size += len(part)
                if size > MAX_BODY_BYTES:
                    raise _too_large()
                parts.append(part)
                if not message.get("more_body", False):
                    break
    except TimeoutError as error:
        raise Refused(408, "too_slow", "The body did not arrive in time.") from error
    body = parts[0] if len(parts) == 1 else b"".join(parts)
    if length.isdigit() and int(length) != size:
        raise Refused(400, "cut", "The body is shorter than its Content-Length.")
    return body


def _too_large() -> Refused:
    return Refused(
        413,
        "too_large",
        f"A batch has at most {MAX_BODY_BYTES} bytes; send it in parts.",
        headers=((b"connection", b"close"),),
    )


def _read_cursor(query_string: bytes) -> tuple[int, int]:
    values = parse_qs(query_string.decode("latin-1"), keep_blank_values=True)
    problems = []
    numbers = {"after": 0, "limit": _DEFAULT_OUTCOMES}
    highest = {"after": (1 << 63) - 1, "limit": MAX_OUTCOMES}
    lowest = {"after": 0, "limit": 1}
    for name, default in numbers.items():
        text = values.get(name, [str(default)])[-1]
        is_number = text.isascii() and text.isdigit() and len(text) < 20  # noqa: PLR2004 - int64
        if not is_number or not lowest[name] <= int(text) <= highest[name]:
            problems.append(f"{name} is not a whole number from {lowest[name]} on.")
        else:
            numbers[name] = int(text)
    if problems:
        raise Refused(400, "bad_query", "The query is wrong.", details=problems)
    return numbers["after"], numbers["limit"]


def make_door() -> Door:
    """The application that gunicorn loads, with the settings of the environment."""
    return Door(settings.load())
