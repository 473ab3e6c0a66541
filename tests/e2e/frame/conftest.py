"""A real server over the small province, and a real headless browser."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.serving import make_server

from portal.accounts import login
from tests.portal.web import world as worlds
from tests.portal.web.screens import shown


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database is enough for what a browser sees."""
    return sqlite_url


@pytest.fixture
def world(app: Flask) -> worlds.World:
    login.forget_logins()
    return worlds.make(app)


@pytest.fixture
def address(app: Flask, world: worlds.World) -> Iterator[str]:
    """The address of a server with the screens of the tests."""
    with shown(app):
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
        server.server_close()
