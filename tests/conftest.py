"""Real databases for every test: a migrated SQLite file copied, a PostgreSQL database cloned."""

import functools
import gc
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import db, migrations, settings
from portal.accounts import login
from portal.app import create_app
from tests import nats, postgres

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite database."""
    path = tmp_path_factory.mktemp("template") / "tram.sqlite"
    migrations.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[str]:
    """The address of a PostgreSQL cluster of this test process."""
    with postgres.cluster() as address:
        yield address


@pytest.fixture(scope="session")
def postgres_template(postgres_cluster: str) -> str:
    """The name of a migrated, empty PostgreSQL database to clone."""
    _administer(postgres_cluster, "CREATE DATABASE template_tram")
    migrations.upgrade(f"{postgres_cluster}/template_tram")
    return "template_tram"


def _administer(cluster: str, statement: str) -> None:
    engine = sa.create_engine(f"{cluster}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.fixture(scope="session")
def nats_cluster() -> Iterator[nats.Cluster]:
    """Three NATS nodes of this test process; every test takes a stream of its own."""
    with nats.cluster() as running:
        yield running


@pytest.fixture
def nats_url(nats_cluster: nats.Cluster) -> str:
    """The address of a stream that is not made yet."""
    return nats_cluster.url(f"tram{next(_numbers)}")


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh SQLite database."""
    path = tmp_path / "tram.sqlite"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@functools.cache
def _settle() -> None:
    """Leaves what is imported out of every later collection: it is most of all objects."""
    gc.freeze()


@pytest.fixture
def postgres_url(postgres_cluster: str, postgres_template: str) -> Iterator[str]:
    """A fresh PostgreSQL database."""
    name = f"tram_{next(_numbers)}"
    _administer(postgres_cluster, f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    yield f"{postgres_cluster}/{name}"
    # A connection somebody forgot is given back while its database still stands; found later, in
    # the middle of something else, it would complain there.
    gc.collect()
    _settle()
    _administer(postgres_cluster, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database; every test that asks for it runs on both kinds."""
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> settings.Settings:
    """Settings of a fresh installation on `database_url`."""
    return settings.load(
        {
            "TRAM_DATABASE_URL": database_url,
            "TRAM_VAR_DIR": str(tmp_path / "var"),
            "TRAM_SECRET_KEY": "a secret of the tests, long enough to be taken",
        }
    )


@pytest.fixture
def app(config: settings.Settings) -> Iterator[Flask]:
    """The web application on a fresh database."""
    # Kept by key and version, which repeat from one fresh database to the next.
    login.forget_logins()
    application = create_app(config)
    application.config["TESTING"] = True
    yield application
    db.db_session.remove()
    application.extensions["tram.engine"].dispose()


@pytest.fixture
def session(config: settings.Settings) -> Iterator[db.Session]:
    """A database session outside the web, for tests of services and queries."""
    engine = db.bind(config)
    yield db.db_session()
    db.db_session.remove()
    engine.dispose()
