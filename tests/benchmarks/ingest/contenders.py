"""The two doors ours is compared with: plain FAB and a plain Flask route with batched inserts.

Both check a token and write one row a person-sample into one table with a unique code and two
more indexes; neither finds people, counts, audits, keeps an order or answers outcomes.
"""

import os
from typing import Any

import sqlalchemy as sa
from flask import Flask, request
from flask_appbuilder import AppBuilder, Model
from flask_appbuilder.api import ModelRestApi
from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy.orm import Mapped, mapped_column, scoped_session, sessionmaker

TOKEN = "a-token-of-the-benchmark"


class BenchSample(Model):
    """What plain FAB and plain Flask store of a person-sample."""

    __tablename__ = "bench_samples"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(40), unique=True)
    full_name: Mapped[str] = mapped_column(sa.String(120), index=True)
    national_id: Mapped[str] = mapped_column(sa.String(12), index=True)
    birth: Mapped[str] = mapped_column(sa.String(10))
    sex: Mapped[str] = mapped_column(sa.String(8))
    address: Mapped[str] = mapped_column(sa.String(240))
    tube_code: Mapped[str] = mapped_column(sa.String(24))
    position: Mapped[int] = mapped_column()
    collected_at: Mapped[str] = mapped_column(sa.String(40))


def make_engine() -> sa.Engine:
    """As durable as ours: nothing is acknowledged before it is synced."""
    url = os.environ["BENCH_URL"]
    engine = sa.create_engine(url)
    if url.startswith("sqlite"):

        @sa.event.listens_for(engine, "connect")
        def prepare(connection: Any, record: Any) -> None:
            del record
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
                connection.execute(f"PRAGMA {pragma}")

    return engine


def plain_flask() -> Flask:
    """One route: a list of rows, one INSERT, one commit."""
    app = Flask("plain_flask")
    engine = make_engine()

    @app.post("/samples")
    def accept() -> tuple[str, int]:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return "", 401
        with engine.begin() as connection:
            connection.execute(sa.insert(BenchSample), request.get_json())
        return "", 202

    return app


def plain_fab(*, is_setup: bool = False) -> Flask:
    """A ModelRestApi behind a JWT, as FAB's documentation shows it."""
    app = Flask("plain_fab")
    app.config.update(
        SECRET_KEY="benchmark" * 5,
        JWT_SECRET_KEY="benchmark" * 5,
        FAB_CREATE_DB=is_setup,
        FAB_UPDATE_PERMS=is_setup,
        WTF_CSRF_ENABLED=False,
    )
    session = scoped_session(sessionmaker(bind=make_engine()))

    class SampleApi(ModelRestApi):
        resource_name = "samples"
        datamodel = SQLAInterface(BenchSample)

    with app.app_context():
        builder = AppBuilder(app, session)
        builder.add_api(SampleApi)
        if is_setup:
            role = builder.sm.find_role("Admin")
            builder.sm.add_user("bench", "b", "b", "b@example.org", role, "benchmark-1")

    @app.teardown_appcontext
    def remove(error: BaseException | None) -> None:
        del error
        session.remove()

    return app
