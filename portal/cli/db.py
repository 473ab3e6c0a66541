"""`tram db`: the schema of the database."""

import click

from portal import settings


@click.group(name="db")
def command() -> None:
    """Create and change the database schema."""


@command.command()
def upgrade() -> None:
    """Bring the database to the newest schema; safe to repeat and to race."""
    from portal.accounts.role_rows import ensure_roles
    from portal.actors import system
    from portal.cli._database import open_database
    from portal.db import transaction
    from portal.migrations import upgrade as run

    config = settings.load()
    run(config.database_url)
    open_database(config)
    with transaction(system("tram db upgrade")) as session:
        ensure_roles(session)
    click.echo("The database is at the newest schema.")


@command.command()
@click.argument("message")
def revise(message: str) -> None:
    """Write a migration from the difference between the models and the database."""
    from portal.migrations import revise as run

    click.echo(run(settings.load().database_url, message))
