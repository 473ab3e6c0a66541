"""Whose HC1 certificates are proof at the point: the signers that an administrator trusts."""

import base64
import time

from sqlalchemy.orm import Session

from core_rs import TrustList
from portal import clock
from portal.certificates.trust import in_force

KEPT_SECONDS = 30.0
_kept: dict[str, tuple[float, TrustList]] = {}


def trust_list(session: Session) -> TrustList:
    """The signers trusted now, at most 30 seconds old; empty where none is."""
    key = str(session.get_bind().engine.url)
    kept = _kept.get(key)
    if kept is None or kept[0] <= time.monotonic():
        kept = (time.monotonic() + KEPT_SECONDS, _read(session))
        _kept[key] = kept
    return kept[1]


def _read(session: Session) -> TrustList:
    now, found = clock.now(), TrustList()
    for signer in in_force(session):
        if signer.valid_from <= now <= signer.valid_until:
            found.add_certificate(base64.b64decode(signer.certificate))
    return found


def forget() -> None:
    """Empties this process's kept list (tests)."""
    _kept.clear()
