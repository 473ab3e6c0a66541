"""Gunicorn settings of the ingest door: its own port, its own processes, few layers."""

from portal import settings

_config = settings.load()

wsgi_app = "portal.ingest.door:make_door()"
bind = f"0.0.0.0:{_config.ingest_port}"
worker_class = "asgi"
workers = _config.ingest_workers
asgi_lifespan = "on"
# Both in C: half the time of a request is the server's, not ours.
asgi_loop = "uvloop"
http_parser = "fast"
backlog = 2048
# A worker that hangs is replaced; every batch it acknowledged is in the journal.
timeout = 60
graceful_timeout = 15
keepalive = 75
control_socket_disable = True
proc_name = "tram-door"
accesslog = None
errorlog = "-"
loglevel = "warning"
