"""One sample typed at a desk goes through the door; what is wrong is said at once, nothing kept."""

import re

import sqlalchemy as sa
from flask import Flask

from portal import db
from portal.ingest.models import Device
from portal.samples.models import Sample, Tube
from portal.settings import Settings
from tests.portal.ingest.device import tube_code
from tests.portal.scanning.test_import import apply, prepare
from tests.portal.web.world import World, sign_in, token

ADDRESS = "/sample-entries/add"


def form(browser, **changes: str) -> dict[str, str]:
    return {
        "csrf_token": token(browser, ADDRESS),
        "session_code": "Ba",
        "tube_code": tube_code(1),
        "full_name": "Nguyễn Thị Thử",
        "birth": "31/12/1990",
        "sex": "nữ",
        "subject_group": "f1",
        **changes,
    }


def test_two_people_typed_into_one_tube_are_registered(
    app: Flask, world: World, config: Settings
) -> None:
    prepare(app, world)
    manager = sign_in(app, "site-manager-a")
    assert ADDRESS in manager.get("/samples/list/").text
    first = manager.post(ADDRESS, data=form(manager), follow_redirects=True)
    assert first.status_code == 200
    code = re.search(r"[0-9A-Z]{11}", first.text.split("alert-info")[1])
    assert code
    assert tube_code(1) in first.text  # the form is ready for the next person of the tube
    apply(app, config)
    manager.post(ADDRESS, data=form(manager, full_name="Lê Văn Hai", birth="1985"))
    apply(app, config)
    with app.app_context(), db.session_factory() as session:
        tube = session.scalars(sa.select(Tube).where(Tube.code == tube_code(1))).one()
        assert (tube.sample_count, tube.status) == (2, "sealed")
        samples = session.scalars(
            sa.select(Sample).where(Sample.tube_id == tube.id).order_by(Sample.position)
        ).all()
        assert [(s.position, s.subject_group, s.source) for s in samples] == [
            (1, "f1", "typed"),
            (2, "f1", "typed"),
        ]
        assert samples[0].result_code == code[0]


def test_every_problem_is_said_at_once_and_nothing_is_kept(
    app: Flask, world: World, config: Settings
) -> None:
    prepare(app, world)
    manager = sign_in(app, "site-manager-a")
    bad = form(
        manager, tube_code="LA-ONG", full_name="Một", birth="19x0", phone="12", collected="lúc nào"
    )
    answer = manager.post(ADDRESS, data=bad)
    assert answer.status_code == 422
    assert answer.text.count("<li>") >= 5
    assert "LA-ONG" in answer.text
    assert "19x0" in answer.text  # what was typed stays
    empty = manager.post(ADDRESS, data={"csrf_token": bad["csrf_token"]})
    assert empty.status_code == 422
    ill = form(manager, is_symptomatic="y")
    manager.post(ADDRESS, data=form(manager))
    apply(app, config)
    refused = manager.post(ADDRESS, data={**ill, "full_name": "Trần Văn Ba"})
    assert refused.status_code == 422
    with app.app_context(), db.session_factory() as session:
        tubes = sa.select(Tube).where(Tube.code == tube_code(1))
        assert session.scalars(tubes).one().sample_count == 1
        assert session.scalar(sa.select(sa.func.count(Device.id))) == 1


def test_a_session_of_another_site_is_not_there(app: Flask, world: World) -> None:
    prepare(app, world)
    manager = sign_in(app, "site-manager-a")
    answer = manager.post(ADDRESS, data=form(manager, session_code="Bb"))
    assert answer.status_code in {404, 422}
    assert sign_in(app, "collector-a").get(ADDRESS).status_code == 403
