"""The events of several batches as columns, read and validated by core_rs."""

import uuid
from dataclasses import dataclass
from typing import Any

import polars as pl

import core_rs
from portal import clock
from portal.people.rules import Particulars

_PARTICULARS = Particulars._fields


@dataclass(frozen=True, slots=True)
class Batch:
    """The envelope of one body."""

    batch_id: str
    event_count: int


class Events:
    """Columns of text, numbers and truth values, one place for each event."""

    def __init__(self, bodies: list[bytes]) -> None:
        envelopes, table = core_rs.read_batches(bodies, clock.today().year)
        self.batches = [Batch(batch_id, count) for _, batch_id, _, count in envelopes]
        frame = pl.DataFrame(table)
        self._columns: dict[str, list[Any]] = frame.to_dict(as_series=False)
        parts = [self._columns[name] for name in _PARTICULARS]
        self.people = [Particulars(*values) for values in zip(*parts, strict=True)]
        self.count = frame.height

    def __getitem__(self, name: str) -> list[Any]:
        return self._columns[name]


def raw_event(bodies: list[bytes], events: Events, n: int) -> bytes:
    """The text of an event as the device sent it."""
    body = bodies[events["body"][n]]
    return body[events["start"][n] : events["end"][n]]


def as_uuid(text: str) -> uuid.UUID:
    """A UUID of 32 hexadecimal digits."""
    return uuid.UUID(text)
