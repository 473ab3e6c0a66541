"""The look-up door: the portal's own pages, lock, audit and form token, for many at once."""

import asyncio
import re
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import bulk, clock, db
from portal.audit.models import AuditEvent
from portal.certificates import look_up_door, queries
from portal.certificates.look_up_door import LookUpDoor
from portal.declarations import lookups
from portal.declarations.models import LookupAttempt
from portal.samples.models import Sample
from portal.web.hot_http import Connections
from tests.portal.certificates.browser import Browser
from tests.portal.certificates.world import World
from tests.portal.ingest.speaking import ask, running

BIRTH = "02/09/1984"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def world(app: Flask) -> World:
    return World(db.db_session())


def _run(app: Flask, story):
    async def whole():
        async with running(LookUpDoor(app, app.config["TRAM"])) as door:
            return await story(door)

    db.db_session.remove()
    return asyncio.run(whole())


def _token(page: str) -> str:
    return re.search(r'name="csrf_token" value="([^"]+)"', page).group(1)


def _bare(page: str) -> str:
    """A page without what each answer has of its own."""
    return re.sub(r'name="(csrf_token|ticket)" value="[^"]+"', r'name="\1"', page)


async def _open_form(door, path: str = "/tra-cuu", **headers: str):
    answer = await ask(door, "GET", path, headers=headers)
    assert answer.status == 200
    cookie = answer.headers["set-cookie"].partition(";")[0]
    return answer.body.decode(), {"cookie": "; ".join([cookie, *headers.values()])}


async def _send(door, page: str, cookie: dict[str, str], code: str, factor: str = BIRTH, **more):
    fields = {"csrf_token": _token(page), "code": code, "factor": factor, **more}
    return await ask(
        door, "POST", "/tra-cuu", body=urlencode(fields).encode(), headers=FORM | cookie
    )


def _released(world: World) -> str:
    sample = world.sample(world.person())
    world.release(sample.tube, "negative")
    code = sample.result_code
    world.session.commit()
    return code


@pytest.mark.parametrize("language", ["vi", "en"])
def test_its_pages_are_the_portals(app: Flask, world: World, language: str) -> None:
    code = _released(world)
    client = app.test_client()
    client.set_cookie("language", language)
    browser = Browser(client)

    async def story(door):
        shown = []
        for path in ("/tra-cuu", f"/r/{code}", "/k/no-such-code"):
            page, cookie = await _open_form(door, path, cookie=f"language={language}")
            shown.append(page)
        for factor in (BIRTH, "01/01/1999", BIRTH):
            answer = await _send(door, page, cookie, f" {code.lower()} ", factor)
            shown.append(answer.body.decode())
            assert answer.headers["cache-control"] == "no-store"
            assert "script-src 'self'" in answer.headers["content-security-policy"]
        return shown

    shown = _run(app, story)
    expected = [browser.open(path).html for path in ("/tra-cuu", f"/r/{code}", "/k/no-such-code")]
    for factor in (BIRTH, "01/01/1999", BIRTH):
        browser.open("/tra-cuu")
        expected.append(browser.send(code=f" {code.lower()} ", factor=factor).html)
    assert [_bare(page) for page in shown] == [_bare(page) for page in expected]


def test_pages_of_one_shape_tell_each_their_own(app: Flask, world: World) -> None:
    codes, names = [], ("Y Blô Niê & <con>", "Đỗ 'Bé' Hai", "Lê Thị Ba")
    for name in names:
        sample = world.sample(world.person(full_name=name))
        world.release(sample.tube, "negative")
        codes.append(sample.result_code)
    world.session.commit()

    async def story(door):
        page, cookie = await _open_form(door)
        return [(await _send(door, page, cookie, code)).body.decode() for code in codes]

    pages = _run(app, story)
    for code, page in zip(codes, pages, strict=True):
        browser = Browser(app.test_client())
        browser.open("/tra-cuu")
        assert _bare(page) == _bare(browser.send(code=code, factor=BIRTH).html)
    assert len({_bare(page) for page in pages}) == len(names)


def test_what_it_opened_goes_on_in_the_portal(app: Flask, world: World) -> None:
    code = _released(world)

    async def story(door):
        page, cookie = await _open_form(door)
        opened = (await _send(door, page, cookie, code)).body.decode()
        fields = {
            "csrf_token": _token(opened),
            "ticket": re.search(r'name="ticket" value="([^"]+)"', opened).group(1),
            "sample": re.search(r'name="sample" value="([^"]+)"', opened).group(1),
        }
        body = urlencode(fields).encode()
        paper = await ask(door, "POST", "/tra-cuu/giay", body=body, headers=FORM | cookie)
        landing = await ask(door, "GET", "/cong-dan")
        return paper, landing

    paper, landing = _run(app, story)
    assert paper.status == 200
    assert paper.body.startswith(b"%PDF")
    assert landing.status == 200


