"""Makes the web application. Reads top to bottom: settings, database, framework, screens."""

from pathlib import Path

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

import portal.models  # noqa: F401 - the mapper registry must be complete
from portal import db, menu, settings
from portal.accounts import login
from portal.audit import services as audit
from portal.certificates.look_up_door import LookUpDoor
from portal.exports import lists as exports
from portal.extensions import csrf
from portal.home.views import HomeView
from portal.web import (
    access,
    cookies,
    errors,
    formats,
    headers,
    health,
    languages,
    layout,
    logs,
    readings,
    replica,
    requests,
    scope,
    shedding,
    timing,
)
from portal.web.builder import TramBuilder

TRANSLATIONS = Path(__file__).parent / "translations"
_ONE_YEAR = 365 * 24 * 3600


def create_app(config: settings.Settings | None = None) -> Flask:
    """A Flask application for the given settings (those of the environment if None)."""
    config = config or settings.load()
    logs.configure()
    app = Flask("portal", static_folder="web/static", template_folder="web/templates")
    app.config.update(_flask_settings(config))
    if config.is_production:
        # Exactly one proxy stands in front, as docs/operations.md sets it up.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    engine = app.extensions["tram.engine"] = db.bind(config)
    scope.install(db.session_factory.class_)
    audit.install(db.session_factory.class_)
    readings.register(audit.read, audit.read_many)
    exports.install()
    cookies.init_app(app)
    shedding.init_app(app)
    timing.init_app(app, engine)
    csrf.init_app(app)
    access.register_login_loader(login.load_login)
    with app.app_context():
        builder = TramBuilder(app, db.db_session, index=HomeView, language=languages.LanguageView)
        app.extensions["babel"].locale_selector = languages.language
        menu.register(builder)
        builder.post_init()
    languages.init_app(app)
    requests.init_app(app)
    replica.init_app(app)
    layout.init_app(app, config)
    formats.init_app(app)
    errors.init_app(app)
    headers.init_app(app, config)
    health.init_app(app, config.var_dir)
    logs.init_app(app)

    @app.teardown_appcontext
    def remove_session(error: BaseException | None) -> None:
        del error
        db.db_session.remove()

    return app


def make_look_up_door() -> LookUpDoor:
    """The handler of the look-up door, with an application of its own behind it."""
    config = settings.load()
    app = create_app(config)
    db.read_by_keys(app.extensions["tram.engine"])
    return LookUpDoor(app, config)


def _flask_settings(config: settings.Settings) -> dict[str, object]:
    return {
        "APP_NAME": "Trạm",
        "SECRET_KEY": config.secret_key,
        "TRAM": config,
        "BABEL_DEFAULT_LOCALE": "vi",
        "BABEL_DEFAULT_TIMEZONE": "Asia/Ho_Chi_Minh",
        "BABEL_TRANSLATION_DIRECTORIES": str(TRANSLATIONS),
        "LANGUAGES": {
            "vi": {"flag": "vn", "name": "Tiếng Việt"},
            "en": {"flag": "gb", "name": "English"},
        },
        "AUTH_USER_REGISTRATION": False,
        "FAB_CREATE_DB": False,
        "FAB_UPDATE_PERMS": False,
        "FAB_ADD_SECURITY_VIEWS": False,
        "FAB_ADD_MENU_API": False,
        "FAB_API_SWAGGER_UI": False,
        "FAB_API_SHOW_STACKTRACE": False,
        "FAB_ALLOW_GET_UNSAFE_MUTATIONS": False,
        # Host and Sec-Fetch headers decide less than the token of the form itself.
        "WTF_CSRF_TIME_LIMIT": 12 * 3600,
        "WTF_CSRF_SSL_STRICT": config.uses_https,
        "PERMANENT_SESSION_LIFETIME": 12 * 3600,
        "SESSION_COOKIE_NAME": "tram",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": config.uses_https,
        "SEND_FILE_MAX_AGE_DEFAULT": _ONE_YEAR,
        "MAX_CONTENT_LENGTH": 64 * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 8 * 1024 * 1024,
    }
