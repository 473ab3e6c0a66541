"""The door: takes batches, keeps them, and tells outcomes. Runs under its own gunicorn group.

Nothing here waits for anything but the journal, and a batch costs no task of its own: it is read,
checked and pushed in one go, and answered when its commit has ended. See docs/ingest-api.md for
the wire format.
"""

import asyncio
import logging
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import parse_qs

import orjson
import sqlalchemy as sa

from portal import db, settings
from portal.ingest import queries
from portal.ingest.envelope import MAX_BODY_BYTES, BadEnvelope, read_envelope
from portal.ingest.group_commit import GroupCommit, Overloaded
from portal.ingest.journal import Arrival, JournalDown, open_journals
from portal.ingest.tokens import KnownDevice, Tokens
from portal.web import hot_http
from portal.web.hot_http import JSON, Answer, Done, Request

log = logging.getLogger("tram.door")
T = TypeVar("T")

MAX_OUTCOMES = 1000
_DEFAULT_OUTCOMES = 500
_LONGEST_TOKEN = 200


class Refused(Exception):
    """An answer other than success."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def _refused(
    status: int,
    code: str,
    message: str,
    *,
    details: list[str] | None = None,
    headers: hot_http.Headers = (),
) -> Refused:
    return Refused(hot_http.error(status, code, message, details=details, headers=headers))


def _retry(status: int, code: str, message: str, seconds: int) -> Refused:
    # Spread, so that those refused together do not come back together.
    after = str(seconds + random.randrange(3))  # noqa: S311 - not a secret
    return _refused(status, code, message, headers=(("retry-after", after),))


class Door:
    """The handler behind the door's connections."""

    max_body_bytes = MAX_BODY_BYTES

    def __init__(self, config: settings.Settings) -> None:
        self._config = config
        self.counts: Counter[str] = Counter()
        self.connection_count: Callable[[], int] = lambda: 0
        self._routes = {
            ("POST", "/ingest/v1/batches"): self._accept,
            ("GET", "/ingest/v1/outcomes"): self._tell,
            ("GET", "/healthz"): self._health,
            ("GET", "/metrics"): self._metrics,
        }
        # Tasks that are not kept may be collected before they end.
        self._asked: set[asyncio.Task[None]] = set()

    # -- the worker's life

    async def start(self) -> None:
        """Opens journal and database, in the worker itself."""
        self._engine = db.make_engine(self._config.database_url)
        db.read_by_keys(self._engine)
        self._tokens = Tokens(self._engine)
        self._asking = ThreadPoolExecutor(2, thread_name_prefix="asking")
        self._commits = GroupCommit(*open_journals(self._config), sender_count=self._count_senders)
        # The first question compiles statements and mappers: not while a device waits.
        try:
            self._tokens.look_up("")
        except sa.exc.DBAPIError as error:
            log.warning("the database does not answer yet: %s", type(error.orig).__name__)

    async def stop(self) -> None:
        """Commits what was taken, then closes."""
        if self._asked:
            await asyncio.wait(self._asked)
        await self._commits.close()
        self._asking.shutdown(wait=True)
        self._engine.dispose()

    def _count_senders(self) -> int:
        return self.connection_count()

    # -- requests

    def handle(self, request: Request, done: Done) -> None:
        """See `hot_http.Handler`."""
        route = self._routes.get((request.method, request.path))
        if route is None:
            self._answer(done, hot_http.refuse_rest(request, self._routes))
            return
        try:
            route(request, done)
        except Exception as error:  # noqa: BLE001 - whatever it is, it gets an answer
            self._fail(request, done, error)

    def _answer(self, done: Done, answer: Answer) -> None:
        if answer.status >= 400:  # noqa: PLR2004 - refused
            self.counts[f"refused_{answer.status}"] += 1
        done(answer)

    def _fail(self, request: Request, done: Done, error: BaseException) -> None:
        if isinstance(error, Refused):
            self._answer(done, error.answer)
            return
        log.error("the door failed at %s %s", request.method, request.path, exc_info=error)
        message = "Something failed here. Nothing was kept; try again."
        self._answer(done, hot_http.error(500, "internal", message))

    def too_large(self) -> Answer:
        """See `hot_http.Handler`."""
        self.counts["refused_413"] += 1
        message = f"A batch has at most {MAX_BODY_BYTES} bytes; send it in parts."
        return hot_http.error(413, "too_large", message)

    def cut(self) -> Answer:
        """See `hot_http.Handler`."""
        self.counts["refused_400"] += 1
        return hot_http.error(400, "cut", "The connection ended before the body did.")

    def too_slow(self) -> Answer:
        """See `hot_http.Handler`."""
        self.counts["refused_408"] += 1
        return hot_http.error(408, "too_slow", "The body did not arrive in time.")

    # -- routes

    def _accept(self, request: Request, done: Done) -> None:
        _check_type(request.headers)
        digest = self._digest(request.headers)
        is_known, device = self._tokens.peek(digest)
        if is_known:
            self._keep(request, device, done)
        else:
            self._later(request, done, self._look_up_and_keep(request, digest, done))

    async def _look_up_and_keep(self, request: Request, digest: str, done: Done) -> None:
        self._keep(request, await self._ask(self._tokens.look_up, digest), done)

    def _keep(self, request: Request, device: KnownDevice | None, done: Done) -> None:
        device = _require(device)
        try:
            envelope = read_envelope(request.body)
        except BadEnvelope as bad:
            raise _refused(
                400, "bad_envelope", "The body is not a batch.", details=bad.problems
            ) from bad
        if envelope.device_uid != device.uid_hex:
            raise _unauthorised("The token belongs to another device.")

        def kept(down: JournalDown | None) -> None:
            if down is not None:
                log.error("the journal failed: %s", down)
                message = "Nothing can be kept now; try again."
                self._answer(done, _retry(503, "journal_down", message, 5).answer)
                return
            self.counts["accepted_batches"] += 1
            self.counts["accepted_events"] += envelope.event_count
            one = envelope.batch_id
            batch_id = f"{one[:8]}-{one[8:12]}-{one[12:16]}-{one[16:20]}-{one[20:]}"
            answer = f'{{"batch_id":"{batch_id}","accepted":{envelope.event_count}}}'
            done(Answer(202, (JSON,), answer.encode()))

        received_at = time.time_ns() // 1000
        try:
            self._commits.push(Arrival(device.id, envelope.seq, received_at, request.body), kept)
        except Overloaded as overloaded:
            message = (
                "This device has too much on its way; wait for answers."
                if overloaded.is_device
                else "Too much is arriving at once; nothing is lost, try again."
            )
            raise _retry(429, "overloaded", message, 1) from overloaded

    def _tell(self, request: Request, done: Done) -> None:
        self._later(request, done, self._tell_outcomes(request, done))

    async def _tell_outcomes(self, request: Request, done: Done) -> None:
        digest = self._digest(request.headers)
        is_known, device = self._tokens.peek(digest)
        if not is_known:
            device = await self._ask(self._tokens.look_up, digest)
        device_id = _require(device).id
        after, limit = _read_cursor(request.query)

        def ask() -> list[dict[str, Any]]:
            with self._engine.connect() as connection:
                return queries.outcomes_after(
                    connection, device_id=device_id, after=after, limit=limit
                )

        found = await self._ask(ask)
        following = found[-1]["cursor"] if found else after
        body = orjson.dumps({"outcomes": found, "next": following, "is_more": len(found) == limit})
        done(Answer(200, (JSON, ("cache-control", "no-store")), body))

    def _health(self, request: Request, done: Done) -> None:
        del request
        done(Answer(200, (JSON,), b'{"status":"ok"}'))

    def _metrics(self, request: Request, done: Done) -> None:
        self._later(request, done, self._tell_metrics(done))

    async def _tell_metrics(self, done: Done) -> None:
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
        kind = (("content-type", "text/plain; version=0.0.4"),)
        done(Answer(200, kind, "".join(lines).encode()))

    def _standing(self) -> queries.Standing:
        with self._engine.connect() as connection:
            return queries.applier_standing(connection)

    # -- parts

    def _later(self, request: Request, done: Done, work: Coroutine[Any, Any, None]) -> None:
        """Runs what must ask the database in a task of its own."""
        task = asyncio.get_running_loop().create_task(work)
        self._asked.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._asked.discard(task)
            error = None if task.cancelled() else task.exception()
            if error is not None:
                self._fail(request, done, error)

        task.add_done_callback(ended)

    def _digest(self, headers: dict[bytes, bytes]) -> str:
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not 0 < len(token) <= _LONGEST_TOKEN:
            raise _unauthorised("A device token is needed: Authorization: Bearer …")
        return self._tokens.digest(token.decode("latin-1"))

    async def _ask(self, question: Callable[..., T], *arguments: object) -> T:
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._asking, question, *arguments)
        except sa.exc.DBAPIError as error:
            log.error("the database does not answer: %s", type(error.orig).__name__)  # noqa: TRY400
            message = "The database does not answer now; try again."
            raise _retry(503, "database_down", message, 5) from error


def _unauthorised(message: str) -> Refused:
    return _refused(401, "unauthorised", message, headers=(("www-authenticate", "Bearer"),))


def _require(device: KnownDevice | None) -> KnownDevice:
    if device is None:
        raise _unauthorised("The token is not known, or was revoked.")
    return device


def _check_type(headers: dict[bytes, bytes]) -> None:
    kind = headers.get(b"content-type", b"")
    if kind != b"application/json":
        kind = kind.partition(b";")[0].strip().lower()
    coding = headers.get(b"content-encoding", b"identity").strip().lower()
    if kind != b"application/json" or coding != b"identity":
        raise _refused(415, "bad_content_type", "Send application/json, not compressed.")


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
            problems.append(f"{name} is not a whole number from {lowest[name]} to {highest[name]}.")
        else:
            numbers[name] = int(text)
    if problems:
        raise _refused(400, "bad_query", "The query is wrong.", details=problems)
    return numbers["after"], numbers["limit"]


def make_door() -> Door:
    """The handler that gunicorn loads, with the settings of the environment."""
    return Door(settings.load())
