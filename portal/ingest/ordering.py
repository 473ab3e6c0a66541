"""The order in which batches are applied: each device's own numbers, whatever order they came in.

Pure: what is held and where each device stands go in, what to apply now comes out.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Arrived:
    """A batch at hand: just read from the journal, or held since before."""

    device_id: int
    seq: int
    position: int
    body: bytes


@dataclass(slots=True)
class Standing:
    """Where a device stands: the number it must send next, and what waits behind a gap."""

    next_seq: int
    held: dict[int, Arrived] = field(default_factory=dict)


@dataclass(slots=True)
class Plan:
    """What to do with the batches that arrived.

    Attributes:
        ready: to be applied now, in this order.
        held: to be kept until their gap closes.
        released: (device, seq) of batches that were held and are ready now.
        gaps: (device, first missing seq, last missing seq) that were given up waiting for.
    """

    ready: list[Arrived] = field(default_factory=list)
    held: list[Arrived] = field(default_factory=list)
    released: set[tuple[int, int]] = field(default_factory=set)
    gaps: list[tuple[int, int, int]] = field(default_factory=list)


def plan(
    arrived: Iterable[Arrived], standings: dict[int, Standing], overdue: Iterable[int] = ()
) -> Plan:
    """Puts batches in order; changes `standings` to what they will be.

    A batch whose number was passed already is ready at once: its events are known by their ids,
    so a re-send changes nothing, and a batch that a gap had been given up for is not lost. So is
    a second batch of a held number. `overdue` names devices whose gap has waited long enough.
    """
    made = Plan()
    for device_id in overdue:
        standing = standings[device_id]
        if standing.held:
            first = min(standing.held)
            made.gaps.append((device_id, standing.next_seq, first - 1))
            standing.next_seq = first
            _release(device_id, standing, made)
    for batch in arrived:
        standing = standings[batch.device_id]
        if batch.seq == standing.next_seq:
            made.ready.append(batch)
            standing.next_seq += 1
            _release(batch.device_id, standing, made)
        elif batch.seq < standing.next_seq:
            made.ready.append(batch)
        elif batch.seq not in standing.held:
            standing.held[batch.seq] = batch
            made.held.append(batch)
        elif standing.held[batch.seq].body != batch.body:
            made.ready.append(batch)
    now_ready = {(b.device_id, b.seq) for b in made.ready}
    made.held = [b for b in made.held if (b.device_id, b.seq) not in now_ready]
    return made


def _release(device_id: int, standing: Standing, made: Plan) -> None:
    while standing.next_seq in standing.held:
        made.ready.append(standing.held.pop(standing.next_seq))
        made.released.add((device_id, standing.next_seq))
        standing.next_seq += 1
