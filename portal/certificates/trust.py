"""Whose HC1 certificates are trusted: a list kept by an administrator, read without a database too.

Signers are added by their certificates (PEM, one or many in a file, DER, or Base64) and removed by
a date with a reason. What is in force is also written to `var/trust/hc1.json`, so that a code can
be verified while the database is down.
"""

import base64
import binascii
import datetime as dt
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from cryptography import x509
from flask_babel import gettext as _
from sqlalchemy.orm import Session

import core_rs
from portal import clock
from portal.actors import Actor
from portal.certificates.models import TrustedSigner
from portal.errors import Conflict, Invalid, NotFound
from portal.settings import Settings

MOST_IN_A_FILE = 2000
LARGEST_FILE = 8 * 1024 * 1024
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
# Extended key usages of DCC signers (eHealth Network, public key certificate governance).
_USAGES = {
    "1.3.6.1.4.1.1847.2021.1.1": "test",
    "1.3.6.1.4.1.1847.2021.1.2": "vaccination",
    "1.3.6.1.4.1.1847.2021.1.3": "recovery",
    "1.3.6.1.4.1.0.1847.2021.1.1": "test",
    "1.3.6.1.4.1.0.1847.2021.1.2": "vaccination",
    "1.3.6.1.4.1.0.1847.2021.1.3": "recovery",
}


def add(session: Session, actor: Actor, content: bytes) -> list[TrustedSigner]:
    """Adds every signer of a file, or none.

    Raises:
        Invalid: naming every certificate that can not be read, has expired, or is there already.
    """
    problems: list[str] = []
    if len(content) > LARGEST_FILE:
        problems.append(_("The file is larger than 8 MB."))
    found = _certificates(content) if not problems else []
    if not found and not problems:
        problems.append(_("The file holds no certificate (PEM, DER or Base64)."))
    if len(found) > MOST_IN_A_FILE:
        problems.append(_("A file holds at most %(most)s certificates.", most=MOST_IN_A_FILE))
    known = {row.kid for row in in_force(session)}
    made: list[TrustedSigner] = []
    for number, der in enumerate(found[:MOST_IN_A_FILE], start=1):
        signer = _signer(der, number, known, problems)
        if signer is not None:
            signer.added_by_id = actor.user_id
            known.add(signer.kid)
            made.append(signer)
    if problems:
        raise Invalid(_("Nothing was added."), details=problems)
    session.add_all(made)
    session.flush()
    return made


def _certificates(content: bytes) -> list[bytes]:
    """The certificates of a file as DER."""
    blocks = _PEM.findall(content)
    if blocks:
        return [base64.b64decode(b"".join(block.splitlines()[1:-1]).strip()) for block in blocks]
    if content[:1] == b"\x30":
        return [content]
    found = []
    for line in content.split():
        try:
            found.append(base64.b64decode(line, validate=True))
        except binascii.Error:
            return []
    return found


def _signer(der: bytes, number: int, known: set[str], problems: list[str]) -> TrustedSigner | None:
    """One certificate as a row; None with a problem told."""
    try:
        core_rs.TrustList().add_certificate(der)
        told = core_rs.read_certificate(der)
        subject = x509.load_der_x509_certificate(der).subject.rfc4514_string()
    except (core_rs.CoreError, ValueError):
        problems.append(_("Certificate %(number)s can not be read.", number=number))
        return None
    until = _instant(told["not_after"])
    kid = told["kid"].hex() if isinstance(told["kid"], bytes) else str(told["kid"])
    if until <= clock.now():
        problems.append(_("Certificate %(number)s has expired.", number=number))
        return None
    if kid in known:
        problems.append(
            _(
                "Certificate %(number)s (key %(kid)s) is in the list already.",
                number=number,
                kid=kid,
            )
        )
        return None
    usages = sorted({_USAGES[usage] for usage in told["usages"] if usage in _USAGES})
    return TrustedSigner(
        kid=kid,
        country=str(told["country"] or "")[:3],
        subject=subject[:200],
        usages=" ".join(usages),
        certificate=base64.b64encode(der).decode("ascii"),
        valid_from=_instant(told["not_before"]),
        valid_until=until,
        added_at=clock.now(),
    )


def _instant(value: object) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    return dt.datetime.fromtimestamp(int(str(value)), dt.UTC)


def remove(session: Session, actor: Actor, *, signer_id: int, reason: str) -> TrustedSigner:
    """Ends the trust in a signer from now on.

    Raises:
        NotFound: there is none.
        Invalid: without a reason.
        Conflict: it was removed already.
    """
    signer = session.get(TrustedSigner, signer_id)
    if signer is None:
        raise NotFound("Not found.")
    if not reason.strip():
        raise Invalid(_("Give the reason."), details=[_("Give the reason.")])
    if signer.removed_at is not None:
        raise Conflict(_("This signer was removed already."))
    signer.removed_at, signer.removed_by_id = clock.now(), actor.user_id
    signer.removal_reason = reason.strip()[:160]
    session.flush()
    return signer


def in_force(session: Session) -> list[TrustedSigner]:
    """The signers that are trusted now."""
    query = sa.select(TrustedSigner).where(TrustedSigner.removed_at.is_(None))
    return list(session.scalars(query.order_by(TrustedSigner.country, TrustedSigner.id)))


def everyone(session: Session) -> list[TrustedSigner]:
    """Every signer ever trusted, those in force first."""
    rows = session.scalars(sa.select(TrustedSigner).order_by(TrustedSigner.id.desc()).limit(5000))
    return sorted(rows, key=lambda row: (row.removed_at is not None, row.country, row.id))


# --- the copy for when the database is down ---


def _path(config: Settings) -> Path:
    return config.shared_dir / "trust" / "hc1.json"


def write_down(session: Session, config: Settings) -> None:
    """Keeps what is in force as a file; replaced whole."""
    path = _path(config)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps([row.certificate for row in in_force(session)]), encoding="ascii")
    draft.replace(path)


def trust_list(session: Session, config: Settings) -> core_rs.TrustList:
    """The trusted keys: of the database, or of the file while that is down."""
    try:
        certificates: Sequence[str] = [row.certificate for row in in_force(session)]
    except sa.exc.OperationalError:
        session.rollback()
        path = _path(config)
        certificates = json.loads(path.read_text(encoding="ascii")) if path.exists() else []
    trusted = core_rs.TrustList()
    for certificate in certificates:
        trusted.add_certificate(base64.b64decode(certificate))
    return trusted
