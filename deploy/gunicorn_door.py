"""Gunicorn settings of the ingest door: its own port, its own processes, few layers."""

from portal import settings
from portal.web.hot_worker import claim_port

_config = settings.load()

wsgi_app = "portal.ingest.door:make_door"
bind = f"0.0.0.0:{_config.ingest_port}"
worker_class = "portal.web.hot_worker.HotWorker"
workers = _config.ingest_workers
asgi_loop = "uvloop"
backlog = 2048
# Each worker has a socket of its own: from one for all, whoever wakes first takes nearly every
# connection.
reuse_port = True
on_starting = claim_port
# A worker that hangs is replaced; every batch it acknowledged is in the journal.
timeout = 60
graceful_timeout = 15
control_socket_disable = True
proc_name = "tram-door"
accesslog = None
errorlog = "-"
loglevel = "warning"