def test_every_no_is_the_same_and_every_try_is_counted_and_every_reading_noted(
    app: Flask, world: World
) -> None:
    code = _released(world)

    async def story(door):
        page, cookie = await _open_form(door)
        tries = [(code, BIRTH), (code, "01/01/1999"), ("7Q2M8K4PXH3", BIRTH), ("?", "")]
        answers = await asyncio.gather(*(_send(door, page, cookie, *one) for one in tries))
        return [(a.status, a.body.decode()) for a in answers]

    answers = _run(app, story)
    assert [status for status, _ in answers] == [200, 404, 404, 404]
    refused = {re.sub(r'name="code" value="[^"]*"', "", _bare(page)) for _, page in answers[1:]}
    assert len(refused) == 1
    session = db.db_session()
    attempts = session.execute(sa.select(LookupAttempt.door, LookupAttempt.is_success)).all()
    assert sorted(attempts) == [("look-up", False)] * 3 + [("look-up", True)]
    read = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "read")).all()
    assert [(event.table_name, event.purpose) for event in read] == [("samples", "look-up")]


def test_guessing_many_at_once_locks_the_code(app: Flask, world: World) -> None:
    code = _released(world)

    async def story(door):
        page, cookie = await _open_form(door)
        guesses = [f"{year}" for year in range(1950, 2010)]
        answers = await asyncio.gather(*(_send(door, page, cookie, code, g) for g in guesses))
        right = await _send(door, page, cookie, code)
        return {a.status for a in answers}, right.status

    assert _run(app, story) == ({404}, 404)


@pytest.mark.parametrize("fault", ["missing", "forged", "of another browser"])
def test_a_form_that_is_not_its_own_opens_nothing(app: Flask, world: World, fault: str) -> None:
    code = _released(world)

    async def story(door):
        page, cookie = await _open_form(door)
        other, _ = await _open_form(door)
        token = {"missing": "", "forged": _token(page)[:-2] + "xx"}.get(fault, _token(other))
        return await _send(door, page, cookie, code, csrf_token=token)

    assert _run(app, story).status == 400
    assert db.db_session().scalar(sa.select(sa.func.count()).select_from(LookupAttempt)) == 0


def test_too_many_at_once_are_asked_to_wait(app: Flask, world: World, monkeypatch) -> None:
    code = _released(world)
    monkeypatch.setattr(look_up_door, "MAX_WAITING", 2)

    async def story(door):
        page, cookie = await _open_form(door)
        return await asyncio.gather(*(_send(door, page, cookie, code) for _ in range(30)))

    answers = _run(app, story)
    refused = [a for a in answers if a.status == 503]
    assert refused
    assert {a.status for a in answers} == {200, 503}
    assert all(10 <= int(a.headers["retry-after"]) <= 40 for a in refused)
    assert "Nothing of what you sent was kept" in refused[0].body.decode()


def test_what_is_remembered_is_told_only_while_it_is_so(app: Flask, world: World) -> None:
    sample = world.sample(world.person(full_name="Lê Thị Ba"))
    world.release(sample.tube, "negative")
    code = sample.result_code
    world.session.commit()

    async def story(door):
        page, cookie = await _open_form(door)
        first = [(await _send(door, page, cookie, code)).body.decode() for _ in range(2)]
        with db.session_factory() as session, session.begin():
            session.get(Sample, sample.id).withdrawn_at = clock.now()
        withdrawn = (await _send(door, page, cookie, code)).body.decode()
        wrong = await _send(door, page, cookie, code, "01/01/1999")
        return first, withdrawn, wrong.status

    (first, again), withdrawn, status = _run(app, story)
    assert _bare(first) == _bare(again)
    assert "data:image/png" in first
    assert "data:image/png" not in withdrawn
    assert status == 404
    readings = sa.select(sa.func.count()).where(AuditEvent.action == "read")
    assert db.db_session().scalar(readings) == 3
    browser = Browser(app.test_client())
    browser.open("/tra-cuu")
    assert _bare(withdrawn) == _bare(browser.send(code=code, factor=BIRTH).html)


