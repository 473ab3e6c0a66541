"""Personal values in the trail: ciphertext under a key per person.

Erasing the key erases the values everywhere they were copied to, exports and backups of the
trail included, and the sealed entries do not change: they hold the ciphertext.
"""

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from portal import clock
from portal.audit.models import AuditEvent, SubjectKey

_NONCE = 12
Change = dict[str, Any]


def keys_of(session: Session, subjects: Iterable[str]) -> dict[str, bytes | None]:
    """The keys of people, made where there is none yet; None for somebody erased."""
    wanted = sorted(set(subjects))
    found = _read(session, wanted)
    missing = [subject for subject in wanted if subject not in found]
    if not missing:
        return found
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    # Two transactions may meet a person for the first time; the first one's key counts.
    statement = dialect.insert(SubjectKey.__table__).on_conflict_do_nothing()
    now = clock.now()
    rows = [{"subject": s, "key": os.urandom(32), "made_at": now} for s in missing]
    session.connection().execute(statement, rows)
    return found | _read(session, missing)


def _read(session: Session, subjects: list[str]) -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    table = SubjectKey.__table__
    for start in range(0, len(subjects), 500):
        part = subjects[start : start + 500]
        rows = session.connection().execute(
            sa.select(table.c.subject, table.c.key).where(table.c.subject.in_(part))
        )
        found.update((row.subject, row.key) for row in rows)
    return found


def sealed(key: bytes | None, subject: str, change: Mapping[str, Any]) -> bytes:
    """Values under a key; nothing at all for somebody erased."""
    if key is None:
        return b""
    nonce = os.urandom(_NONCE)
    text = json.dumps(change, ensure_ascii=False, separators=(",", ":"), default=str)
    return nonce + AESGCM(key).encrypt(nonce, text.encode(), subject.encode())


def opened(session: Session, event: AuditEvent) -> Change:
    """The change of an event with its personal values; without the key only their names."""
    change = dict(event.change or {})
    if not event.personal:
        return change
    key = _read(session, [event.subject]).get(event.subject)
    if key is None:
        return change
    nonce, text = event.personal[:_NONCE], event.personal[_NONCE:]
    try:
        plain = AESGCM(key).decrypt(nonce, text, event.subject.encode())
    except InvalidTag:
        return change
    return change | json.loads(plain)


def erase(session: Session, subjects: Iterable[str]) -> int:
    """Forgets the keys of people for good; how many there were."""
    erased = 0
    for subject in sorted(set(subjects)):
        keys_of(session, [subject])  # so that no key is made for them later
        table = SubjectKey.__table__
        done = session.connection().execute(
            sa.update(table)
            .where(table.c.subject == subject, table.c.key.is_not(None))
            .values(key=None, erased_at=clock.now())
        )
        erased += done.rowcount
    return erased
