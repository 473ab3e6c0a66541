"""Speaks HTTP to a hot door over a socket, inside the test's own event loop."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass

from portal.web.hot_http import Connections


@dataclass(frozen=True)
class Answer:
    """Status, headers by lower-case name, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return self.json["error"]["code"]


@asynccontextmanager
async def running(app):
    """The app listening on a port of its own (`app.port`), then shut down cleanly."""
    await app.start()
    connections = Connections(app)
    server = await asyncio.get_running_loop().create_server(connections, "127.0.0.1", 0)
    app.port = server.sockets[0].getsockname()[1]
    app.connections = connections
    yield app
    connections.close_idle()
    server.close()
    await app.stop()


def request_bytes(method: str, target: str, *, body=b"", headers=()) -> bytes:
    """A whole request; a list of bodies goes in chunks."""
    given = {"host": "127.0.0.1", **dict(headers)}
    if isinstance(body, list):
        given["transfer-encoding"] = "chunked"
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [*body, b""])
    elif body or method == "POST":
        given.setdefault("content-length", str(len(body)))
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """The next answer of a connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    lines = head.strip().split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(": ")
        headers[name.lower()] = value
    body = await reader.readexactly(int(headers["content-length"]))
    return Answer(int(lines[0].split()[1]), headers, body)


async def ask(
    app, method: str, path: str, *, body=b"", headers=(), query: str = "", is_cut: bool = False
) -> Answer:
    """One request on a connection of its own; `is_cut` ends it before its body does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
    target = f"{path}?{query}" if query else path
    given = dict(headers)
    if is_cut:
        given["content-length"] = str(len(body) + 10)
    try:
        writer.write(request_bytes(method, target, body=body, headers=given))
        if is_cut:
            writer.write_eof()
        return await read_answer(reader)
    finally:
        writer.close()
