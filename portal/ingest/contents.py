"""What a refused event says, in a few words: whoever puts its cause right must know whose it is."""

from typing import Any

import orjson
from flask_babel import gettext

from core_rs import CoreError, parse_payload

_LONGEST = 200


def facts(body: bytes) -> list[str]:
    """The tube, the session, and the person named by an event, each on a line of its own.

    Args:
        body: the event as the device wrote it; anything at all, since it was refused.
    """
    try:
        event = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    data = event.get("data") if isinstance(event, dict) else None
    if not isinstance(data, dict):
        return []
    named = (
        (gettext("Tube"), data.get("tube_code")),
        (gettext("Collection session"), data.get("session_code")),
        (gettext("Person"), _person(data)),
        (gettext("Retest of"), data.get("retest_of")),
    )
    return [f"{name}: {str(value)[:_LONGEST]}" for name, value in named if value]


def _person(data: dict[str, Any]) -> str:
    """Name and birth as typed, else as the scanned code has them; a declaration is its code."""
    typed = data.get("person")
    told = typed if isinstance(typed, dict) else {}
    name, birth = told.get("full_name"), told.get("birth_date") or told.get("birth_year")
    payload = data.get("payload")
    if not name and isinstance(payload, str):
        try:
            scanned = parse_payload(payload)
        except CoreError:
            return ""
        name = scanned.full_name or scanned.name_hint or scanned.code
        birth = birth or (scanned.birth_date.iso if scanned.birth_date else None)
    return ", ".join(str(part) for part in (name, birth) if part)
