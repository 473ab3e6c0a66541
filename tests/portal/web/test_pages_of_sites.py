"""A page of several sites is read site by site, and shows what one read of all would."""

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import clock, db
from portal.actors import Actor, Scope
from portal.results import retests
from portal.samples.models import Sample, Tube
from portal.web import datamodel
from portal.web.datamodel import Order, fetch_page
from tests.portal.web.world import World


def _tubes(world: World) -> list[int]:
    """Of twelve more tubes every third lies at A and goes to B's bench; keys in order."""
    first, other = world.sites["a"], world.sites["b"]
    sitting = {name: world.samples[name][0].collection_session_id for name in "ab"}
    rows = [
        Tube(
            code=f"X{number}",
            campaign_id=world.campaign.id,
            collection_session_id=sitting["a"],
            site_id=first.id,
            laboratory_id=other.id if number % 3 == 0 else None,
            received_at=clock.now(),
            opened_at=clock.now(),
        )
        for number in range(12)
    ]
    world.session.add_all(rows)
    world.session.commit()
    return [row.id for row in rows]


def _walk(session: db.Session, query: sa.Select, model: type, *, down: bool) -> list[int]:
    order, seen, after = Order("id", is_descending=down), [], None
    while True:
        page = fetch_page(session, query, model, order, size=2, after=after)
        seen += [row.id for row in page.rows]
        if not page.has_next:
            break
        after = page.last
    back: list[int] = []
    before = page.first
    while before is not None:
        page = fetch_page(session, query, model, order, size=2, before=before)
        back = [row.id for row in page.rows] + back
        before = page.first if page.has_previous else None
    assert seen[: len(back)] == back
    return seen


def test_pages_of_several_parts_show_every_row_once_in_order(app: Flask, world: World) -> None:
    _tubes(world)
    sites = {name: site.id for name, site in world.sites.items()}
    for names, model in (("ab", Tube), ("b", Tube), ("ab", Sample), ("a", Sample)):
        actor = Actor("staff", 1, 1, "x", scope=Scope(site_ids=frozenset(sites[n] for n in names)))
        with app.app_context(), db.transaction(actor) as session:
            for query in (sa.select(model), sa.select(model).where(model.id % 2 == 0)):
                expected = list(session.scalars(query.with_only_columns(model.id)))
                assert expected
                assert _walk(session, query, model, down=True) == sorted(expected, reverse=True)
                assert _walk(session, query, model, down=False) == sorted(expected)


def test_a_part_is_read_in_the_order_of_its_index(app: Flask, world: World) -> None:
    """Without the parts the database would sort all that a laboratory ever received."""
    _tubes(world)
    site = world.sites["b"].id
    actor = Actor("staff", 1, 1, "x", scope=Scope(site_ids=frozenset({site})))
    with app.app_context(), db.transaction(actor) as session:
        if session.get_bind().dialect.name != "sqlite":
            pytest.skip("PostgreSQL plans by the size of tables; tests/benchmarks has large ones")
        statements: list[tuple[str, tuple]] = []

        @sa.event.listens_for(session.get_bind(), "before_cursor_execute")
        def _keep(_c: object, _k: object, statement: str, values: tuple, *_rest: object) -> None:
            statements.append((statement, values))

        ordering = [Tube.id.desc()]
        query = datamodel._merged(session, sa.select(Tube.id), Tube, ordering, 3)
        session.execute(query.order_by(*ordering).limit(3)).all()
        plan = session.connection().exec_driver_sql(
            "EXPLAIN QUERY PLAN " + statements[-1][0], statements[-1][1]
        )
        steps = [row[3] for row in plan]
    assert not any("MULTI-INDEX OR" in step for step in steps), steps
    assert not any("TEMP B-TREE" in step for step in steps), steps


def test_those_to_sample_again_are_found_by_their_small_index(app: Flask, world: World) -> None:
    with app.app_context(), db.session_factory() as session:
        if session.get_bind().dialect.name != "sqlite":
            pytest.skip("PostgreSQL plans by the size of tables; tests/benchmarks has large ones")
        statement = sa.select(Sample.site_id).where(*retests._WAITS)
        text = str(statement.compile(session.get_bind(), compile_kwargs={"literal_binds": True}))
        plan = session.connection().exec_driver_sql("EXPLAIN QUERY PLAN " + text)
        steps = [row[3] for row in plan]
    assert any("ix_samples_to_sample_again" in step for step in steps), steps
