"""How long an answer took and how many statements it cost, told in `Server-Timing`; request ids."""

import re
import time
from contextvars import ContextVar
from typing import Any

import sqlalchemy as sa
import uuid_utils
from flask import Flask, Response, g, request

_sql: ContextVar[list[float] | None] = ContextVar("sql", default=None)
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,36}")


def init_app(app: Flask, engine: sa.Engine) -> None:
    """Counts the statements of every request and writes the header."""
    sa.event.listen(engine, "before_cursor_execute", _before)
    sa.event.listen(engine, "after_cursor_execute", _after)
    app.before_request(_begin)
    app.after_request(_report)
    app.teardown_request(_end)


def request_id() -> str:
    """The id of this request, for logs and audit; empty outside a request."""
    return str(g.get("request_id", "")) if g else ""


def sql_count() -> int:
    """How many statements this request has sent so far."""
    return len(_sql.get() or ())


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else str(uuid_utils.uuid7())
    g.started = time.perf_counter()
    _sql.set([])


def _end(error: BaseException | None) -> None:
    del error
    _sql.set(None)


def _report(response: Response) -> Response:
    if "started" not in g:
        return response
    times = _sql.get() or []
    total = (time.perf_counter() - g.started) * 1000
    response.headers["Server-Timing"] = (
        f'total;dur={total:.1f}, sql;dur={sum(times) * 1000:.1f};desc="{len(times)} statements"'
    )
    response.headers["X-Request-Id"] = g.request_id
    return response


def _before(
    conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: Any
) -> None:
    del conn, cursor, statement, parameters, many
    if context is not None:
        context.tram_started = time.perf_counter()


def _after(
    conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: Any
) -> None:
    del conn, cursor, statement, parameters, many
    times = _sql.get()
    if times is not None:
        started = getattr(context, "tram_started", None)
        times.append(time.perf_counter() - started if started else 0.0)
