"""A gunicorn worker for the hot doors: an event loop that speaks `hot_http` to one handler."""

import asyncio
import gc
import os
from collections.abc import Callable
from typing import Any, Protocol

from gunicorn.arbiter import Arbiter
from gunicorn.workers.gasgi import ASGIWorker

from portal.web.hot_http import Connections, Handler


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
