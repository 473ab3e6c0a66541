"""Alembic migrations.

Old code must run on the new schema: add, fill, switch, and only later drop.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config

_HERE = Path(__file__).parent


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Runs every migration that `url` has not had; one process at a time."""
    command.upgrade(_config(url), "head")


def revise(url: str, message: str, revision: str | None = None) -> str:
    """Writes a migration by comparing models and database; gives its path."""
    config = _config(url)
    script = command.revision(config, message=message, autogenerate=True, rev_id=revision)
    return str(script.path)  # type: ignore[union-attr]
