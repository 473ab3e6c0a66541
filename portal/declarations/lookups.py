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
from functools import lru_cache
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import bulk, clock
from portal.declarations.models import LookupAttempt
from portal.declarations.rules import Failures

QUARTER_HOUR = dt.timedelta(minutes=15)
DAY = dt.timedelta(days=1)

# Statements whose text never changes: the database plans them once, whatever the number of tries.
_TRY_KEYS = {"at": "timestamptz", "door": "text", "code_hash": "text", "network": "text"}
_WRITE_DOWN = """
INSERT INTO lookup_attempts (at, door, code_hash, network, is_success)
SELECT k.at, k.door, k.code_hash, k.network, (1 = 0) FROM {keys} WHERE true
RETURNING id, code_hash, network
"""
_FAILURE_KEYS = {
    "code_hash": "text",
    "network": "text",
    "quarter": "timestamptz",
    "day": "timestamptz",
}
# A row for each code, then one for each network; their hashes are never the same.
_FAILURES = """
WITH asked AS MATERIALIZED (SELECT k.code_hash, k.network, k.quarter, k.day FROM {keys}),
codes AS MATERIALIZED (
    SELECT DISTINCT k.code_hash, k.quarter, k.day, (
        SELECT coalesce(max(s.id), 0) FROM lookup_attempts s
        WHERE s.code_hash = k.code_hash AND s.is_success
    ) AS last FROM asked k
),
networks AS MATERIALIZED (SELECT DISTINCT k.network, k.quarter FROM asked k)
SELECT k.code_hash, sum(CASE WHEN a.at > k.quarter THEN 1 ELSE 0 END),
    sum(CASE WHEN a.at > k.day THEN 1 ELSE 0 END), count(*)
FROM codes k {join} lookup_attempts a ON a.code_hash = k.code_hash
WHERE NOT a.is_success AND a.id > k.last
GROUP BY k.code_hash
UNION ALL
SELECT k.network, count(*), 0, 0
FROM networks k {join} lookup_attempts a ON a.network = k.network
WHERE a.at > k.quarter AND NOT a.is_success
GROUP BY k.network
"""
_MARK = """
UPDATE lookup_attempts SET is_success = (1 = 1) WHERE id IN (SELECT k.id FROM {keys}) RETURNING id
"""


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


@lru_cache(maxsize=4096)
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
    at = bulk.InstantText(session)(bulk.micros(clock.now()))
    rows = [(at, door, *one) for one in tries]
    made: dict[tuple[str, str], list[int]] = {}
    for key, *of in bulk.look_up(session, _WRITE_DOWN, _TRY_KEYS, rows):
        made.setdefault((of[0], of[1]), []).append(key)
    # Which row came of which try is not said; tries of one code and network are alike.
    return [made[one].pop() for one in tries]


def failures(session: Session, who: Caller, *, code: str) -> Failures:
    """Failed tries of a code since it last opened, and of a network; one statement always."""
    return failures_of_many(session, [Try(who.hashed(code), who.network)])[0]


def failures_of_many(session: Session, tries: Sequence[Try]) -> list[Failures]:
    """The same for many tries at once; one statement whatever their number."""
    said, now = bulk.InstantText(session), clock.now()
    quarter, day = (said(bulk.micros(now - ago)) for ago in (QUARTER_HOUR, DAY))
    statement = _FAILURES
    if bulk.is_sqlite(session):  # in the words of its partial index, else it would read every try
        statement = statement.replace("NOT a.is_success", "a.is_success = 0")
    keys = [(one.code_hash, one.network, quarter, day) for one in tries]
    rows = bulk.look_up(session, statement, _FAILURE_KEYS, keys)
    found: dict[str, tuple[int, int, int]] = {row[0]: (row[1], row[2], row[3]) for row in rows}
    none = (0, 0, 0)
    return [
        Failures(*found.get(one.code_hash, none), found.get(one.network, none)[0]) for one in tries
    ]


def mark_opened(session: Session, attempt_ids: Sequence[int]) -> None:
    """Marks tries as successful: the failures before them no longer count."""
    bulk.look_up(session, _MARK, {"id": "bigint"}, [(key,) for key in attempt_ids])


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
