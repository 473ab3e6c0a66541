"""The events of several batches as columns, read and validated by core_rs."""

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
    """Columns of text, numbers and truth values, one place for each event (see `read_batches`)."""

    body: list[int]
    start: list[int]
    end: list[int]
    planned_size: list[int]
    position: list[int]
    sample_count: list[int]
    occurred_at: list[int]
    read_at: list[int]
    is_symptomatic: list[bool]
    event_id: list[str]
    kind: list[str]
    grant: list[str]
    problem: list[str]
    detail: list[str]
    tube_code: list[str]
    session_code: list[str]
    sample_id: list[str]
    result_code: list[str]
    source: list[str]
    subject_group: list[str]
    retest_of: list[str]
    reason: list[str]
    kit_name: list[str]
    kit_lot: list[str]
    outcome: list[str]
    full_name: list[str]
    declaration_code: list[str]
    warnings: list[str]

    def __init__(self, bodies: list[bytes]) -> None:
        envelopes, table = core_rs.read_batches(bodies, clock.today().year)
        self.batches = [Batch(batch_id, count) for _, batch_id, _, count in envelopes]
        columns: dict[str, list[Any]] = pl.DataFrame(table).to_dict(as_series=False)
        self.__dict__.update(columns)
        # Whom each event names.
        parts = zip(*[columns[name] for name in _PARTICULARS], strict=True)
        self.person = list(map(Particulars._make, parts))
        self.count = len(self.body)


def raw_event(bodies: list[bytes], events: Events, n: int) -> bytes:
    """The text of an event as the device sent it."""
    body = bodies[events.body[n]]
    return body[events.start[n] : events.end[n]]
