"""Whose HC1 certificates are proof at the point: the signers that an administrator trusts."""

import time

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core_rs import CoreError, TrustList
from portal import clock
from portal.certificates.models import TrustedSigner

KEPT_SECONDS = 30.0
_kept: dict[str, tuple[float, TrustList]] = {}


def trust_list(session: Session) -> TrustList:
    """The signers trusted now, at most 30 seconds old; empty where none is.

    A certificate that can not be read is left out: what it signed stays a claim to be compared.
    """
    key = str(session.get_bind().engine.url)
    kept = _kept.get(key)
    if kept is None or kept[0] <= time.monotonic():
        kept = (time.monotonic() + KEPT_SECONDS, _read(session))
        _kept[key] = kept
    return kept[1]


def _read(session: Session) -> TrustList:
    now, found = clock.now(), TrustList()
    trusted = sa.select(TrustedSigner.certificate).where(
        TrustedSigner.removed_at.is_(None),
        TrustedSigner.valid_from <= now,
        TrustedSigner.valid_until >= now,
    )
    for certificate in session.scalars(trusted):
        try:
            found.add_certificate(certificate)
        except CoreError:
            continue
    return found


def forget() -> None:
    """Empties this process's kept list (tests)."""
    _kept.clear()
