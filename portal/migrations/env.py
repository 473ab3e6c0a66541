"""Alembic's entry: online only, one transaction, one process at a time."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask_appbuilder import Model

import portal.models  # noqa: F401
from portal import db

# Any constant: every process that migrates asks PostgreSQL for the same lock.
_ADVISORY_LOCK = 7_261_011


def _render(kind: str, value: Any, autogen_context: AutogenContext) -> str | Literal[False]:
    """UtcDateTime is written by its own name, so that a migration reads like the model."""
    if kind == "type" and isinstance(value, db.UtcDateTime):
        autogen_context.imports.add("from portal.db import UtcDateTime")
        return "UtcDateTime()"
    return False


def run() -> None:
    """Migrates the database named in the configuration."""
    engine = db.make_engine(context.config.attributes["url"])
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({_ADVISORY_LOCK})")
            connection.commit()
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        context.configure(
            connection=connection,
            target_metadata=Model.metadata,
            render_item=_render,
            compare_type=True,
            render_as_batch=connection.dialect.name == "sqlite",
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    engine.dispose()


run()
