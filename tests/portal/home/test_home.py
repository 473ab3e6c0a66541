"""The first page: figures of one's own sites, from counters, and the tasks of the role."""

from flask import Flask

from portal import clock, db
from portal.campaigns import counters
from portal.campaigns.counters import Measure
from portal.home import queries
from portal.home.tasks import places, tiles
from tests.portal.web.world import World, sign_in


def _count(world: World) -> None:
    hour = counters.hour_of(clock.now())
    with db.session_factory() as session, session.begin():
        counters.add(
            session,
            {
                (world.campaign.id, world.sites["a"].id, hour, Measure.PEOPLE_REGISTERED): 30,
                (world.campaign.id, world.sites["a"].id, hour, Measure.PEOPLE_RESULTED): 10,
                (world.campaign.id, world.sites["b"].id, hour, Measure.PEOPLE_REGISTERED): 500,
            },
        )


def test_figures_are_those_of_ones_own_sites(app: Flask, world: World) -> None:
    queries.forget()
    _count(world)
    with app.app_context():
        for username, registered in (("collector-a", 30), ("coordinator", 530)):
            from portal.accounts.login import login_of

            session = db.db_session()
            login = login_of(session, session.merge(world.staff[username]))
            db.request_actor.set(login.actor)
            found = queries.figures(session, login.actor)
            db.request_actor.set(None)
            assert found[Measure.PEOPLE_REGISTERED] == registered
            assert found[f"today:{Measure.PEOPLE_REGISTERED}"] == registered
            assert queries.waiting_people(found) == registered - 10


def test_the_first_page_costs_few_statements_and_then_one(app: Flask, world: World) -> None:
    queries.forget()
    browser = sign_in(app, "coordinator")
    browser.get("/jobs/")
    assert 'desc="3 statements"' in browser.get("/").headers["Server-Timing"]
    assert 'desc="1 statements"' in browser.get("/").headers["Server-Timing"]


def test_a_screen_with_work_comes_first() -> None:
    class SampleView:
        pass

    class Entry:
        childs: list[object] = []

        def __init__(self, label: str, view: object) -> None:
            self.label, self.baseview = label, view

        def get_url(self) -> str:
            return "/"

    class TubeView:
        pass

    found = queries.Figures({Measure.PEOPLE_REGISTERED: 5, Measure.TUBES_REGISTERED: 7})
    menu = [
        (Entry("Other", object()), []),
        (Entry("Sampling", None), [Entry("Tubes", TubeView()), Entry("Samples", SampleView())]),
    ]
    assert [(tile.label, tile.count) for tile in tiles(menu, found)] == [
        ("Samples", 5),
        ("Tubes", 7),
    ]
    assert [(place.label, len(place.screens)) for place in places(menu)] == [
        ("Other", 1),
        ("Sampling", 2),
    ]


def test_a_coordinator_reads_whether_scans_are_entered_a_collector_does_not(
    app: Flask, world: World
) -> None:
    queries.forget()
    page = sign_in(app, "coordinator").get("/", headers={"Accept-Language": "en"}).text
    assert "applier" in page, "no applier has ever run on this database"
    assert "applier" not in sign_in(app, "collector-a").get("/").text
