"""Fixtures of the laboratory's tests."""

import pytest

from portal.web import scope
from tests.portal.results.laboratory import Laboratory


@pytest.fixture
def laboratory(session) -> Laboratory:
    """A laboratory with staff, on a fresh database of each kind."""
    scope.install(type(session))
    return Laboratory.make()
