"""The small province, for laws that are tried on the running application."""

import pytest
from flask import Flask

from portal.accounts import login
from tests.portal.web import world as worlds


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind of database is enough: these laws are of the web layer."""
    return sqlite_url


@pytest.fixture
def world(app: Flask) -> worlds.World:
    """Two sites, and one account of every role at each."""
    login.forget_logins()
    return worlds.make(app)
