"""The envelope of a batch: what the door reads of a body before it keeps it."""

from typing import NamedTuple

import core_rs

MAX_BODY_BYTES = 2 << 20


class Envelope(NamedTuple):
    """Who sent which batch, and how many events are in it. Ids are 32 hexadecimal digits."""

    device_uid: str
    batch_id: str
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
        return Envelope._make(core_rs.check_envelope(body))
    except core_rs.CoreError as error:
        # The text is "code: message"; the message has a line for each problem.
        text = str(error)
        raise BadEnvelope(text.split("\n")) from error
