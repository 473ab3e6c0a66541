"""Makes the web application. Reads top to bottom: settings, database, framework, screens."""

from pathlib import Path

from flask import Flask
from flask_appbuilder import AppBuilder

import portal.models  # noqa: F401 - the mapper registry must be complete
from portal import db, menu, settings
from portal.extensions import csrf

TRANSLATIONS = Path(__file__).parent / "translations"


def create_app(config: settings.Settings | None = None) -> Flask:
    """A Flask application for the given settings (those of the environment if None)."""
    config = config or settings.load()
    app = Flask("portal", static_folder="web/static", template_folder="web/templates")
    app.config.update(
        APP_NAME="Trạm",
        SECRET_KEY=config.secret_key,
        TRAM=config,
        BABEL_DEFAULT_LOCALE="vi",
        BABEL_DEFAULT_TIMEZONE="Asia/Ho_Chi_Minh",
        BABEL_TRANSLATION_DIRECTORIES=str(TRANSLATIONS),
        LANGUAGES={
            "vi": {"flag": "vn", "name": "Tiếng Việt"},
            "en": {"flag": "gb", "name": "English"},
        },
        AUTH_USER_REGISTRATION=False,
        FAB_CREATE_DB=False,
        FAB_UPDATE_PERMS=False,
        FAB_API_SWAGGER_UI=False,
        FAB_API_SHOW_STACKTRACE=False,
        FAB_ALLOW_GET_UNSAFE_MUTATIONS=False,
        FAB_PASSWORD_COMPLEXITY_ENABLED=True,
        FAB_ADD_SECURITY_PERMISSION_VIEW=False,
        FAB_ADD_SECURITY_VIEW_MENU_VIEW=False,
        FAB_ADD_SECURITY_PERMISSION_VIEWS_VIEW=False,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.uses_https,
        MAX_CONTENT_LENGTH=64 * 1024 * 1024,
    )
    app.extensions["tram.engine"] = db.bind(config)
    csrf.init_app(app)
    with app.app_context():
        appbuilder = AppBuilder(app, db.db_session)
        menu.register(appbuilder)
        appbuilder.post_init()

    @app.teardown_appcontext
    def remove_session(error: BaseException | None) -> None:
        del error
        db.db_session.remove()

    return app
