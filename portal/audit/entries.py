"""The bytes of an event that are sealed: one line of JSON, the same whenever it is written.

The leaf of the tree is the hash of these bytes (RFC 6962). Whoever changes a column of a sealed
event changes its line.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from portal.audit.models import AuditEvent

EVENTS = AuditEvent.__table__
COLUMNS = tuple(EVENTS.c)
_LAYOUT = 1
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def select() -> sa.Select[Any]:
    """Every column that an entry is made of."""
    return sa.select(*COLUMNS)


def entry_of(row: Mapping[Any, Any] | sa.RowMapping) -> bytes:
    """The line of an event, without a line break."""
    secret = row["personal"]
    return _encode(
        {
            "layout": _LAYOUT,
            "id": row["id"],
            "at": row["at"].isoformat(timespec="microseconds"),
            "action": row["action"],
            "table": row["table_name"],
            "row": row["row_key"],
            "row_count": row["row_count"],
            "actor": [row["actor_kind"], row["actor_name"], row["actor_user_id"]],
            "change": row["change"],
            "subject": row["subject"],
            "personal": None if secret is None else base64.b64encode(secret).decode("ascii"),
            "purpose": row["purpose"],
            "request": row["request_id"],
        }
    ).encode()
