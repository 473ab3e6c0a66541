"""The look-up by code for very many at once: a hot door of its own beside the portal.

The pages, the lock, the audit and the token of the form are the portal's. What differs is that the
tries that came while others were looked at are looked at together: one statement writes them down
as failed, one commit keeps that, a few statements more open what may be opened, whatever their
number. Whatever is not this one form is handed to the portal's own application, in this process.
"""

import asyncio
import logging
import random
import re
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from flask import Flask
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.test import EnvironBuilder, run_wsgi_app

from portal import clock, db
from portal.actors import PUBLIC
from portal.certificates import opening, slips
from portal.certificates.look_up_pages import PATH, LookUpPages
from portal.certificates.opening import Asked, Opened
from portal.certificates.rules import SampleFacts
from portal.declarations import lookups
from portal.declarations.lookups import Try
from portal.settings import Settings
from portal.web import hot_http, languages
from portal.web.arrivals import Arrivals
from portal.web.cookies import Cookies
from portal.web.hot_http import Answer, Done, Headers, Request
from portal.web.shedding import busy_page

log = logging.getLogger("tram.look-up")

MAX_BODY_BYTES = 16 << 10
MAX_WAITING = 1500
# Tries in hand count as failed: two workers must stay below the lock of a network (300).
MAX_TOGETHER = 128
LANES = 2
# While so many come a second, a group waits so long for more: its statements cost nearly the same
# for ten as for sixty.
SURGE_RATE, GATHER_SECONDS = 200, 0.015
_SLOW_WAITING = 64
_CODE_PATH = re.compile(r"/[krKR]/([0-9A-Za-z-]{1,40})")
_PERSONAL = {"content-length", "set-cookie", "server-timing", "x-request-id", "date", "connection"}
_SECONDS = (10, 40)
_LONGEST_CODE, _LONGEST_FACTOR = 200, 40


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A try that waits for its turn: what was asked, in which language, with whose token."""

    asked: Asked
    typed: str
    language: str
    token: str
    done: Done


class LookUpDoor:
    """The handler behind the connections of the look-up door."""

    max_body_bytes = MAX_BODY_BYTES

    def __init__(self, app: Flask, config: Settings) -> None:
        self._app = app
        self._config = config
        self.counts: Counter[str] = Counter()
        self.connection_count: Callable[[], int] = lambda: 0
        self._waiting: list[_Waiting] = []
        # SQLite has one writer; a server's disk and network are worth waiting for side by side.
        self._lanes = 1 if config.is_sqlite else LANES
        self._most = MAX_TOGETHER // self._lanes
        self._in_hand = 0
        self._arrivals = Arrivals(SURGE_RATE)
        self._timer: asyncio.TimerHandle | None = None
        self._runners: set[asyncio.Task[None]] = set()
        self._pages = LookUpPages(app)
        self._cookies = Cookies().get_signing_serializer(app)
        self._tokens = URLSafeTimedSerializer(config.secret_key, salt="wtf-csrf-token")
        self._token_seconds = int(app.config["WTF_CSRF_TIME_LIMIT"])
        self._cookie_name = str(app.config["SESSION_COOKIE_NAME"])

    async def start(self) -> None:
        """Learns the headers of the portal's own answers."""
        self._opening = ThreadPoolExecutor(self._lanes, thread_name_prefix="opening")
        self._slow = ThreadPoolExecutor(2, thread_name_prefix="portal")
        self._slow_waiting = 0
        first = self._ask_portal(Request("GET", PATH, b"", {b"host": b"localhost"}, b"", ""))
        self._headers: Headers = tuple(
            # No script stands in these pages: none needs a nonce.
            (name.lower(), re.sub(r" 'nonce-[^']*'", "", value))
            for name, value in first.headers
            if name.lower() not in _PERSONAL
        )

    async def stop(self) -> None:
        """Finishes what is waiting."""
        self._arrivals.is_surge = False
        while self._waiting or self._runners:
            if self._timer is not None:
                self._timer.cancel()
            self._begin_now()
            await asyncio.wait(self._runners)
        self._opening.shutdown(wait=True)
        self._slow.shutdown(wait=True)

    # -- requests

    def handle(self, request: Request, done: Done) -> None:
        """See `hot_http.Handler`."""
        try:
            if not self._handle_form(request, done):
                self._hand_over(request, done)
        except Exception:
            log.exception("the look-up door failed at %s", request.method)
            done(self._busy(request.method, 500))

    def _handle_form(self, request: Request, done: Done) -> bool:
        """Whether it was one of the two requests that are answered here."""
        cookies = _cookies(request.headers.get(b"cookie", b""))
        language = cookies.get(languages.COOKIE, "")
        if language not in self._app.config["LANGUAGES"]:
            language = str(self._app.config["BABEL_DEFAULT_LOCALE"])
        secret = self._secret(cookies)
        found = _CODE_PATH.fullmatch(request.path)
        if request.method in {"GET", "HEAD"} and (request.path == PATH or found):
            if secret is None and self._cookie_name in cookies:
                return False  # a login without a token yet: the portal's to complete
            self._show_form(request, done, language, secret, found.group(1) if found else "")
            return True
        if request.method != "POST" or request.path != PATH or secret is None:
            return False
        fields = _fields(request)
        if fields is None:
            return False
        token = self._token_for_next(request, fields.get("csrf_token", ""), secret)
        if token is None:
            return False
        if len(self._waiting) >= MAX_WAITING:
            self.counts["refused"] += 1
            done(self._busy("POST", 503))
        else:
            self._take(request, done, language, token, fields)
        return True

    def _take(
        self, request: Request, done: Done, language: str, token: str, fields: dict[str, str]
    ) -> None:
        typed = fields.get("code", "")[:_LONGEST_CODE]
        factor = fields.get("factor", "")[:_LONGEST_FACTOR]
        code = opening.known_code(typed)
        who = lookups.caller(self._config.secret_key, self._address(request))
        asked = Asked(code, factor, Try(who.hashed(code), who.network))
        self._waiting.append(_Waiting(asked, typed, language, token, done))
        self._arrivals.count(asyncio.get_running_loop().time())
        if self._timer is None:
            self._begin_soon()
        elif not self._waits_for_more():
            self._timer.cancel()
            self._begin_now()

    def _waits_for_more(self) -> bool:
        """Whether more is likely to come at once, from connections that wait for no answer."""
        return (
            self._arrivals.is_surge
            and len(self._waiting) < self._most
            and len(self._waiting) + self._in_hand < self.connection_count()
        )

    def _begin_soon(self) -> None:
        if self._waits_for_more():
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(GATHER_SECONDS, self._begin_now)
        else:
            self._begin_now()

    def _begin_now(self) -> None:
        """Begins a group; beside another one only if it is full, else who is at work goes on."""
        self._timer = None
        is_worth_it = not self._runners or (
            len(self._waiting) >= self._most and len(self._runners) < self._lanes
        )
        if self._waiting and is_worth_it:
            self._runners.add(asyncio.get_running_loop().create_task(self._run()))

    def _address(self, request: Request) -> str:
        """The caller; in production exactly one proxy stands in front and names it."""
        if self._config.is_production:
            given = request.headers.get(b"x-forwarded-for", b"").decode("latin-1")
            return given.rpartition(",")[2].strip() or request.peer
        return request.peer

    # -- the token of the form, as Flask-WTF makes and checks it

    def _secret(self, cookies: dict[str, str]) -> str | None:
        text = cookies.get(self._cookie_name)
        if not text or self._cookies is None:
            return None
        limit = int(self._app.permanent_session_lifetime.total_seconds())
        try:
            session = self._cookies.loads(text, max_age=limit)
        except BadData:
            return None
        secret = session.get("csrf_token") if isinstance(session, dict) else None
        return secret if isinstance(secret, str) else None

    def _token_for_next(self, request: Request, token: str, secret: str) -> str | None:
        """The token of the answer's form; None if this request is not from a form of ours."""
        try:
            given, made_at = self._tokens.loads(
                token, max_age=self._token_seconds, return_timestamp=True
            )
        except BadData:
            return None
        if not isinstance(given, str) or not compare_digest(given, secret):
            return None
        if self._config.uses_https:
            host = request.headers.get(b"host", b"").decode("latin-1")
            referrer = request.headers.get(b"referer", b"").decode("latin-1")
            if not referrer.startswith(f"https://{host}/"):
                return None
        # Most of its time lies before it still: no need to sign another one.
        is_young = (clock.now() - made_at).total_seconds() < self._token_seconds / 8
        return token if is_young else str(self._tokens.dumps(secret))

    # -- the form

    def _show_form(
        self, request: Request, done: Done, language: str, secret: str | None, code: str
    ) -> None:
        headers: Headers = self._headers
        if secret is None:
            secret = secrets.token_hex(20)
            value = self._cookies.dumps({"csrf_token": secret}) if self._cookies else ""
            secure = "; Secure" if self._config.uses_https else ""
            cookie = f"{self._cookie_name}={value}{secure}; HttpOnly; Path=/; SameSite=Lax"
            headers = (*headers, ("set-cookie", cookie))
        page = self._pages.form(language, self._tokens.dumps(secret), code, path=request.path)
        self.counts["forms"] += 1
        done(Answer(200, headers, page))

    # -- tries, many at once

    async def _run(self) -> None:
        loop, is_first = asyncio.get_running_loop(), True
        try:
            while self._waiting and (is_first or not self._waits_for_more()):
                is_first = False
                together = self._waiting[: self._most]
                del self._waiting[: self._most]
                self._in_hand += len(together)
                try:
                    answers = await loop.run_in_executor(self._opening, self._open, together)
                except Exception as error:  # noqa: BLE001 - each of them gets an answer
                    # Not the error's own text: a database's repeats the row.
                    log.error(  # noqa: TRY400
                        "%d look-ups failed: %s", len(together), type(error).__name__
                    )
                    answers = [self._busy("POST", 503)] * len(together)
                self._in_hand -= len(together)
                self.counts["tries"] += len(together)
                for one, answer in zip(together, answers, strict=True):
                    one.done(answer)
        finally:
            # In this very step: a try in the next one finds nobody at work.
            self._runners.discard(asyncio.current_task())
            if self._waiting and self._timer is None:
                self._begin_soon()

    def _open(self, together: Sequence[_Waiting]) -> list[Answer]:
        try:
            asked = [one.asked for one in together]
            with db.transaction(PUBLIC) as session:
                kept = [one.kept for one in asked]
                attempt_ids = lookups.write_down_many(session, kept, door="look-up")
            with db.transaction(PUBLIC) as session:
                opened = opening.look_up_many(session, asked, attempt_ids)
                told = [one for one in opened if one is not None]
                opening.note_reading(session, told, "look-up")
            slip_of = slips.maker(self._config)
            answers: dict[int, Answer] = {}
            for language in {one.language for one in together}:
                with self._pages.context(language):
                    for n, one in enumerate(together):
                        if one.language == language:
                            answers[n] = self._tell(one, opened[n], slip_of)
            return [answers[n] for n in range(len(together))]
        finally:
            db.db_session.remove()

    def _tell(
        self, one: _Waiting, opened: Opened | None, slip_of: Callable[[SampleFacts], str]
    ) -> Answer:
        if opened is None:
            page = self._pages.form(one.language, one.token, one.typed, is_no=True)
            return Answer(404, self._headers, page)
        return Answer(
            200, self._headers, self._pages.told(one.language, opened, one.token, slip_of)
        )

    # -- everything else

    def _hand_over(self, request: Request, done: Done) -> None:
        if self._slow_waiting >= _SLOW_WAITING:
            self.counts["refused"] += 1
            done(self._busy(request.method, 503))
            return
        loop = asyncio.get_running_loop()
        self._slow_waiting += 1

        def ended(answer: Answer) -> None:
            self._slow_waiting -= 1
            done(answer)

        def ask() -> None:
            try:
                answer = self._ask_portal(request)
            except Exception:
                log.exception("the portal failed behind the look-up door")
                answer = self._busy(request.method, 500)
            loop.call_soon_threadsafe(ended, answer)

        self._slow.submit(ask)

    def _ask_portal(self, request: Request) -> Answer:
        given = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in request.headers.items()]
        builder = EnvironBuilder(
            path=request.path,
            query_string=request.query.decode("latin-1"),
            method=request.method,
            headers=given,
            data=request.body,
            environ_base={"REMOTE_ADDR": request.peer},
        )
        try:
            parts, status, headers = run_wsgi_app(self._app.wsgi_app, builder.get_environ())
            body = b"".join(parts)
        finally:
            builder.close()
        kept = tuple((name, value) for name, value in headers if name.lower() != "content-length")
        return Answer(int(status.split()[0]), kept, body)

    def _busy(self, method: str, status: int) -> Answer:
        seconds = random.randint(*_SECONDS)  # noqa: S311 - not a secret
        headers = (
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("retry-after", str(seconds)),
        )
        return Answer(status, headers, busy_page(method, seconds).encode())

    def too_large(self) -> Answer:
        """See `hot_http.Handler`."""
        return hot_http.error(413, "too_large", "The form is too large.")

    def cut(self) -> Answer:
        """See `hot_http.Handler`."""
        return hot_http.error(400, "cut", "The connection ended before the form did.")

    def too_slow(self) -> Answer:
        """See `hot_http.Handler`."""
        return hot_http.error(408, "too_slow", "The form did not arrive in time.")


def _fields(request: Request) -> dict[str, str] | None:
    """The first value of each field; None for what is not this form."""
    kind = request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind != b"application/x-www-form-urlencoded":
        return None
    try:
        text = request.body.decode("utf-8", "replace")
        return {name: values[0] for name, values in parse_qs(text, max_num_fields=20).items()}
    except ValueError:
        return None


def _cookies(header: bytes) -> dict[str, str]:
    try:
        cookies = SimpleCookie(header.decode("latin-1"))
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in cookies.items()}
