"""The index of entries over many rows, compared with what is sealed.

`first_key` and `last_key` are no part of an entry: whoever changed them would hide a reading from
«who saw a person's data» and break no seal.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.audit import rules
from portal.audit.entries import EVENTS

# Steps that are found by their rows; other bulk steps leave an entry for each row of a person.
_INDEXED = (*rules.READINGS, "ingest.apply")


def faults(session: Session) -> Iterator[str]:
    """A sentence for each entry whose index does not fit its sealed rows."""
    wanted = (EVENTS.c[n] for n in ("id", "action", "change", "first_key", "last_key"))
    rows = session.connection().execute(sa.select(*wanted).order_by(EVENTS.c.id)).mappings()
    for part in rows.partitions(10_000):
        for row in part:
            held = (row["first_key"], row["last_key"])
            if held != _expected(row):
                yield f"The index of event {row['id']} does not fit its sealed rows: {held}."


def _expected(row: Mapping[Any, Any]) -> tuple[int | None, int | None]:
    text = (row["change"] or {}).get("rows")
    if not isinstance(text, str) or not row["action"].startswith(_INDEXED):
        return None, None
    return rules.bounds(text)
