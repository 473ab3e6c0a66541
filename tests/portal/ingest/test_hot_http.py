"""HTTP of the hot doors, over sockets: what is answered, what is refused, what ends it."""

import asyncio

import pytest

from portal.web import hot_http
from portal.web.hot_http import JSON, Answer, error
from tests.portal.ingest.speaking import read_answer, request_bytes, running


class Echo:
    """Answers with what it got, at once or (path /later) when told to."""

    max_body_bytes = 5000

    def __init__(self) -> None:
        self.later = []
        self.is_asked = asyncio.Event()
        self.seen = []

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    def handle(self, request, done) -> None:
        self.seen.append(request)
        answer = Answer(200, (JSON,), request.method.encode() + b" " + request.body)
        if request.path == "/later":
            self.later.append(lambda: done(answer))
            self.is_asked.set()
        else:
            done(answer)

    def too_large(self) -> Answer:
        return error(413, "too_large", "Too large.")

    def cut(self) -> Answer:
        return error(400, "cut", "Cut.")

    def too_slow(self) -> Answer:
        return error(408, "too_slow", "Too slow.")


def _run(story):
    async def whole():
        async with running(Echo()) as echo:
            reader, writer = await asyncio.open_connection("127.0.0.1", echo.port)
            try:
                return await asyncio.wait_for(story(echo, reader, writer), 20)
            finally:
                writer.close()

    return asyncio.run(whole())


def test_a_connection_serves_one_request_after_the_other() -> None:
    async def story(echo, reader, writer):
        bodies = []
        for body in (b"one", [b"tw", b"o"], b""):
            writer.write(request_bytes("POST", "/", body=body))
            bodies.append((await read_answer(reader)).body)
        writer.write(request_bytes("GET", "/a?b=c"))
        await read_answer(reader)
        return bodies, echo.seen[-1]

    bodies, last = _run(story)
    assert bodies == [b"POST one", b"POST two", b"POST "]
    assert (last.path, last.query, last.headers[b"host"]) == ("/a", b"b=c", b"127.0.0.1")
    assert last.peer == "127.0.0.1"


def test_requests_sent_together_are_answered_in_their_order() -> None:
    async def story(echo, reader, writer):
        first = request_bytes("POST", "/later", body=b"first")
        rest = b"".join(request_bytes("POST", "/", body=b"%d" % n) for n in range(50))
        writer.write(first + rest)
        await echo.is_asked.wait()
        assert len(echo.seen) == 1, "the second waits for the answer to the first"
        echo.later.pop()()
        return [(await read_answer(reader)).body for _ in range(51)]

    assert _run(story) == [b"POST first", *(b"POST %d" % n for n in range(50))]


def test_whoever_has_said_all_still_gets_the_answer() -> None:
    async def story(echo, reader, writer):
        writer.write(request_bytes("POST", "/later", body=b"x"))
        writer.write_eof()
        await echo.is_asked.wait()
        await asyncio.sleep(0.05)  # for the end of what it says
        echo.later.pop()()
        answer = await read_answer(reader)
        return answer, await reader.read()

    answer, rest = _run(story)
    assert (answer.status, answer.headers["connection"], rest) == (200, "close", b"")


def test_a_client_that_left_is_forgotten() -> None:
    async def story(echo, reader, writer):
        writer.write(request_bytes("POST", "/later", body=b"x"))
        await echo.is_asked.wait()
        writer.transport.abort()
        await asyncio.sleep(0.05)
        echo.later.pop()()
        await asyncio.sleep(0.05)
        return len(echo.connections.all)

    assert _run(story) == 0


def test_100_continue_comes_before_the_body() -> None:
    async def story(echo, reader, writer):
        head = request_bytes("POST", "/", headers={"expect": "100-continue", "content-length": "3"})
        writer.write(head)
        asked = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"abc")
        return asked, (await read_answer(reader)).body

    asked, body = _run(story)
    assert asked.startswith(b"HTTP/1.1 100 ")
    assert body == b"POST abc"


