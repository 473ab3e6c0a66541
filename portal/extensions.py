"""Flask extensions, made once and bound to an application in `portal.app`."""

from flask_wtf import CSRFProtect

csrf = CSRFProtect()

__all__ = ["csrf"]
