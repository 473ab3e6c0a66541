"""`/healthz` for whoever supervises the portal, `/metrics` for Prometheus on the same machine."""

import os
import time
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response, abort, g, request

from portal.db import db_session
from portal.web import timing

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


def init_app(app: Flask, var_dir: Path) -> None:
    """Registers both routes and counts every request by route, never by address or person."""
    folder = var_dir / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    # Several workers answer: each writes its numbers to a file here, the scrape adds them up.
    # The library reads this variable when it is first imported, hence the import below it.
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(folder))  # noqa: TID251
    from prometheus_client import Counter, Histogram

    meters = app.extensions["tram.meters"] = _meters(Counter, Histogram)
    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/metrics", "metrics", metrics)

    @app.after_request
    def count(response: Response) -> Response:
        route = str(request.url_rule) if request.url_rule else "none"
        if "started" in g and not route.startswith("/static"):
            labels = (route, request.method, f"{response.status_code // 100}xx")
            meters["seconds"].labels(*labels).observe(time.perf_counter() - g.started)
            meters["sql"].labels(route).inc(timing.sql_count())
        return response


_made: dict[str, Any] = {}


def _meters(counter: Any, histogram: Any) -> dict[str, Any]:
    # The library's registry is one a process; a second application (tests) shares the meters.
    if not _made:
        _made["seconds"] = histogram(
            "tram_request_seconds",
            "Time to answer, by route",
            ("route", "method", "status"),
            buckets=_BUCKETS,
        )
        _made["sql"] = counter("tram_sql_statements", "SQL statements sent, by route", ("route",))
    return _made


def healthz() -> tuple[dict[str, str], int]:
    """200 while the portal can reach its database, else 503."""
    try:
        db_session().execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError:
        db_session.rollback()
        return {"status": "the database does not answer"}, 503
    return {"status": "ok"}, 200


def metrics() -> Response:
    """The numbers of all workers; asked for from elsewhere than this machine, there is no page."""
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    try:
        is_here = ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        is_here = False
    if not is_here:
        abort(404)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
