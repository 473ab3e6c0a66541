"""Making the application."""

import dataclasses
import gc
import weakref
from http import HTTPStatus

from portal import db, settings
from portal.app import create_app


def test_an_application_nobody_holds_is_given_back(config: settings.Settings) -> None:
    application = create_app(config)
    application.extensions["tram.engine"].dispose()
    db.db_session.remove()
    seen = weakref.ref(application)
    builder = weakref.ref(application.appbuilder)  # type: ignore[attr-defined]
    del application
    gc.collect()
    assert seen() is None
    assert builder() is None


def test_a_device_posts_to_the_relay_without_a_form_token(config: settings.Settings) -> None:
    application = create_app(dataclasses.replace(config, ingest_port=1))
    answer = application.test_client().post("/ingest/v1/batches", data=b"{}")
    application.extensions["tram.engine"].dispose()
    # Nothing listens at that port, and so it is the door that is missed, not a form token (400).
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
