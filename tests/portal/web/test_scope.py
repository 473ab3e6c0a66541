"""The wall of row scope, for reads and writes of any code on the session, not only of views."""

import uuid

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import joinedload

from portal import clock, db
from portal.accounts.login import login_of
from portal.actors import Actor
from portal.errors import NotFound
from portal.jobs import services as jobs
from portal.jobs.models import Job
from portal.people.models import Person
from portal.samples.models import CustodyEvent, Sample, Tube
from portal.sites.models import Site
from tests.portal.web.world import World


def _actor(app: Flask, world: World, username: str) -> Actor:
    with app.app_context(), db.session_factory() as session:
        return login_of(session, session.merge(world.staff[username])).actor


@pytest.fixture
def collector(app: Flask, world: World) -> Actor:
    return _actor(app, world, "collector-a")


def test_every_way_of_asking_gives_only_the_rows_of_the_site(
    collector: Actor, world: World
) -> None:
    other = world.samples["b"][0]
    with db.transaction(collector) as session:
        assert len(session.scalars(sa.select(Sample)).all()) == 3
        assert session.query(Sample).count() == 3
        assert session.scalar(sa.select(sa.func.count()).select_from(Sample)) == 3
        assert session.scalar(sa.select(sa.func.max(Sample.id))) < other.id
        assert session.get(Sample, other.id) is None
        assert session.scalars(sa.select(Sample.id).where(Sample.id == other.id)).all() == []
        chosen = sa.select(Tube).where(Tube.id.in_(sa.select(Sample.tube_id)))
        assert [tube.site_id for tube in session.scalars(chosen)] == [collector_site(world)]


def collector_site(world: World) -> int:
    return world.sites["a"].id


def test_a_bulk_update_or_delete_reaches_only_the_rows_of_the_site(
    collector: Actor, world: World
) -> None:
    with db.transaction(collector) as session:
        changed = session.execute(sa.update(Sample).values(state_reason="x"))
        assert changed.rowcount == 3  # type: ignore[attr-defined]
    with db.session_factory() as session:
        assert session.get_one(Sample, world.samples["b"][0].id).state_reason == ""


def test_rows_of_a_child_follow_their_parent(collector: Actor, world: World) -> None:
    with db.session_factory() as session, session.begin():
        for name in "ab":
            tube_id = world.samples[name][0].tube_id
            session.add(CustodyEvent(tube_id=tube_id, kind="sent", at=clock.now()))
    with db.transaction(collector) as session:
        (event,) = session.scalars(sa.select(CustodyEvent)).all()
        assert event.tube_id == world.samples["a"][0].tube_id


def test_a_person_registered_elsewhere_is_seen_with_ones_own_sample(
    collector: Actor, world: World
) -> None:
    with db.session_factory() as session, session.begin():
        session.get_one(Sample, world.samples["a"][0].id).person_id = world.samples["b"][
            0
        ].person_id
    with db.transaction(collector) as session:
        found = session.scalars(
            sa.select(Sample)
            .where(Sample.id == world.samples["a"][0].id)
            .options(joinedload(Sample.person))
        ).one()
        assert found.person.full_name == "Nguyễn Văn b0"
        names = session.scalars(sa.select(Person.full_name)).all()
        assert "Nguyễn Văn b0" not in names


def test_a_statement_on_plain_tables_does_not_pass_by_the_wall(collector: Actor) -> None:
    with db.transaction(collector) as session, pytest.raises(RuntimeError, match="scope wall"):
        session.execute(sa.select(Sample.__table__))


@pytest.mark.parametrize("what", ["add", "move", "delete"])
def test_no_write_reaches_another_site(collector: Actor, world: World, what: str) -> None:
    own, other = world.samples["a"][0], world.samples["b"][0]

    def write() -> None:
        with db.transaction(collector) as session:
            if what == "add":
                session.add(
                    Tube(
                        code="NEW",
                        campaign_id=own.campaign_id,
                        opened_at=clock.now(),
                        collection_session_id=other.collection_session_id,
                        site_id=other.site_id,
                    )
                )
            elif what == "move":
                session.get_one(Sample, own.id).site_id = other.site_id
            else:
                with db.unscoped(session, "the test needs the row"):
                    row = session.get_one(Sample, other.id)
                session.delete(row)

    with pytest.raises(NotFound):
        write()


def test_what_is_lifted_by_name_reaches_every_site_and_is_walled_again(
    collector: Actor, world: World
) -> None:
    with db.transaction(collector) as session:
        with db.unscoped(session, "a release reaches the samples of every site"):
            for sample in session.scalars(sa.select(Sample)):
                sample.state = "HOLD"
        assert len(session.scalars(sa.select(Site)).all()) == 1
    with db.session_factory() as session:
        assert set(session.scalars(sa.select(Sample.state))) == {"HOLD"}


def test_a_laboratory_sees_the_tubes_sent_to_it_and_their_samples(app: Flask, world: World) -> None:
    technician = _actor(app, world, "laboratory-technician-b")
    with db.session_factory() as session, session.begin():
        session.get_one(Tube, world.samples["a"][0].tube_id).laboratory_id = world.sites["b"].id
    with db.transaction(technician) as session:
        both = sa.select(Sample).join(Sample.tube).order_by(Sample.id)
        assert len(session.scalars(both).all()) == 6


def test_rows_of_ones_own_are_walled_also_for_roles_that_see_the_whole_province(
    app: Flask, world: World
) -> None:
    mine, other = _actor(app, world, "coordinator"), _actor(app, world, "department-admin")
    assert mine.scope.is_everything
    for actor in (mine, other):
        with db.transaction(actor) as session:
            jobs.enqueue(session, actor, "export", {})
    with db.transaction(mine) as session:
        assert [job.created_by_id for job in session.scalars(sa.select(Job))] == [mine.user_id]
        session.execute(sa.update(Job).values(message="x"))
        assert len(session.scalars(sa.select(Sample)).all()) == 6
    with db.session_factory() as session:
        foreign = session.scalars(sa.select(Job).where(Job.created_by_id == other.user_id)).one()
        assert foreign.message == ""

    def take_over() -> None:
        with db.transaction(mine) as session:
            session.add(Job(uid=uuid.uuid4(), kind="export", created_by_id=other.user_id,
                            created_at=clock.now()))  # fmt: skip

    with pytest.raises(NotFound):
        take_over()
