"""Structured logs, one JSON object a line, without personal data: ids, never names or queries."""

import logging
import sys
import time
from typing import Any

import structlog
from flask import Flask, Response, g, request

from portal.web import access, timing

log = structlog.get_logger("tram")


def configure() -> None:
    """Sends structlog and the standard library to stderr as JSON; safe to repeat."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # FAB logs user names and whole queries at INFO; neither belongs in a log.
    logging.getLogger("flask_appbuilder").setLevel(logging.ERROR)


def init_app(app: Flask) -> None:
    """One line for every request that is not a static file: route, status, time, statements."""

    @app.after_request
    def tell(response: Response) -> Response:
        if request.endpoint and request.endpoint.endswith("static"):
            return response
        actor: Any = access.current_login()
        log.info(
            "request",
            request_id=timing.request_id(),
            method=request.method,
            route=str(request.url_rule) if request.url_rule else "none",
            status=response.status_code,
            ms=round((time.perf_counter() - g.started) * 1000, 1) if "started" in g else None,
            sql=timing.sql_count(),
            user_id=actor.id if actor else None,
        )
        return response
