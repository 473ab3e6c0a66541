"""Signed shift grants: which staff member stands behind a device's events.

Made when a collector logs in to the scanning screen, kept on the device, sent with every event;
valid for a shift at one site. The applier reads them without any look-up, also days later.
"""

import base64
import binascii
import datetime as dt
import hashlib
import hmac
from dataclasses import dataclass

import orjson

_VERSION = "g1"
_LIFETIME = dt.timedelta(hours=14)
# A tablet's clock may be off; what matters is the order of a device's own numbers.
_TOLERANCE_SECONDS = 30 * 60


@dataclass(frozen=True, slots=True)
class Grant:
    """What a grant says.

    Attributes:
        staff_id: the staff profile of the collector; None for a load test.
        user_id: the login behind it.
        username: for the audit log.
        site_id: the only site whose devices may carry it.
        issued_at: when the shift's login happened.
        until: when the shift ends.
        first_microsecond: since 1970; the shift with the tolerance for clocks.
        last_microsecond: the same, its end.
    """

    staff_id: int | None
    user_id: int | None
    username: str
    site_id: int
    issued_at: dt.datetime
    until: dt.datetime
    first_microsecond: int
    last_microsecond: int

    def covers(self, microseconds: int) -> bool:
        """Whether something that happened then (device's clock, since 1970) lies in the shift."""
        return self.first_microsecond <= microseconds <= self.last_microsecond


class BadGrant(Exception):
    """The text is not a grant of ours. `code` is stable."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def make_grant(
    secret_key: str,
    *,
    staff_id: int | None,
    user_id: int | None,
    username: str,
    site_id: int,
    at: dt.datetime,
    lifetime: dt.timedelta = _LIFETIME,
) -> str:
    """A grant from `at` on, as text of URL-safe letters; about 200 characters."""
    until = at + lifetime
    body = orjson.dumps(
        [staff_id, user_id, username, site_id, int(at.timestamp()), int(until.timestamp())]
    )
    return f"{_VERSION}.{_encode(body)}.{_encode(_sign(secret_key, body))}"


def read_grant(secret_key: str, text: str) -> Grant:
    """The grant that a text holds, if the signature is ours.

    Raises:
        BadGrant: `grant_missing` for an empty text, `grant_invalid` for anything else.
    """
    if not text:
        raise BadGrant("grant_missing")
    parts = text.split(".")
    if len(parts) != 3 or parts[0] != _VERSION:  # noqa: PLR2004 - version, body, signature
        raise BadGrant("grant_invalid")
    try:
        body, signature = _decode(parts[1]), _decode(parts[2])
    except (binascii.Error, ValueError) as error:
        raise BadGrant("grant_invalid") from error
    if not hmac.compare_digest(signature, _sign(secret_key, body)):
        raise BadGrant("grant_invalid")
    staff_id, user_id, username, site_id, issued, until = orjson.loads(body)
    return Grant(
        staff_id=staff_id,
        user_id=user_id,
        username=username,
        site_id=site_id,
        issued_at=dt.datetime.fromtimestamp(issued, dt.UTC),
        until=dt.datetime.fromtimestamp(until, dt.UTC),
        first_microsecond=(issued - _TOLERANCE_SECONDS) * 1_000_000,
        last_microsecond=(until + _TOLERANCE_SECONDS) * 1_000_000,
    )


def _sign(secret_key: str, body: bytes) -> bytes:
    # A key of its own, so that nothing signed elsewhere with the secret can pass for a grant.
    key = hmac.digest(secret_key.encode(), b"tram actor grant 1", hashlib.sha256)
    return hmac.digest(key, body, hashlib.sha256)


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
