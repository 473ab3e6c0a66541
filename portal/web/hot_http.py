"""HTTP/1.1 for the hot doors: gunicorn's C parser, one object a connection, no task a request.

A handler gets a whole request, its body included, and gives its answer at once or later through
a callback; it never sees a socket. What a client may cost is bounded here: the size of a body, the
time a request may take to arrive, the bytes that wait unread.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol

import gunicorn_h1c
import orjson
from gunicorn_h1c import H1CProtocol

log = logging.getLogger("tram.hot")

# From a request's first byte to its last.
ARRIVAL_SECONDS = 30.0
KEEPALIVE_SECONDS = 75.0
# A client that still sends what was refused is read on for so long, for its answer's sake.
LINGER_SECONDS = 5.0
_MAX_LINGERING = 16 << 20
_MAX_UNREAD = 256 << 10
_MAX_LINE = 4096
_MAX_FIELDS = 64
_MAX_FIELD = 8192
_MAX_HEADS = 500
JSON = ("content-type", "application/json")
Headers = tuple[tuple[str, str], ...]


class Request(NamedTuple):
    """A request that has arrived whole. Header names are in lower case; `peer` is an IP address."""

    method: str
    path: str
    query: bytes
    headers: dict[bytes, bytes]
    body: bytes
    peer: str


class Answer(NamedTuple):
    """Status, headers without length and date, body."""

    status: int
    headers: Headers
    body: bytes


Done = Callable[[Answer], None]


class Handler(Protocol):
    """What stands behind the connections."""

    max_body_bytes: int
    # How many connections are open; told by `Connections`.
    connection_count: Callable[[], int]

    def handle(self, request: Request, done: Done) -> None:
        """Answers by calling `done` once, now or later, in the event loop. Never raises."""
        ...

    def too_large(self) -> Answer:
        """The answer to a body above `max_body_bytes`."""
        ...

    def cut(self) -> Answer:
        """The answer to a request that ended before its body did."""
        ...

    def too_slow(self) -> Answer:
        """The answer to a request that took longer than `ARRIVAL_SECONDS` to arrive."""
        ...


def error(
    status: int, code: str, message: str, *, details: list[str] | None = None, headers: Headers = ()
) -> Answer:
    """An answer other than success. `code` is stable; `message` is one plain sentence."""
    body = {"error": {"code": code, "message": message, "details": details or []}}
    return Answer(status, (JSON, *headers), orjson.dumps(body))


class Connections:
    """The connections of one worker, with what is the same for all of them."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.all: set[HotProtocol] = set()
        handler.connection_count = lambda: len(self.all)
        self.is_closing = False
        self.now = time.monotonic()
        self.date = ""
        self.sweep()

    def __call__(self) -> "HotProtocol":
        """A protocol for one more connection."""
        return HotProtocol(self)

    @property
    def busy_count(self) -> int:
        """Requests that have begun and are not answered."""
        return sum(connection.is_busy for connection in self.all)

    def sweep(self) -> None:
        """Once a second: the clock, the date, and who has taken too long."""
        self.now = time.monotonic()
        self.date = formatdate(usegmt=True)
        for connection in [*self.all]:
            connection.check_time(self.now)

    def close_idle(self) -> None:
        """No further requests; connections without one end now, others after their answer."""
        self.is_closing = True
        for connection in [*self.all]:
            if not connection.is_busy:
                connection.close()


_HEADS: dict[tuple[int, Headers], str] = {}


def _head(answer: Answer) -> str:
    """Status line and the answer's own headers; the few there are get made once."""
    key = answer[:2]
    known = _HEADS.get(key)
    if known is None:
        lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        known = "\r\n".join(lines)
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("a header may not hold a line break")
        if len(_HEADS) < _MAX_HEADS and all(name != "set-cookie" for name, _ in answer.headers):
            _HEADS[key] = known
    return known


