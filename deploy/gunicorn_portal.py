"""Gunicorn settings of the portal: every staff and public page."""

import gc
from typing import Any

from portal import settings
from portal.web.shedding import THREADS

_config = settings.load()

wsgi_app = "portal.app:create_app()"
bind = f"0.0.0.0:{_config.portal_port}"
worker_class = "gthread"
workers = _config.portal_workers
threads = THREADS
backlog = 2048
timeout = 120
graceful_timeout = 15
keepalive = 5
# One start of the application for all workers; each opens its own database connections.
preload_app = True
control_socket_disable = True
proc_name = "tram-portal"
accesslog = None
errorlog = "-"
loglevel = "warning"


def post_fork(server: Any, worker: Any) -> None:
    """Forgets connections that the parent opened: two processes may not share one."""
    del server
    engine = getattr(worker.app.callable, "extensions", {}).get("tram.engine")
    if engine is not None:
        engine.dispose(close=False)
    # What was loaded stays: no page waits while it is looked through for cycles.
    gc.collect()
    gc.freeze()
