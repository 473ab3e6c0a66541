"""Plain FAB, set up as its documentation says, over the same database: where its faults show."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder import AppBuilder, ModelView
from flask_appbuilder.models.sqla.filters import FilterEqual
from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy.orm import scoped_session, sessionmaker

from portal import db
from portal.campaigns.models import Campaign
from portal.samples.models import Sample, Tube

PASSWORD = "a long password 1"


def views_of(site_id: int) -> dict[str, Any]:
    """Views with defaults, scoped to a site by base filters as FAB's manual shows it."""

    class PlainSamples(ModelView):
        datamodel = SQLAInterface(Sample)
        route_base = "/plain-samples"
        base_filters = [["site_id", FilterEqual, site_id]]
        list_columns = ["result_code", "person.full_name", "site.name"]
        edit_columns = ["position", "site"]
        search_columns = ["result_code", "state", "site"]

    class PlainTubes(ModelView):
        datamodel = SQLAInterface(Tube)
        route_base = "/plain-tubes"
        base_filters = [["site_id", FilterEqual, site_id]]

    class PlainCampaigns(ModelView):
        datamodel = SQLAInterface(Campaign)
        route_base = "/plain-campaigns"
        add_columns = ["code", "name"]
        edit_columns = ["name"]
        show_columns = ["name"]
        search_columns = ["name"]

    return {"samples": PlainSamples, "tubes": PlainTubes, "campaigns": PlainCampaigns}


@contextmanager
def plain(database_url: str, site_id: int) -> Iterator[tuple[Flask, dict[str, Any], list[str]]]:
    """The application, its view instances, and every SQL statement it sends."""
    logging.getLogger("flask_appbuilder").setLevel(logging.CRITICAL)
    engine = db.make_engine(database_url)
    statements: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    session = scoped_session(sessionmaker(bind=engine))
    app = Flask("plain")
    app.config.update(SECRET_KEY="plain", WTF_CSRF_ENABLED=False)
    with app.app_context():
        builder = AppBuilder(app, session)
        views = {
            name: builder.add_view(view, name, category="Plain")
            for name, view in views_of(site_id).items()
        }
        role = builder.sm.find_role("Admin")
        builder.sm.add_user("plain", "Plain", "Admin", "plain@tram", role, PASSWORD)
    app.teardown_appcontext(lambda _error: session.remove())
    yield app, views, statements
    session.remove()
    engine.dispose()


def enter(app: Flask, password: str = PASSWORD) -> FlaskClient:
    """A browser signed in by FAB's own door."""
    browser = app.test_client()
    answer = browser.post("/login/", data={"username": "plain", "password": password})
    assert answer.status_code == 302
    return browser
