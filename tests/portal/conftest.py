"""The small province on both databases, and its staff."""

from collections.abc import Iterator

import pytest
from flask import Flask

from portal.accounts import login
from tests.portal.web import world as worlds
from tests.portal.web.screens import shown


@pytest.fixture
def world(app: Flask) -> worlds.World:
    """Two sites with three samples each, and one account of every role at each."""
    login.forget_logins()
    return worlds.make(app)


@pytest.fixture
def screens(app: Flask, world: worlds.World) -> Iterator[Flask]:
    """The application with the two screens of the tests."""
    with shown(app) as application:
        yield application
