"""Whose token is it: a look-up by hash, remembered for a few seconds."""

import time
from collections import OrderedDict
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from portal.ingest.models import Device
from portal.ingest.services import hash_token

# A revoked device is refused at the latest after this time.
KNOWN_SECONDS = 5.0
UNKNOWN_SECONDS = 1.0
_MAX_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device whose token is good."""

    id: int
    uid_hex: str


class Tokens:
    """The devices behind tokens. `peek` never waits; `look_up` asks the database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # token hash → (until when this is believed, the device or None)
        self._remembered: OrderedDict[str, tuple[float, KnownDevice | None]] = OrderedDict()
        self._statement = sa.select(Device.id, Device.uid).where(
            Device.token_sha256 == sa.bindparam("digest"), Device.status == "active"
        )

    def peek(self, digest: str) -> tuple[bool, KnownDevice | None]:
        """(whether the answer is known, the device or None)."""
        found = self._remembered.get(digest)
        if found is None or found[0] < time.monotonic():
            return False, None
        return True, found[1]

    def look_up(self, digest: str) -> KnownDevice | None:
        """Asks the database and remembers the answer; runs in a thread of its own."""
        with self._engine.connect() as connection:
            row = connection.execute(self._statement, {"digest": digest}).first()
        device = KnownDevice(row.id, row.uid.hex) if row else None
        believed = KNOWN_SECONDS if device else UNKNOWN_SECONDS
        self._remembered[digest] = (time.monotonic() + believed, device)
        self._remembered.move_to_end(digest)
        while len(self._remembered) > _MAX_REMEMBERED:
            self._remembered.popitem(last=False)
        return device

    @staticmethod
    def digest(token: str) -> str:
        """The hash under which a token is known."""
        return hash_token(token)
