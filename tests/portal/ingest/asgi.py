"""Speaks ASGI to the door inside the test's own event loop."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass


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
async def running(door):
    """The door between its start-up and its clean shutdown."""
    inbox: asyncio.Queue = asyncio.Queue()
    outbox: asyncio.Queue = asyncio.Queue()
    await inbox.put({"type": "lifespan.startup"})
    life = asyncio.create_task(door({"type": "lifespan"}, inbox.get, outbox.put))
    assert (await outbox.get())["type"] == "lifespan.startup.complete"
    yield door
    await inbox.put({"type": "lifespan.shutdown"})
    await life


async def ask(
    door,
    method: str,
    path: str,
    *,
    body: bytes | list[bytes] = b"",
    headers=(),
    query=b"",
    is_cut: bool = False,
) -> Answer:
    """One request; a list of bodies arrives in parts."""
    parts = body if isinstance(body, list) else [body]
    messages = [
        {"type": "http.request", "body": part, "more_body": i < len(parts) - 1 or is_cut}
        for i, part in enumerate(parts)
    ]
    if is_cut:
        messages.append({"type": "http.disconnect"})
    sent: list[dict] = []

    async def receive():
        return messages.pop(0)

    async def send(message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "headers": [(k.encode(), v.encode()) for k, v in dict(headers).items()],
    }
    await door(scope, receive, send)
    names = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
    return Answer(sent[0]["status"], names, b"".join(m.get("body", b"") for m in sent[1:]))
