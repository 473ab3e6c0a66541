"""Overload manners: what is refused first when every thread of a worker is busy.

Public pages go first, then exports and reports, then staff lists; scanning, the laboratory and
signing in go last. What is refused gets a small page made beforehand, costs next to nothing, and
says when to come back, spread so that those refused together do not return together.
"""

import random
import threading
from enum import IntEnum

from flask import Flask, Response, current_app, g, request

from portal.web import access
from portal.web.records import RowView
from portal.web.views import PublicView

# Threads of a worker (deploy/gunicorn_portal.py).
THREADS = 8


class Importance(IntEnum):
    """The higher, the later it is refused."""

    PUBLIC = 0
    REPORT = 1
    LIST = 2
    FIRST = 3


# Refused when so many requests, this one included, would be at work in this worker.
REFUSED_FROM = {
    Importance.PUBLIC: THREADS - 2,
    Importance.REPORT: THREADS - 1,
    Importance.LIST: THREADS,
}
_AREAS = {
    "exports": Importance.REPORT,
    "jobs": Importance.REPORT,
    "reporting": Importance.REPORT,
    "scanning": Importance.FIRST,
    "results": Importance.FIRST,
    "pools": Importance.FIRST,
}
_PUBLIC_AREAS = {"certificates", "declarations"}
_SECONDS = {Importance.PUBLIC: (10, 40), Importance.REPORT: (30, 90), Importance.LIST: (3, 10)}

_PAGE = """<!doctype html>
<html lang="vi"><head><meta charset="utf-8"><title>Trạm</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="{seconds}">
</head><body>
<main><h1>Đang có rất nhiều người cùng truy cập</h1>
<p>Xin vui lòng chờ. Trang này sẽ tự mở lại sau {seconds} giây; kết quả của quý vị vẫn được lưu
và không mất đi.</p>
<div lang="en"><h2>Very many people are here at once</h2>
<p>Please wait. This page opens again by itself in {seconds} seconds; your result is kept and is
not lost.</p></div></main>
</body></html>
"""
_AGAIN = """<!doctype html>
<html lang="vi"><head><meta charset="utf-8"><title>Trạm</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
</head><body>
<main><h1>Hệ thống đang bận</h1>
<p>Chưa ghi nhận gì từ lần gửi này. Xin chờ {seconds} giây rồi tải lại trang và gửi lại.</p>
<div lang="en"><h2>The system is busy</h2>
<p>Nothing of what you sent was kept. Please wait {seconds} seconds, reload the page and send it
again.</p></div></main>
</body></html>
"""


class Turnstile:
    """Counts the requests at work in this process, and who may still come in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.at_work = 0
        self.refused = dict.fromkeys(Importance, 0)

    def enter(self, importance: Importance) -> bool:
        """Whether the request may come in; if so, `leave` must follow."""
        with self._lock:
            limit = REFUSED_FROM.get(importance)
            if limit is not None and self.at_work + 1 >= limit:
                self.refused[importance] += 1
                return False
            self.at_work += 1
            return True

    def leave(self) -> None:
        """A request has ended."""
        with self._lock:
            self.at_work -= 1


def init_app(app: Flask) -> None:
    """Stands before every other hook; call it before they are registered."""
    turnstile = app.extensions["tram.turnstile"] = Turnstile()
    kinds: dict[str, Importance] = {}

    @app.before_request
    def come_in() -> Response | None:
        endpoint = request.endpoint or ""
        if endpoint not in kinds:
            kinds[endpoint] = importance_of(app, endpoint)
        if turnstile.enter(kinds[endpoint]):
            g.is_counted = True
            return None
        return _refuse(kinds[endpoint])

    @app.teardown_request
    def go(error: BaseException | None) -> None:
        del error
        if g.pop("is_counted", False):
            turnstile.leave()


def importance_of(app: Flask, endpoint: str) -> Importance:
    """By the area a route belongs to; health, files and unknown addresses cost nothing."""
    name = endpoint.partition(".")[0]
    owner = next((v for v in app.appbuilder.baseviews if v.endpoint == name), None)  # type: ignore[attr-defined]
    parts = type(owner).__module__.split(".")
    area = parts[1] if parts[0] == "portal" and len(parts) > 1 else ""
    if owner is None or not area or "Login" in name:
        return Importance.FIRST
    if area in _PUBLIC_AREAS and isinstance(owner, PublicView):
        return Importance.PUBLIC
    return Importance.LIST if isinstance(owner, RowView) else _AREAS.get(area, Importance.LIST)


def busy_page(method: str, seconds: int) -> str:
    """The small page that asks to wait, made without anything else."""
    # Only what was read may be read again by itself: a form must not be sent twice.
    page = _PAGE if method in {"GET", "HEAD"} else _AGAIN
    return page.format(seconds=seconds)


def _refuse(importance: Importance) -> Response:
    seconds = random.randint(*_SECONDS[importance])  # noqa: S311 - not a secret
    if access.wants_json():
        message = "Too much is asked at once; nothing was kept, try again."
        body = current_app.json.dumps({"code": "overloaded", "message": message, "details": []})
        response = Response(body, 503, mimetype="application/json")
    else:
        response = Response(busy_page(request.method, seconds), 503, mimetype="text/html")
    response.headers["Retry-After"] = str(seconds)
    response.headers["Cache-Control"] = "no-store"
    return response
