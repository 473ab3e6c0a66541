"""Counting tries to open something by code, in the database, so that every node sees the same lock.

A try is written down as failed before it is looked at, in a transaction of its own: a thousand
tries at once are a thousand failures, however many workers look at them.
"""

import datetime as dt
import hashlib
import hmac
import ipaddress
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import clock
from portal.declarations.models import LookupAttempt
from portal.declarations.rules import Failures

QUARTER_HOUR = dt.timedelta(minutes=15)
DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who tries: keyed hashes, which name nobody to a reader of the table.

    Attributes:
        key: secret of the installation.
        network: keyed hash of the IPv4 address or of the IPv6 /56 network.
    """

    key: bytes
    network: str

    def hashed(self, code: str) -> str:
        """The keyed hash of a code."""
        return keyed_hash(self.key, "code", code)


def keyed_hash(key: bytes, purpose: str, text: str) -> str:
    """64 hexadecimal digits; without the key nobody can try out codes or addresses on them."""
    return hmac.new(key, f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()


def caller(secret_key: str, address: str) -> Caller:
    """The caller behind an IP address."""
    key = hashlib.sha256(b"lookup attempts:" + secret_key.encode()).digest()
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        network = "unknown"
    else:
        prefix = 32 if parsed.version == 4 else 56  # noqa: PLR2004 - versions of IP
        network = str(ipaddress.ip_network(f"{parsed}/{prefix}", strict=False))
    return Caller(key=key, network=keyed_hash(key, "network", network))


def write_down(session: Session, who: Caller, *, door: str, code: str) -> int:
    """Writes a try down as failed and gives its id; commit before looking at the try."""
    attempt = LookupAttempt(
        at=clock.now(), door=door, code_hash=who.hashed(code), network=who.network
    )
    session.add(attempt)
    session.flush()
    return attempt.id


def failures(session: Session, who: Caller, *, code: str) -> Failures:
    """Failed tries of a code since it last opened, and of a network; two statements always."""
    now = clock.now()
    row = sa.orm.aliased(LookupAttempt)
    last_opened = (
        sa.select(sa.func.coalesce(sa.func.max(row.id), 0))
        .where(row.code_hash == who.hashed(code), row.is_success)
        .scalar_subquery()
    )
    attempt = LookupAttempt
    of_code = session.execute(
        sa.select(
            sa.func.count(sa.case((attempt.at > now - QUARTER_HOUR, 1))),
            sa.func.count(sa.case((attempt.at > now - DAY, 1))),
            sa.func.count(),
        ).where(
            attempt.code_hash == who.hashed(code),
            attempt.is_success.is_(False),
            attempt.id > last_opened,
        )
    ).one()
    of_network = session.execute(
        sa.select(sa.func.count()).where(
            attempt.network == who.network,
            attempt.at > now - QUARTER_HOUR,
            attempt.is_success.is_(False),
        )
    ).scalar_one()
    return Failures(*of_code, of_network)


def mark_opened(session: Session, attempt_id: int) -> None:
    """Marks a try as successful: the failures before it no longer count."""
    session.execute(
        sa.update(LookupAttempt).where(LookupAttempt.id == attempt_id).values(is_success=True)
    )


def forgive(session: Session, who: Caller, *, code: str) -> None:
    """Unlocks a code at the counter, after its owner was recognised there."""
    session.add(
        LookupAttempt(
            at=clock.now(),
            door="counter",
            code_hash=who.hashed(code),
            network=keyed_hash(who.key, "network", "counter"),
            is_success=True,
        )
    )


def door_count(session: Session, who: Caller, *, door: str) -> int:
    """How often a network came to a door in the last hour."""
    count: int = session.execute(
        sa.select(sa.func.count()).where(
            LookupAttempt.network == who.network,
            LookupAttempt.at > clock.now() - 4 * QUARTER_HOUR,
            LookupAttempt.door == door,
        )
    ).scalar_one()
    return count


def failed_count(session: Session, who: Caller, *, door: str) -> int:
    """How often a network failed at a door in the last hour."""
    count: int = session.execute(
        sa.select(sa.func.count()).where(
            LookupAttempt.network == who.network,
            LookupAttempt.at > clock.now() - 4 * QUARTER_HOUR,
            LookupAttempt.door == door,
            LookupAttempt.is_success.is_(False),
        )
    ).scalar_one()
    return count
