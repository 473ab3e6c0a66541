r"""The export of the trail that proves itself: `tram audit verify` needs nothing but the file.

A head of JSON, a line for each entry, a foot of JSON::

    {"format": "tram audit export 1", "written_at": …, "head": …, "public_key": …, "is_whole": …,
     "filter": …, "earlier": …}                                           (all on one line)
    PLACE \t LEAF \t PROOF \t ENTRY
    {"count": …, "sha256": …, "signature": …}

PLACE counts from 0, LEAF is the stored hash in hexadecimal digits, ENTRY the bytes under it. A
whole log needs no PROOF, its root is computed anew; in a filtered one PROOF is the audit path
(Base64). `earlier` are signed heads with proof that this one continues them. The foot signs
everything above it, so that no line can be taken out of a filtered export either.
"""

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa
from sqlalchemy.orm import Session

import core_rs
from portal import clock
from portal.audit import heads, sealing
from portal.audit.entries import COLUMNS, EVENTS, entry_of
from portal.audit.heads import Head
from portal.audit.models import AuditLeaf

FORMAT = "tram audit export 1"
FOOT_LABEL = b"tram audit export\0"
_LEAVES = AuditLeaf.__table__
_PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries an export holds; everything if nothing is given.

    Attributes:
        first_on: from this day on (local).
        last_on: up to this day (local).
        actor_name: who, exactly as the trail names them.
        table_name: of the rows.
        row_key: of the row.
        action: the step.
    """

    first_on: dt.date | None = None
    last_on: dt.date | None = None
    actor_name: str = ""
    table_name: str = ""
    row_key: str = ""
    action: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is filtered out."""
        return self == Filter()

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {name: str(value) for name, value in asdict(self).items() if value}

    @classmethod
    def of_json(cls, values: dict[str, Any]) -> "Filter":
        """A filter of plain values."""
        days = {"first_on", "last_on"}
        read: dict[str, Any] = {
            name: dt.date.fromisoformat(value) if name in days else value
            for name, value in values.items()
        }
        return cls(**read)

    def _conditions(self) -> list[sa.ColumnElement[bool]]:
        found = [
            EVENTS.c[name] == value
            for name in ("actor_name", "table_name", "row_key", "action")
            if (value := getattr(self, name))
        ]
        if self.first_on:
            found.append(EVENTS.c.at >= clock.start_of_day(self.first_on))
        if self.last_on:
            found.append(EVENTS.c.at < clock.start_of_day(self.last_on + dt.timedelta(days=1)))
        return found


class NothingSealed(Exception):
    """There is no signed head yet."""


def write(
    path: Path,
    session: Session,
    var_dir: Path,
    wanted: Filter,
    told: Callable[[int, int], None] | None = None,
) -> int:
    """Writes the sealed entries that a filter finds, with their proofs; how many.

    Entries whose row is gone stand in every export, with nothing after their hash: what was
    removed must not be missing quietly.

    Raises:
        NothingSealed: no head was signed yet.
    """
    head = sealing.newest_head(session)
    if head is None:
        raise NothingSealed
    key = heads.load_key(var_dir)
    log = core_rs.MerkleLog(sealing.stored_leaves(session, head.size))
    digest, count = hashlib.sha256(), 0
    with path.open("wb") as file:
        out = _Hashing(file, digest)
        out.write(_json(_top(session, head, key.public_key, log, wanted)))
        place = -1
        while rows := _page(session, wanted, place, head.size):
            for row in rows:
                out.write(_line(row, log, head.size, is_whole=wanted.is_whole))
            place, count = rows[-1]["place"], count + len(rows)
            if told is not None:
                told(count, head.size if wanted.is_whole else count)
        sha256 = digest.digest()
        foot = {
            "count": count,
            "sha256": sha256.hex(),
            "signature": _text(key.sign(FOOT_LABEL + sha256)),
        }
        out.write(_json(foot))
    return count


class _Hashing:
    def __init__(self, file: BinaryIO, digest: Any) -> None:
        self._file, self._digest = file, digest

    def write(self, line: bytes) -> None:
        self._digest.update(line)
        self._file.write(line)


def _top(
    session: Session, head: Head, public_key: bytes, log: core_rs.MerkleLog, wanted: Filter
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "written_at": clock.now().isoformat(),
        "head": head.as_json(),
        "public_key": _text(public_key),
        "is_whole": wanted.is_whole,
        "filter": wanted.as_json(),
        "earlier": [
            {
                "head": old.as_json(),
                "proof": _text(b"".join(log.consistency_proof(old.size, head.size))),
            }
            for old in sealing.heads_of_days(session)
            if 0 < old.size < head.size
        ],
    }


def _page(session: Session, wanted: Filter, place: int, size: int) -> list[Any]:
    # Rows that are gone match no filter; they are shown in all.
    matches = sa.or_(EVENTS.c.id.is_(None), sa.and_(sa.true(), *wanted._conditions()))  # noqa: SLF001
    statement = (
        sa.select(_LEAVES.c.place, _LEAVES.c.leaf, *COLUMNS)
        .outerjoin(EVENTS, EVENTS.c.id == _LEAVES.c.event_id)
        .where(_LEAVES.c.place > place, _LEAVES.c.place < size, matches)
        .order_by(_LEAVES.c.place)
        .limit(_PAGE)
    )
    return list(session.connection().execute(statement).mappings())


def _line(row: Any, log: core_rs.MerkleLog, size: int, *, is_whole: bool) -> bytes:
    entry = b"" if row["id"] is None else entry_of(row)
    proof = b""
    if not is_whole:
        proof = base64.b64encode(b"".join(log.inclusion_proof(row["place"], size)))
    leaf = row["leaf"].hex().encode("ascii")
    return b"%d\t%b\t%b\t%b\n" % (row["place"], leaf, proof, entry)


def _json(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
