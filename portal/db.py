"""Database access: engine, the scoped session, `transaction`, and the column types of the house."""

import datetime as dt
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar, cast

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.types import TypeDecorator

from portal import replica
from portal.actors import Actor
from portal.settings import Settings

P = ParamSpec("P")
A = TypeVar("A")

# Names that do not depend on the database, so that a migration can drop what another made.
Model.metadata.naming_convention = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def sparse_index(table: str, *columns: str) -> sa.Index:
    """An index of the few rows that have a value in its last column.

    An index that holds the NULLs of all others is large, and SQLite takes it for `IS NULL`,
    which means reading the whole table through it.
    """
    condition = sa.text(f"{columns[-1]} IS NOT NULL")
    name = f"ix_{table}_{'_'.join(columns)}"
    return sa.Index(name, *columns, postgresql_where=condition, sqlite_where=condition)


class RoutedSession(Session):
    """Reads of a request that may be a little old go to the replica; all else to the database."""

    def get_bind(self, mapper: Any = None, *, clause: Any = None, **options: Any) -> Any:
        """The replica's engine for such a read, outside `transaction`."""
        kept: replica.Replica | None = self.info.get("replica")
        is_write = self._flushing or isinstance(clause, sa.UpdateBase) or self.info.get("actor")
        if kept is not None and not is_write and replica.is_enough.get():
            return kept.engine
        return super().get_bind(mapper, clause=clause, **options)


session_factory = sessionmaker(class_=RoutedSession, autoflush=False, expire_on_commit=False)
# One session a thread; the web application removes it after each request.
db_session = scoped_session(session_factory)


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An instant: aware in Python, UTC in the database. A naive value is refused."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> Any:
        """Refuses naive values; SQLite, which has no zones, gets plain UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = "a naive datetime may not enter the database"
            raise ValueError(message)
        utc = value.astimezone(dt.UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(
        self, value: dt.datetime | None, dialect: Dialect
    ) -> dt.datetime | None:
        """Always aware, always UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


# BIGINT does not autoincrement in SQLite, where INTEGER is 64 bits wide anyway.
BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def make_engine(url: str, **options: Any) -> Engine:
    """An engine for `url`, with the settings each database needs to be durable and not to wait."""
    if url.startswith("sqlite"):
        engine = sa.create_engine(url, connect_args={"timeout": 30}, **options)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        return engine
    return sa.create_engine(url, pool_size=10, max_overflow=20, pool_pre_ping=True, **options)


def read_by_keys(engine: Engine) -> None:
    """Has PostgreSQL use indexes in all statements: for the hot doors and the applier.

    Their statements are planned once and ask by keys. Planned while a table is still small they
    would read it whole, and go on so while it grows by a thousand rows a second, until statistics
    are taken anew.
    """
    if engine.dialect.name == "postgresql":
        sa.event.listen(engine, "connect", _shun_scans)
        engine.dispose()  # the connections without it


def _shun_scans(connection: Any, record: object) -> None:
    del record
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
    connection.commit()


def _prepare_sqlite(connection: Any, record: Any) -> None:
    del record
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",  # the journal of arrivals is FULL; this file can be rebuilt from it
        "foreign_keys=ON",
        "busy_timeout=30000",
        "cache_size=-65536",
        "temp_store=MEMORY",
        # 64 MiB: whoever commits writes these pages back and syncs them, seldom and many at once.
        "wal_autocheckpoint=16000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    # SQLite's own lower() leaves Đ and Ă as they are; PostgreSQL's does not.
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def bind(settings: Settings) -> Engine:
    """Binds the process's sessions to the database of the settings and gives the engine."""
    if settings.is_sqlite:
        settings.var_dir.mkdir(parents=True, exist_ok=True)
    engine = make_engine(settings.database_url)
    info: dict[str, Any] = {}
    if settings.replica_url:
        info["replica"] = replica.Replica(
            engine, make_engine(settings.replica_url, connect_args={"connect_timeout": 2})
        )
    db_session.remove()
    session_factory.configure(bind=engine, info=info)
    return engine


# Whether this request committed something; set here, cleared and told on by `portal.web`.
has_written: ContextVar[bool] = ContextVar("has_written", default=False)
# Who acts in this request, for reads outside `transaction`; set and cleared by `portal.web`.
request_actor: ContextVar[Actor | None] = ContextVar("request_actor", default=None)


def acting(session: Session) -> Actor | None:
    """Who acts on this session: the actor of its transaction, else that of the request."""
    actor: Actor | None = session.info.get("actor")
    return actor or request_actor.get()


@contextmanager
def transaction(actor: Actor) -> Iterator[Session]:
    """The one place that commits: everything inside is written, or nothing.

    The actor travels on the session, where the scope wall and the audit listeners find it.
    """
    session = db_session()
    outer = session.info.get("actor")
    session.info["actor"] = actor
    try:
        yield session
        session.commit()
        has_written.set(True)
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info["actor"] = outer


def read_aside(read: Callable[[], A]) -> A:
    """Reads very much from the replica, which has all that was committed before; else from here.

    For a worker's long reading. If the replica ends meanwhile `read` is called once more, for the
    database: it must begin anew.
    """
    session = db_session()
    kept: replica.Replica | None = session.info.get("replica")
    if kept is None or not kept.follows():
        return read()
    session.rollback()
    replica.is_enough.set(True)
    try:
        return read()
    except sa.exc.DBAPIError as error:
        kept.fail(error)
        session.rollback()
    finally:
        replica.is_enough.set(False)
    return read()


@contextmanager
def unscoped(session: Session, reason: str) -> Iterator[Session]:
    """Lifts the scope wall for what the block reads and writes, not the actor's name in the audit.

    For steps that must cross sites: a laboratory receives a tube of any site, a release reaches
    the samples of every site. `reason` is a plain sentence; an architecture test lists them all.
    What the block changed is flushed at its end, while the wall is still down.
    """
    outer = session.info.get("unscoped", "")
    session.info["unscoped"] = reason
    try:
        yield session
        session.flush()
    finally:
        session.info["unscoped"] = outer


def across_sites(reason: str) -> Callable[[Callable[P, A]], Callable[P, A]]:
    """A service that must touch rows of every site: it checks the actor's scope itself.

    `reason` is a plain sentence for whoever reviews where the scope wall is lifted. The service
    takes the session first.
    """

    def decorate(service: Callable[P, A]) -> Callable[P, A]:
        @functools.wraps(service)
        def crossing(*args: P.args, **kwargs: P.kwargs) -> A:
            with unscoped(cast("Session", args[0]), reason):
                return service(*args, **kwargs)

        return crossing

    return decorate
