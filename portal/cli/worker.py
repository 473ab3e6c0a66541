"""`tram worker`: does the long work that people asked for on the screens."""

import click

from portal import settings


@click.command(name="worker")
@click.option("--once", is_flag=True, help="Stop when no job waits.")
def command(once: bool) -> None:  # noqa: FBT001 - click passes options so
    """Work off exports and other long jobs; several may run at the same time."""
    from flask_babel import force_locale

    from portal.app import create_app
    from portal.jobs import worker

    config = settings.load()
    app = create_app(config)
    with app.app_context(), force_locale("vi"):
        if not once:
            worker.run(config.shared_dir)
        while worker.run_once(config.shared_dir):
            pass
