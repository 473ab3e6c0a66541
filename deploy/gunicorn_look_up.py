"""Gunicorn settings of the look-up door: its own port, its own processes."""

from portal import settings
from portal.web.hot_worker import claim_port

_config = settings.load()

wsgi_app = "portal.app:make_look_up_door"
bind = f"0.0.0.0:{_config.look_up_port}"
worker_class = "portal.web.hot_worker.HotWorker"
workers = _config.look_up_workers
asgi_loop = "uvloop"
backlog = 2048
# Each worker has a socket of its own: from one for all, whoever wakes first takes nearly every
# connection.
reuse_port = True
on_starting = claim_port
timeout = 60
graceful_timeout = 15
control_socket_disable = True
proc_name = "tram-look-up"
accesslog = None
errorlog = "-"
loglevel = "warning"
