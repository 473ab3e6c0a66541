"""Every view and API, in menu order: the map of the user interface. Nothing else imports views."""

from flask_appbuilder import AppBuilder


def register(appbuilder: AppBuilder) -> None:
    """Adds every screen and API to the application."""
    del appbuilder
