"""A gunicorn worker for the hot doors: an event loop that speaks `hot_http` to one handler."""

import asyncio
import gc
import os
import socket
import time
from collections.abc import Callable
from typing import Any, Protocol

from gunicorn.arbiter import Arbiter
from gunicorn.workers.gasgi import ASGIWorker

from portal.web.hot_http import Connections, Handler

_PORT_SECONDS = 5.0


def claim_port(arbiter: Arbiter) -> None:
    """Gunicorn's `on_starting`: ends it if anybody else listens where its workers will.

    Each worker binds for itself (`reuse_port`), so that a second door, of another installation
    perhaps, would get half of the connections without anybody noticing. Workers whose arbiter was
    killed end within a second or two.
    """
    give_up_at = time.monotonic() + _PORT_SECONDS
    for address in arbiter.cfg.address:
        if not isinstance(address, tuple):
            continue
        while not _is_free(address):
            if time.monotonic() > give_up_at:
                arbiter.log.error("port %s is in use by another process", address[1])
                raise SystemExit(1)
            time.sleep(0.2)


def _is_free(address: tuple[str, int]) -> bool:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError:
            return False
        return True


class App(Handler, Protocol):
    """A handler with a life of its own in each worker."""

    async def start(self) -> None:
        """Opens what it needs, in the worker itself."""
        ...

    async def stop(self) -> None:
        """Finishes what it has taken, then closes everything."""
        ...


class HotWorker(ASGIWorker):
    """Gunicorn's asyncio worker (loop, signals, heartbeat) without ASGI in between.

    The application that gunicorn loads is a function that makes the handler.
    """

    asgi: Callable[[], App]
    connections: Connections

    @property
    def nr_conns(self) -> int:
        """Connections that gunicorn waits for at the end."""
        return self.connections.busy_count if hasattr(self, "connections") else 0

    @nr_conns.setter
    def nr_conns(self, value: Any) -> None:
        """Counted here, not by gunicorn."""

    async def _serve(self) -> None:
        try:
            app = self.asgi()
            await app.start()
        except Exception as error:
            self.log.exception("the worker can not start")
            # Gunicorn ends; whoever keeps it running starts it again, at growing intervals.
            raise SystemExit(Arbiter.WORKER_BOOT_ERROR) from error
        self.connections = Connections(app)
        # What was loaded stays: looking it through again and again would stop everybody for as
        # long as many commits take.
        gc.collect()
        gc.freeze()
        for listener in self.sockets:
            server = await self.loop.create_server(
                self.connections, sock=listener.sock, ssl=self._get_ssl_context()
            )
            self.servers.append(server)
        try:
            while self.alive:
                self.notify()
                if self.ppid != os.getppid():
                    self.log.info("Parent changed, shutting down: %s", self)
                    break
                self.connections.sweep()
                await asyncio.sleep(1.0)
        finally:
            self.connections.close_idle()
            await self._shutdown()
            await app.stop()
