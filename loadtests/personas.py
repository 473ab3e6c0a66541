"""Who uses the system during a rush: each as a Locust user with the pace of a person or a table."""

import itertools
import os
import random
import re
import time
from http import HTTPStatus
from typing import Any

import gevent
from locust import HttpUser, between, constant_pacing, task

from loadtests.things import Device, prepared, slip_code

DOOR = os.environ.get("TRAM_LOAD_DOOR", "http://127.0.0.1:8081")
PORTAL = os.environ.get("TRAM_LOAD_PORTAL", "http://127.0.0.1:8080")
# Behind one proxy all are one address; without it citizens go to the look-up door by themselves.
LOOK_UP = os.environ.get("TRAM_LOAD_LOOK_UP", PORTAL)
_next_device = itertools.count()
_FILE = re.compile(r'href="(/jobs/[^"]+/file)"')
_CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


def _is_polite(answer: Any) -> bool:
    """503 with a time to come back: the page of an overload (portal.web.shedding)."""
    return answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE and bool(
        answer.headers.get("Retry-After")
    )


class Collector(HttpUser):
    """A table at a collection point: one tube of five people at a time, re-sent until kept."""

    host = DOOR
    weight = 10
    wait_time = constant_pacing(1)
    tubes = 1

    def on_start(self) -> None:
        devices = prepared()["devices"]
        number = next(_next_device)
        if number >= len(devices):
            self.environment.runner.quit()
            raise RuntimeError(
                "more collectors than devices: give tram loadtest a higher --devices"
            )
        self.device = Device(devices[number])
        self.cursor = 0

    @task(20)
    def send(self) -> None:
        body, _ = self.device.tubes(self.tubes, 5)
        while True:
            with self.client.post(
                "/ingest/v1/batches", body, headers=self.device.headers, catch_response=True
            ) as answer:
                if answer.status_code == HTTPStatus.ACCEPTED:
                    return
                wait = answer.headers.get("Retry-After", "1")
                if answer.status_code in {429, 503}:
                    answer.success()  # it says when to come back; that is no failure
            gevent.sleep(float(wait))

    @task(2)
    def ask(self) -> None:
        answer = self.client.get(
            f"/ingest/v1/outcomes?after={self.cursor}",
            headers=self.device.headers,
            name="/ingest/v1/outcomes",
        )
        if answer.ok:
            self.cursor = answer.json()["next"]


class Citizen(HttpUser):
    """Somebody on a phone who looks for a result, mistypes, and gets the same polite no."""

    host = LOOK_UP
    weight = 3
    wait_time = between(2, 6)

    @task
    def look_up(self) -> None:
        with self.client.get("/tra-cuu", catch_response=True) as page:
            if _is_polite(page):
                page.request_meta["name"] = "/tra-cuu (asked to wait)"
                page.success()
        found = _CSRF.search(page.text)
        if not found:
            return
        fields = {
            "csrf_token": found.group(1),
            "code": slip_code(),
            "factor": f"{random.randrange(1950, 2010)}",
        }
        with self.client.post("/tra-cuu", fields, catch_response=True) as answer:
            if _is_polite(answer) or answer.status_code in {200, 404, 422, 429}:
                answer.success()


class _Staff(HttpUser):
    abstract = True
    host = PORTAL
    wait_time = between(1, 4)
    role = ""
    pages: tuple[str, ...] = ()

    def on_start(self) -> None:
        login = prepared()["logins"].get(self.role)
        self.is_in = False
        if login is None:
            return
        found = _CSRF.search(self.client.get("/login/").text)
        fields = {**login, "csrf_token": found.group(1) if found else ""}
        self.is_in = self.client.post("/login/", fields).url.endswith("/login/") is False

    @task
    def look(self) -> None:
        if self.is_in:
            self.open(random.choice(self.pages))

    def open(self, page: str) -> None:
        """One page. A list that is politely refused when every thread is busy is told apart."""
        with self.client.get(page, catch_response=True) as answer:
            if _is_polite(answer):
                answer.request_meta["name"] = f"{page} (asked to wait)"
                answer.success()


class Coordinator(_Staff):
    """The province room: home, lists, findings."""

    role = "coordinator"
    pages = ("/", "/samples/list/", "/tubes/list/", "/findings/list/")


class Laboratory(_Staff):
    """The bench: receipt, racks, runs."""

    role = "laboratory"
    pages = ("/", "/laboratory/receipt/", "/laboratory/rack/", "/laboratory/runs/")


class Exporter(_Staff):
    """A data officer who asks for the file of all samples, waits for it, and takes it home."""

    role = "exporter"
    fixed_count = 1
    wait_time = between(1, 2)
    # How many lines the file must have below its head.
    rows = int(os.environ.get("TRAM_LOAD_ROWS", "0"))

    @task
    def look(self) -> None:
        if not self.is_in:
            return
        token = _CSRF.search(self.client.get("/samples/list/?size=50", name="/samples/list/").text)
        begun = time.monotonic()
        fields = {
            "format": "csv",
            "purpose": "statistics",
            "csrf_token": token.group(1) if token else "",
        }
        self.client.post("/samples/export", fields)
        link = None
        while link is None:
            gevent.sleep(1)
            link = _FILE.search(self.client.get("/jobs/").text)
        lines, last = 0, b""
        with self.client.get(
            link.group(1), name="/jobs/file", stream=True, catch_response=True
        ) as answer:
            for part in answer.iter_content(1 << 20):
                lines, last = lines + part.count(b"\n"), part
            if answer.status_code != HTTPStatus.OK or not last or lines - 1 < self.rows:
                answer.failure(f"the file has {lines - 1} lines, {self.rows} expected")
        self.environment.events.request.fire(
            request_type="file",
            name="export, asked to fetched",
            response_time=(time.monotonic() - begun) * 1000,
            response_length=0,
            exception=None,
            context={},
        )
        gevent.sleep(600)
