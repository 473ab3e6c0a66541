"""Flask extensions, made once and bound to an application in `portal.app`."""

from flask_appbuilder import AppBuilder
from flask_babel import lazy_gettext
from flask_wtf import CSRFProtect

csrf = CSRFProtect()

__all__ = ["AppBuilder", "csrf", "lazy_gettext"]
