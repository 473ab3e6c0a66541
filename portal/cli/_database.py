"""The database for commands: bound, every mapper known, every change of rows audited."""

from sqlalchemy.engine import Engine

from portal import db, settings


def open_database(config: settings.Settings) -> Engine:
    """Binds the database so that what a command writes leaves the trail a screen would leave."""
    import portal.models  # noqa: F401 - the mapper registry must be complete
    from portal.audit import services as audit

    engine = db.bind(config)
    audit.install(db.session_factory.class_)
    return engine
