"""People in tubes, and who decides about them."""

import pytest

from portal.audit import services as audit
from portal.web import scope
from tests.portal.results.laboratory import Laboratory


@pytest.fixture
def laboratory(session) -> Laboratory:
    """One province with a laboratory; `person` and `tube` make people; wall and trail stand."""
    scope.install(type(session))
    audit.install(type(session))
    return Laboratory.make()
