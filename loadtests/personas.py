"""Who uses the system during a rush: each as a Locust user with the pace of a person or a table."""

import itertools
import os
import random
import re
from http import HTTPStatus

import gevent
from locust import HttpUser, between, constant_pacing, task

from loadtests.things import Device, prepared, slip_code

DOOR = os.environ.get("TRAM_LOAD_DOOR", "http://127.0.0.1:8081")
PORTAL = os.environ.get("TRAM_LOAD_PORTAL", "http://127.0.0.1:8080")
_next_device = itertools.count()
_CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Collector(HttpUser):
    """A table at a collection point: one tube of five people at a time, re-sent until kept."""

    host = DOOR
    weight = 10
    wait_time = constant_pacing(1)

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
        body, _ = self.device.tubes(1, 5)
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

    host = PORTAL
    weight = 3
    wait_time = between(2, 6)

    @task
    def look_up(self) -> None:
        page = self.client.get("/tra-cuu")
        found = _CSRF.search(page.text)
        if not found:
            return
        fields = {
            "csrf_token": found.group(1),
            "code": slip_code(),
            "factor": f"{random.randrange(1950, 2010)}",
        }
        with self.client.post("/tra-cuu", fields, catch_response=True) as answer:
            # 503 with a time to come back is the polite page of an overload (portal.web.shedding).
            is_polite = answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE and bool(
                answer.headers.get("Retry-After")
            )
            if is_polite or answer.status_code in {200, 404, 422, 429}:
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
            self.client.get(random.choice(self.pages))


class Coordinator(_Staff):
    """The province room: home, lists, findings."""

    role = "coordinator"
    pages = ("/", "/samples/list/", "/tubes/list/", "/findings/list/")


class Laboratory(_Staff):
    """The bench: receipt, racks, runs."""

    role = "laboratory"
    pages = ("/", "/laboratory/receipt/", "/laboratory/rack/", "/laboratory/runs/")
