"""Lists come from a real streaming replica while it follows, from the database otherwise."""

import time
from collections import Counter
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import db, migrations, replica, roles, settings
from portal.accounts import login
from portal.app import create_app
from portal.jobs import worker
from portal.jobs.models import Job
from portal.web import replica as routing
from tests import postgres
from tests.portal.web import world as worlds
from tests.portal.web.screens import shown

pytestmark = pytest.mark.timeout(180)
LIST = "/tested-samples/list/"


class Pair:
    """An application on two servers, and which of them each page was read from."""

    def __init__(self, primary: postgres.Server, standby: postgres.Server, app: Flask) -> None:
        self.primary, self.standby, self.app = primary, standby, app
        self.reads: Counter[str] = Counter()
        self.rows: Counter[str] = Counter()  # statements that read samples themselves
        self.kills_at_row_reading = False
        self.replica: replica.Replica = db.db_session().info["replica"]
        for name, engine in (
            ("primary", app.extensions["tram.engine"]),
            ("replica", self.replica.engine),
        ):
            sa.event.listen(engine, "before_cursor_execute", self._counter(name))

    def _counter(self, name: str):
        def count(connection, cursor, statement, *rest) -> None:
            del connection, cursor, rest
            # What the watcher asks is no page.
            self.reads[name] += "_lsn" not in statement
            if "FROM samples" in statement:
                self.rows[name] += 1
                if name == "replica" and self.kills_at_row_reading:
                    self.kills_at_row_reading = False
                    self.standby.kill()

        return count

    def on_standby(self, statement: str) -> None:
        with sa.create_engine(self.standby.url + "/postgres").connect() as connection:
            connection.execute(sa.text(statement))
            connection.commit()

    def wait(self, *, is_fresh: bool) -> None:
        give_up_at = time.monotonic() + 30
        while self.replica.is_fresh() is not is_fresh:
            assert time.monotonic() < give_up_at
            time.sleep(0.05)

    def read(self, client, address: str = LIST) -> Counter[str]:
        self.reads.clear()
        answer = client.get(address)
        assert answer.status_code == 200
        return Counter({name: count for name, count in self.reads.items() if count})


@pytest.fixture
def pair(tmp_path) -> Iterator[Pair]:
    with postgres.server() as primary, postgres.replica_of(primary) as standby:
        migrations.upgrade(primary.url + "/postgres")
        config = settings.load(
            {
                "TRAM_DATABASE_URL": primary.url + "/postgres",
                "TRAM_REPLICA_URL": standby.url + "/postgres",
                "TRAM_VAR_DIR": str(tmp_path / "var"),
                "TRAM_SECRET_KEY": "a secret of the tests, long enough to be taken",
            }
        )
        login.forget_logins()
        app = create_app(config)
        app.config["TESTING"] = True
        found = Pair(primary, standby, app)
        with shown(app):
            yield found
        db.db_session.remove()
        found.replica.stop()
        app.extensions["tram.engine"].dispose()


@pytest.fixture
def sample_id(pair: Pair) -> int:
    """A sample of the small province."""
    return worlds.make(pair.app).samples["a"][0].id


def _sign_in(pair: Pair):
    """Somebody who may list and edit, and whose signing in is long ago."""
    client = worlds.sign_in(pair.app, "coordinator")
    with client.session_transaction() as cookie:
        cookie.pop("wrote", None)
    return client


def _edit(client, sample_id: int, position: int) -> None:
    address = f"/tested-samples/edit/{sample_id}"
    form = client.get(address).get_data(as_text=True)
    fields = {
        "csrf_token": worlds.token_of(form),
        "position": str(position),
        "source": "typed",
        "row_version": "1",
    }
    answer = client.post(address, data=fields)
    assert answer.status_code == 302, answer.get_data(as_text=True)[-3000:]


def test_who_reads_where(pair: Pair, sample_id: int) -> None:
    reader, writer = _sign_in(pair), _sign_in(pair)
    pair.wait(is_fresh=True)
    pair.read(reader)  # loads the login, and opens the first connection
    assert pair.read(reader) == {"primary": 1, "replica": 2}  # the login; rows and their number
    assert pair.read(reader, "/")["replica"] > 0
    assert pair.read(reader, f"/tested-samples/show/{sample_id}")["replica"] == 0
    assert pair.read(reader, f"/tested-samples/edit/{sample_id}")["replica"] == 0
    # Whoever wrote reads what was written, although the replica does not have it yet.
    pair.on_standby("SELECT pg_wal_replay_pause()")
    _edit(writer, sample_id, 77)
    assert pair.read(reader)["replica"] == 2
    assert pair.read(writer)["replica"] == 0
    # A replica that is too late is read by nobody.
    pair.wait(is_fresh=False)
    assert pair.read(reader)["replica"] == 0
    pair.on_standby("SELECT pg_wal_replay_resume()")
    pair.wait(is_fresh=True)
    assert pair.read(reader)["replica"] == 2
    with writer.session_transaction() as cookie:
        cookie["wrote"] -= routing.PIN_SECONDS
    assert pair.read(writer)["replica"] == 2


def test_a_killed_replica_costs_nobody_a_page_and_is_read_again_when_it_is_back(
    pair: Pair, sample_id: int
) -> None:
    reader = _sign_in(pair)
    pair.wait(is_fresh=True)
    pair.read(reader)
    assert pair.read(reader)["replica"] == 2
    pair.standby.kill()
    # The watch may not have noticed: the page itself finds out, and is answered all the same.
    pair.replica._fresh_until = time.monotonic() + 60
    pair.replica.engine.pool._pre_ping = False
    assert pair.read(reader)["primary"] >= 3
    assert not pair.replica.is_fresh()
    pair.standby.start()
    pair.wait(is_fresh=True)
    assert pair.read(reader)["replica"] == 2


def _export(pair: Pair) -> Counter[str]:
    """Has all samples written into a file; where its rows were read."""
    browser = worlds.sign_in(pair.app, "coordinator")
    asked = browser.post(
        "/tested-samples/export", data={"format": "csv", "csrf_token": worlds.token(browser)}
    )
    assert asked.status_code == 302
    pair.rows.clear()
    with pair.app.app_context():
        assert worker.run_once(pair.app.config["TRAM"].var_dir)
    with pair.app.app_context(), db.session_factory() as session:
        job = session.scalars(sa.select(Job).order_by(Job.id.desc())).first()
        assert job is not None
        assert job.status == "done"
    file = browser.get(f"/jobs/{job.uid}/file").get_data().decode("utf-8-sig")
    assert len(file.splitlines()) == 1 + 6
    return Counter(pair.rows)


def test_a_file_is_read_from_the_replica_and_from_the_database_if_that_ends(
    pair: Pair, sample_id: int
) -> None:
    roles.grant("TestedSamples", "can_export", roles.Role.COORDINATOR)
    assert set(_export(pair)) == {"replica"}
    # What was asked for a moment ago is waited for, and not for ever.
    pair.on_standby("SELECT pg_wal_replay_pause()")
    assert set(_export(pair)) == {"primary"}
    pair.on_standby("SELECT pg_wal_replay_resume()")
    pair.kills_at_row_reading = True
    assert set(_export(pair)) == {"replica", "primary"}
