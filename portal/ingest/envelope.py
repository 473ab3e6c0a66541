"""The envelope of a batch: what the door reads of a body before it keeps it."""

import uuid
from dataclasses import dataclass

import orjson

MAX_BODY_BYTES = 2 << 20
MAX_EVENTS = 2000


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sent which batch, and how many events are in it."""

    device_uid: uuid.UUID
    batch_id: uuid.UUID
    seq: int
    event_count: int


class BadEnvelope(Exception):
    """The body is not a batch; `problems` names everything that is wrong with its envelope."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read_envelope(body: bytes) -> Envelope:
    """Reads the envelope; events are judged one by one when they are applied.

    Raises:
        BadEnvelope: naming every problem.
    """
    try:
        batch = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadEnvelope(["The body is not JSON."]) from error
    if not isinstance(batch, dict):
        raise BadEnvelope(["The body is not a JSON object."])
    problems: list[str] = []
    device_uid = _read_uuid(batch, "device_id", problems)
    batch_id = _read_uuid(batch, "batch_id", problems)
    seq = batch.get("seq")
    if type(seq) is not int or not 0 < seq < 1 << 53:
        problems.append("seq is not a whole number from 1 on.")
        seq = 0
    events = batch.get("events")
    if not isinstance(events, list) or not 0 < len(events) <= MAX_EVENTS:
        problems.append(f"events is not a list of 1 to {MAX_EVENTS} events.")
        events = []
    if problems or device_uid is None or batch_id is None:
        raise BadEnvelope(problems)
    return Envelope(device_uid, batch_id, seq, len(events))


def _read_uuid(batch: dict[str, object], name: str, problems: list[str]) -> uuid.UUID | None:
    text = batch.get(name)
    try:
        return uuid.UUID(text if isinstance(text, str) else "")
    except ValueError:
        problems.append(f"{name} is not a UUID.")
        return None
