"""`tram applier`: makes true what devices sent. `tram serve` runs one; a second one waits."""

import gc
import signal
import threading

import click

from portal import db, settings


@click.command(name="applier")
def command() -> None:
    """Apply the ingest journal to the database until told to stop."""
    from portal.cli._database import open_database
    from portal.ingest import lease
    from portal.ingest.applier import Applier
    from portal.ingest.journal import open_journal
    from portal.web import logs

    # A chunk makes hundreds of thousands of objects and drops them all; look for cycles rarely.
    gc.set_threshold(200_000, 20, 20)
    logs.configure()
    config = settings.load()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    engine = open_database(config)
    lease.prepare_connections(engine)
    db.read_by_keys(engine)
    journal = open_journal(config)
    applier = Applier(config, journal)
    try:
        applier.run(stop.is_set)
    finally:
        applier.close()
        journal.close()
