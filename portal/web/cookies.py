"""Cookies of logins, signed with the instant of their making, and clocks that disagree.

itsdangerous refuses what was signed in its future. A login made by a node whose clock is a second
ahead would then be none on the next node, and everybody would be logged out by a clock that is set
back. Only we can sign, so that an instant in our future says that a clock was wrong, nothing else.
"""

from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import SignatureExpired, TimestampSigner, URLSafeTimedSerializer


class _Signer(TimestampSigner):
    """Takes what was signed up to `max_age` seconds ahead of this clock, too."""

    def unsign(  # type: ignore[override]
        self, signed_value: Any, max_age: int | None = None, **kwargs: Any
    ) -> Any:
        """See `TimestampSigner.unsign`."""
        try:
            return super().unsign(signed_value, max_age=max_age, **kwargs)
        except SignatureExpired as expired:
            made_at = expired.date_signed
            if made_at is None or max_age is None:
                raise
            ahead = made_at.timestamp() - self.get_timestamp()
            if not 0 < ahead <= max_age:
                raise
            return super().unsign(signed_value, **{**kwargs, "max_age": None})


class Cookies(SecureCookieSessionInterface):
    """Flask's signed cookies with that signer."""

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """See `SecureCookieSessionInterface`."""
        made = super().get_signing_serializer(app)
        if made is not None:
            made.signer = _Signer
        return made


def init_app(app: Flask) -> None:
    """Instead of Flask's own."""
    app.session_interface = Cookies()