def test_head_has_the_length_and_no_body() -> None:
    async def story(echo, reader, writer):
        writer.write(request_bytes("HEAD", "/") + request_bytes("GET", "/"))
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        return head, (await read_answer(reader)).body

    head, following = _run(story)
    assert "content-length: 5" in head
    assert following == b"GET "


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400),
        (b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\nhost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"y" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nhost: a\r\n" + b"x: y\r\n" * 100 + b"\r\n", 431),
        (b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n", 501),
        (
            request_bytes("POST", "/", body=[b"x"], headers={"content-length": "3"}),
            400,
        ),
        (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5001\r\n\r\n", 413),
        (request_bytes("POST", "/", body=[b"x" * 3000, b"y" * 3000]), 413),
        (b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400),
    ],
)
def test_what_can_not_be_read_is_refused_and_the_connection_ends(sent, status) -> None:
    async def story(echo, reader, writer):
        writer.write(sent)
        answer = await read_answer(reader)
        assert await reader.read() == b""
        return answer

    answer = _run(story)
    assert answer.status == status
    assert answer.json["error"]["code"]
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("sent", [b"POST / HT", request_bytes("POST", "/", body=b"abc")[:-1]])
def test_who_takes_too_long_is_told_so(sent, monkeypatch) -> None:
    monkeypatch.setattr(hot_http, "ARRIVAL_SECONDS", 0.0)

    async def story(echo, reader, writer):
        writer.write(sent)
        await asyncio.sleep(0.1)
        echo.connections.sweep()
        return await read_answer(reader)

    assert _run(story).status == 408


def test_a_connection_without_requests_is_ended_and_busy_ones_are_not(monkeypatch) -> None:
    monkeypatch.setattr(hot_http, "KEEPALIVE_SECONDS", 0.0)

    async def story(echo, reader, writer):
        other_reader, other = await asyncio.open_connection("127.0.0.1", echo.port)
        other.write(request_bytes("POST", "/later", body=b"x"))
        await echo.is_asked.wait()
        echo.connections.sweep()
        assert await reader.read() == b""
        assert echo.connections.busy_count == 1
        echo.connections.close_idle()
        echo.later.pop()()
        answer = await read_answer(other_reader)
        other.close()
        return answer

    answer = _run(story)
    assert (answer.status, answer.headers["connection"]) == (200, "close")


def test_who_does_not_read_gets_no_more_made() -> None:
    """Thousands of requests sent, no answer read: memory stays bounded, nothing is lost."""

    async def story(echo, reader, writer):
        many = 3000
        writer.write(request_bytes("POST", "/", body=b"x" * 4000) * many)
        seen = -1
        while len(echo.seen) != seen:
            seen = len(echo.seen)
            await asyncio.sleep(0.3)
        assert 0 < seen < many
        for _ in range(many):
            answer = await read_answer(reader)
            assert len(answer.body) == 4005
        return len(echo.seen)

    assert _run(story) == 3000


def test_who_is_refused_in_the_midst_of_sending_still_reads_why() -> None:
    async def story(echo, reader, writer):
        head = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 8000000\r\n\r\n"
        writer.write(head)
        for _ in range(80):  # more than all buffers between hold
            writer.write(b"x" * 100_000)
            await writer.drain()
        answer = await read_answer(reader)
        assert answer.status == 413
        assert answer.headers["connection"] == "close"
        assert await reader.read() == b""
        assert echo.seen == []

    _run(story)


def test_who_sends_on_for_ever_after_a_refusal_is_closed(monkeypatch) -> None:
    monkeypatch.setattr(hot_http, "LINGER_SECONDS", 0.5)

    async def story(echo, reader, writer):
        async def send_for_ever():
            while True:
                writer.write(b"x" * 1000)
                await writer.drain()
                await asyncio.sleep(0.05)
                echo.connections.sweep()  # the worker does it once a second

        writer.write(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 90000000\r\n\r\n")
        assert (await read_answer(reader)).status == 413
        with pytest.raises(ConnectionError):
            await send_for_ever()
        assert not echo.connections.all

    _run(story)
