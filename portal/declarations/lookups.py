"""Counting tries to open something by code, in the database, so that every node sees the same lock.

A try is written down as failed before it is looked at, in a transaction of its own: a thousand
tries at once are a thousand failures, however many workers look at them.
"""

import datetime as dt
import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

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


class Try(NamedTuple):
    """A try as it is kept: keyed hashes of the code and of the network."""

    code_hash: str
    network: str


def write_down(session: Session, who: Caller, *, door: str, code: str) -> int:
    """Writes a try down as failed and gives its id; commit before looking at the try."""
    return write_down_many(session, [Try(who.hashed(code), who.network)], door=door)[0]


def write_down_many(session: Session, tries: Sequence[Try], *, door: str) -> list[int]:
    """The same for many tries at once, in one statement."""
    now = clock.now()
    rows = [
        {
            "at": now,
            "door": door,
            "code_hash": t.code_hash,
            "network": t.network,
            "is_success": False,
        }
        for t in tries
    ]
    statement = sa.insert(LookupAttempt).returning(LookupAttempt.id, sort_by_parameter_order=True)
    return list(session.scalars(statement, rows))


def failures(session: Session, who: Caller, *, code: str) -> Failures:
    """Failed tries of a code since it last opened, and of a network; two statements always."""
    return failures_of_many(session, [Try(who.hashed(code), who.network)])[0]


def failures_of_many(session: Session, tries: Sequence[Try]) -> list[Failures]:
    """The same for many tries at once; two statements whatever their number."""
    now = clock.now()
    attempt = LookupAttempt
    codes = {t.code_hash for t in tries}
    row = sa.orm.aliased(LookupAttempt)
    last = (
        sa.select(row.code_hash, sa.func.max(row.id).label("id"))
        .where(row.code_hash.in_(codes), row.is_success)
        .group_by(row.code_hash)
        .subquery()
    )
    of_codes = session.execute(
        sa.select(
            attempt.code_hash,
            sa.func.count(sa.case((attempt.at > now - QUARTER_HOUR, 1))),
            sa.func.count(sa.case((attempt.at > now - DAY, 1))),
            sa.func.count(),
        )
        .outerjoin(last, last.c.code_hash == attempt.code_hash)
        .where(
            attempt.code_hash.in_(codes),
            sa.not_(attempt.is_success),
            attempt.id > sa.func.coalesce(last.c.id, 0),
        )
        .group_by(attempt.code_hash)
    )
    of_code = {code_hash: (quarter, day, ever) for code_hash, quarter, day, ever in of_codes}
    of_networks = session.execute(
        sa.select(attempt.network, sa.func.count())
        .where(
            attempt.network.in_({t.network for t in tries}),
            attempt.at > now - QUARTER_HOUR,
            sa.not_(attempt.is_success),
        )
        .group_by(attempt.network)
    )
    of_network = {row[0]: row[1] for row in of_networks}
    return [
        Failures(*of_code.get(t.code_hash, (0, 0, 0)), of_network.get(t.network, 0)) for t in tries
    ]


def mark_opened(session: Session, attempt_ids: Sequence[int]) -> None:
    """Marks tries as successful: the failures before them no longer count."""
    if attempt_ids:
        session.execute(
            sa.update(LookupAttempt)
            .where(LookupAttempt.id.in_(attempt_ids))
            .values(is_success=True)
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