class HotProtocol(asyncio.Protocol):
    """One connection. Requests are answered one after the other, pipelined ones too."""

    def __init__(self, connections: Connections) -> None:
        self._of = connections
        self._transport: asyncio.Transport | None = None
        self._peer = ""
        self._parts: list[bytes] = []
        self._size = 0
        self._unread = bytearray()
        # Bytes that come are left unread: a request waits for its answer (then it is asked, too),
        # or the answers before it are not read.
        self._is_answering = self._is_asked = False
        self._is_complete = False
        self._is_ending = False
        self._is_closed = False
        self._full_since = 0.0  # since when the client does not read; 0: it does
        self._begun_at = 0.0
        self._idle_since = connections.now
        self._lingers_until = 0.0  # answered and ended; what comes until then is thrown away
        self._parser = H1CProtocol(
            on_headers_complete=self._on_headers,
            on_body=self._on_body,
            on_message_complete=self._on_complete,
            limit_request_line=_MAX_LINE,
            limit_request_fields=_MAX_FIELDS,
            limit_request_field_size=_MAX_FIELD,
            # What was read ahead of a request's end is at most two reads.
            limit_remaining=8 * _MAX_UNREAD,
        )

    @property
    def is_busy(self) -> bool:
        """Whether a request has begun to arrive or waits for its answer."""
        return not self._lingers_until and (self._is_answering or self._begun_at > 0)

    # -- asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BaseProtocol`."""
        self._transport = transport  # type: ignore[assignment]
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if isinstance(peer, tuple) else ""
        self._of.all.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        del exc
        self._is_closed = True
        self._unread.clear()
        self._parts.clear()
        self._of.all.discard(self)

    def eof_received(self) -> bool:
        """A client that has said all still gets its answer; half a request is told so."""
        self._is_ending = True
        if self._is_answering:
            return True
        if self._begun_at:
            self._end_with(self._of.handler.cut())
        return False

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._lingers_until:
            self._size += len(data)
            if self._size > _MAX_LINGERING:
                self.close()
            return
        if self._is_answering:
            self._unread += data
            if len(self._unread) > _MAX_UNREAD and self._transport:
                self._transport.pause_reading()
            return
        if not self._begun_at:
            self._begun_at = self._of.now
        self._feed(data)

    def pause_writing(self) -> None:
        """The client does not read its answers: it gets no further ones made."""
        self._full_since = self._of.now

    def resume_writing(self) -> None:
        """It reads again."""
        self._full_since = 0.0
        self._go_on()

    # -- the parser

    def _feed(self, data: bytes) -> None:
        if self._is_closed:
            return
        try:
            self._parser.feed(data)
        except gunicorn_h1c.LimitRequestLine:
            self._end_with(error(414, "too_long", "The address is too long."))
        except gunicorn_h1c.LimitRequestHeaders:
            self._end_with(error(431, "headers_too_large", "The headers are too large."))
        except Exception as wrong:
            if not type(wrong).__module__.startswith("gunicorn_h1c"):
                log.exception("a request could not be read")
            self._end_with(error(400, "bad_request", "The request is not HTTP/1.1."))
        if self._is_complete and not self._is_closed:
            self._is_complete = False
            self._ask()

    def _on_headers(self) -> bool:
        length = self._parser.content_length
        if self._parser.get_header(b"transfer-encoding"):
            # Read in two ways by two servers, such a request could smuggle another one in.
            if length is not None:
                self._end_with(error(400, "bad_request", "A body has one length only."))
            elif not self._parser.is_chunked:
                self._end_with(error(501, "bad_coding", "This transfer coding is not known."))
        if length is not None and length > self._of.handler.max_body_bytes:
            self._end_with(self._of.handler.too_large())
        elif length is None or length:
            expect = self._parser.get_header(b"expect")
            if expect and expect.lower() == b"100-continue" and self._transport:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return False

    def _on_body(self, chunk: bytes) -> None:
        if self._is_closed:
            return
        self._size += len(chunk)
        if self._size > self._of.handler.max_body_bytes:
            self._end_with(self._of.handler.too_large())
            return
        self._parts.append(chunk)

    def _on_complete(self) -> None:
        # The parser may not be reset from within its own call.
        self._is_complete = True

    def _ask(self) -> None:
        parser, parts = self._parser, self._parts
        self._is_answering = self._is_asked = True
        try:
            target = parser.path.decode("ascii")
            headers = dict(parser.asgi_headers)
        except UnicodeDecodeError:
            self._end_with(error(400, "bad_request", "The address is not ASCII."))
            return
        path, _, query = target.partition("?")
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        request = Request(parser.method.decode(), path, query.encode(), headers, body, self._peer)
        self._of.handler.handle(request, self._answer)

    # -- answers

    def _answer(self, answer: Answer) -> None:
        if self._is_closed:
            return
        parser = self._parser
        keeps = parser.should_keep_alive and not self._is_ending and not self._of.is_closing
        self._write(answer, is_last=not keeps)
        if not keeps:
            self.close()
            return
        rest = parser.remaining() + bytes(self._unread)
        is_whole = not parser.remaining_truncated
        parser.reset()
        self._unread = bytearray(rest)
        self._parts.clear()
        self._size, self._begun_at, self._is_asked = 0, 0.0, False
        self._idle_since = self._of.now
        if not is_whole:
            self.close()
        elif rest:
            # Others get their turn.
            asyncio.get_running_loop().call_soon(self._go_on)
        else:
            self._go_on()

    def _go_on(self) -> None:
        """Takes up what has arrived meanwhile, unless the client does not read."""
        if self._transport is None or self._is_closed or self._full_since or self._is_asked:
            return
        self._is_answering = False
        rest = bytes(self._unread)
        self._unread.clear()
        if len(rest) < _MAX_UNREAD:
            self._transport.resume_reading()
        else:  # enough is here already
            self._transport.pause_reading()
        if rest:
            self.data_received(rest)

    def _write(self, answer: Answer, *, is_last: bool) -> None:
        if self._transport is None:
            return
        closing = "\r\nconnection: close" if is_last else ""
        tail = f"\r\ndate: {self._of.date}\r\ncontent-length: {len(answer.body)}{closing}\r\n\r\n"
        head = (_head(answer) + tail).encode("latin-1")
        is_head = self._parser.method == b"HEAD"
        self._transport.write(head if is_head else head + answer.body)

    def _end_with(self, answer: Answer) -> None:
        """Answers a request that did not arrive, and ends: what follows can not be understood.

        Closed at once, a client in the midst of sending would be cut off by a reset and never
        see why; so what it sends is taken and thrown away for a while.
        """
        if self._is_closed or self._transport is None:
            return
        self._write(answer, is_last=True)
        self._is_closed = True
        self._unread.clear()
        self._parts.clear()
        if self._is_ending:
            self.close()
            return
        self._lingers_until = self._of.now + LINGER_SECONDS
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._transport.resume_reading()

    def close(self) -> None:
        """Ends the connection after what was written is sent."""
        self._is_closed = True
        if self._transport:
            self._transport.close()

    def check_time(self, now: float) -> None:
        """Ends what has taken too long."""
        if self._full_since and now - self._full_since > ARRIVAL_SECONDS and self._transport:
            self._transport.abort()
        if self._lingers_until:
            if now > self._lingers_until:
                self.close()
            return
        if self._is_answering:
            return
        if self._begun_at:
            if now - self._begun_at > ARRIVAL_SECONDS:
                self._end_with(self._of.handler.too_slow())
        elif now - self._idle_since > KEEPALIVE_SECONDS:
            self.close()


def refuse_rest(request: Request, routes: dict[tuple[str, str], Any]) -> Answer:
    """404, or 405 with the methods of the address."""
    allowed = [method for method, path in routes if path == request.path]
    if not allowed:
        return error(404, "not_found", "There is nothing at this address.")
    names = ", ".join(allowed)
    return error(
        405, "method_not_allowed", f"This address takes {names}.", headers=(("allow", names),)
    )
