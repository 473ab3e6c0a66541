"""Signed tickets: somebody showed code and second factor, and may go on for half an hour.

A ticket stands in a form's hidden field, never in an address, and names a row by its key under
the installation's signature.
"""

from dataclasses import dataclass
from functools import lru_cache

from flask import current_app
from itsdangerous import BadSignature, TimestampSigner

from portal.errors import NotFound

LIFETIME_SECONDS = 30 * 60


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the holder has opened: a sample's chain or a declaration."""

    sample_id: int | None = None
    declaration_id: int | None = None


@lru_cache(maxsize=4)
def _signer_of(secret_key: str) -> TimestampSigner:
    # Not the salt of the tickets that held JSON: they would pass for ours, and not be understood.
    return TimestampSigner(secret_key, salt="look-up ticket of two keys")


def _signer() -> TimestampSigner:
    return _signer_of(current_app.config["SECRET_KEY"])


def sign(ticket: Ticket) -> str:
    """The ticket as text."""
    return _signer().sign(f"{ticket.sample_id or ''}-{ticket.declaration_id or ''}").decode()


def read(text: str) -> Ticket:
    """The ticket of a text.

    Raises:
        NotFound: forged, cut or too old.
    """
    try:
        said = _signer().unsign(text, max_age=LIFETIME_SECONDS).decode()
    except BadSignature as error:
        raise NotFound("The ticket is not valid.") from error
    sample_id, declaration_id = (int(key) if key else None for key in said.split("-"))
    return Ticket(sample_id, declaration_id)