def test_sqlite_reads_no_more_than_what_is_asked_for(app: Flask, world: World) -> None:
    """Whatever the number of results and of tries, a look-up reads those it is about."""
    session = world.session
    if not bulk.is_sqlite(session):
        pytest.skip("a plan of SQLite, which has no figures of its tables")
    asked: list[str] = []

    def listen(conn, cursor, statement, parameters, context, many):
        del conn, context, many
        if statement.lstrip().startswith(("SELECT", "WITH")):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            asked.append("\n".join(row[3] for row in cursor.fetchall()))

    tries = [lookups.Try("a" * 64, "b" * 64)]
    sa.event.listen(session.get_bind(), "before_cursor_execute", listen)
    try:
        queries.facts_by_code(session, ["7Q2M8K4PXH3"])
        lookups.failures_of_many(session, tries)
    finally:
        sa.event.remove(session.get_bind(), "before_cursor_execute", listen)
    facts, failures = asked
    assert "SEARCH lab_results USING INDEX ix_lab_results_tube_id_version" in facts
    assert "SCAN samples" not in facts
    assert "USING INDEX ix_lookup_attempts_failed_network_at (network=? AND at>?)" in failures
    assert "SCAN a" not in failures.replace("SCAN asked", "")


def test_postgresql_asks_by_keys_though_its_tables_were_small(app: Flask, world: World) -> None:
    """A plan made while a table is empty is kept while it grows by a thousand rows a second."""
    if bulk.is_sqlite(world.session):
        pytest.skip("SQLite plans without regard to the size of its tables")
    world.session.close()
    engine = app.extensions["tram.engine"]
    db.read_by_keys(engine)
    plans: list[str] = []

    def listen(conn, cursor, statement, parameters, context, many):
        del conn, context, many
        if statement.lstrip().startswith(("SELECT samples", "WITH", "UPDATE")):
            cursor.execute(f"EXPLAIN {statement}", parameters)
            plans.append("\n".join(row[0] for row in cursor.fetchall()))

    session = db.db_session()
    sa.event.listen(engine, "before_cursor_execute", listen)
    try:
        queries.facts_by_code(session, ["7Q2M8K4PXH3"])
        lookups.failures_of_many(session, [lookups.Try("a" * 64, "b" * 64)])
        lookups.mark_opened(session, [1])
    finally:
        sa.event.remove(engine, "before_cursor_execute", listen)
    assert len(plans) == 3
    assert not [plan for plan in plans if "Seq Scan" in plan]


def test_at_a_surge_tries_wait_for_those_who_may_still_come(
    app: Flask, world: World, monkeypatch
) -> None:
    codes = [_released(world) for _ in range(7)]
    monkeypatch.setattr(look_up_door, "GATHER_SECONDS", 30)
    groups: list[int] = []
    opened = LookUpDoor._open

    def counted(self, together):
        groups.append(len(together))
        return opened(self, together)

    monkeypatch.setattr(LookUpDoor, "_open", counted)

    async def story(door):
        page, cookie = await _open_form(door)
        await _send(door, page, cookie, codes[0])
        door._arrivals._began -= 1
        door._arrivals._count = 10_000
        # Each on a connection of its own: with the last one nobody is left who could send.
        door.connection_count = lambda: 6
        asked = [_send(door, page, cookie, code) for code in codes[1:]]
        answers = await asyncio.wait_for(asyncio.gather(*asked), 25)
        return {answer.status for answer in answers}

    assert _run(app, story) == {200}
    assert groups == [1, 6]


def test_tries_that_wait_for_more_are_answered_at_the_end(
    app: Flask, world: World, monkeypatch
) -> None:
    code = _released(world)
    monkeypatch.setattr(look_up_door, "GATHER_SECONDS", 30)

    async def story(door):
        page, cookie = await _open_form(door)
        door._arrivals._began = asyncio.get_running_loop().time() - 1
        door._arrivals._count = 10_000
        door.connection_count = lambda: 1000
        asked = asyncio.create_task(_send(door, page, cookie, code))
        await asyncio.sleep(0.3)
        assert not asked.done()
        await asyncio.wait_for(door.stop(), 25)
        return (await asked).status

    async def whole():
        door = LookUpDoor(app, app.config["TRAM"])
        await door.start()
        server = await asyncio.get_running_loop().create_server(Connections(door), "127.0.0.1", 0)
        door.port = server.sockets[0].getsockname()[1]
        try:
            return await story(door)
        finally:
            server.close()

    db.db_session.remove()
    assert asyncio.run(whole()) == 200
