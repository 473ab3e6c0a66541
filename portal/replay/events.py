"""What the devices of the round send: events in batches, with the dirt of a real day in them."""

import datetime as dt
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from core_rs import code_check_symbol
from portal import clock
from portal.replay.people import SyntheticPerson, payload
from portal.replay.plan import PlannedTube

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
EVENTS_A_BATCH = 60
# What people show at the point; the rest has no card and is typed.
SOURCES = (("cccd", 0.60), ("personal_qr", 0.24), ("bhyt", 0.08), ("declaration", 0.03))
SHARE_WITHDRAWN = 0.004
SHARE_SCANNED_TWICE = 0.003

Event = dict[str, Any]


class Ids:
    """Ids and codes that come out the same in every run of one replay, and in no other."""

    def __init__(self, salt: str) -> None:
        self.key = salt.encode()

    def uuid(self, label: str, at: dt.datetime) -> str:
        """A UUIDv7 of the instant whose random part is fixed by the label."""
        digest = blake2b(label.encode(), key=self.key, digest_size=10).digest()
        value = int(at.timestamp() * 1000) << 80 | int.from_bytes(digest, "big")
        value = value & ~(0xF << 76) | 7 << 76
        value = value & ~(0x3 << 62) | 2 << 62
        return str(uuid.UUID(int=value))

    def code(self, label: str) -> str:
        """A result code: ten symbols fixed by the label and their check symbol."""
        digest = blake2b(f"code:{label}".encode(), key=self.key, digest_size=7).digest()
        value = int.from_bytes(digest, "big")
        body = "".join(ALPHABET[value >> 5 * place & 31] for place in range(10))
        return body + code_check_symbol(body)


@dataclass(frozen=True, slots=True)
class Shift:
    """A device at work: whose grant it carries and which session it scans into."""

    session_code: str
    grant: str
    device: int


def source_of(number: int) -> str:
    """What the person of this number shows, the same in every run."""
    place = random.Random(number).random()
    for source, share in SOURCES:
        if place < share:
            return source
        place -= share
    return "typed"


def tube_events(
    ids: Ids,
    shift: Shift,
    tube: PlannedTube,
    tube_code: str,
    members: list[SyntheticPerson],
    opened_at: dt.datetime,
    *,
    has_dirt: bool = True,
) -> Iterator[Event]:
    """Everything a device says of one tube, in order."""
    chance = random.Random(tube.number)
    at = opened_at

    def event(kind: str, label: str, data: Event) -> Event:
        return {
            "event_id": ids.uuid(f"{kind}:{label}", at),
            "kind": kind,
            "occurred_at": at.isoformat(),
            "actor_grant": shift.grant,
            "data": data,
        }

    yield event(
        "tube.opened",
        tube_code,
        {
            "tube_code": tube_code,
            "session_code": shift.session_code,
            "planned_size": max(5, tube.size),
        },
    )
    for place, person in enumerate(members, start=1):
        at += dt.timedelta(seconds=20)
        if has_dirt and chance.random() < SHARE_WITHDRAWN:
            label = f"{person.number}:wrong"
            sample = _collected(ids, label, tube_code, place, person, at)
            yield event("sample.collected", label, sample)
            at += dt.timedelta(seconds=5)
            gone = {"sample_id": sample["sample_id"], "reason": "scanned_by_mistake"}
            yield event("sample.withdrawn", label, gone)
        label = str(person.number)
        yield event("sample.collected", label, _collected(ids, label, tube_code, place, person, at))
        if has_dirt and _is_scanned_twice(chance, person.number):
            at += dt.timedelta(seconds=3)
            label = f"{person.number}:twice"
            again = _collected(ids, label, tube_code, place + 1, person, at)
            yield event("sample.collected", label, again)
    at += dt.timedelta(seconds=10)
    yield event("tube.sealed", tube_code, {"tube_code": tube_code, "sample_count": len(members)})


def _is_scanned_twice(chance: random.Random, number: int) -> bool:
    """Whether a code is read again; nobody types a whole person in twice within seconds."""
    return chance.random() < SHARE_SCANNED_TWICE and source_of(number) != "typed"


def tube_event_count(tube: PlannedTube) -> int:
    """How many events `tube_events` gives, without making them."""
    chance = random.Random(tube.number)
    count = 2 + tube.size
    for place in range(tube.size):
        count += 2 * (chance.random() < SHARE_WITHDRAWN)
        count += _is_scanned_twice(chance, tube.first_person + place)
    return count


EVENTS_A_RETEST = 3


def _collected(
    ids: Ids, label: str, tube_code: str, place: int, person: SyntheticPerson, at: dt.datetime
) -> Event:
    source = source_of(person.number)
    data: Event = {
        "sample_id": ids.uuid(f"sample:{label}", at),
        "tube_code": tube_code,
        "position": place,
        "result_code": ids.code(label),
        "source": source,
        "is_symptomatic": False,
        "subject_group": "screening",
    }
    if source == "typed":
        data["person"] = _typed(person)
    elif source == "declaration":
        data["payload"] = f"https://tram.invalid/k/{ids.code(f'declaration:{person.number}')}"
    else:
        data["payload"] = payload(person, source)
    return data


def _typed(person: SyntheticPerson) -> Event:
    """As tired hands type: capitals, spaces, old telephone numbers; never another person."""
    chance = random.Random(person.number + 1)
    name = person.full_name
    if chance.random() < 0.3:
        name = name.upper()
    elif chance.random() < 0.2:
        name = name.replace(" ", "  ") + " "
    return {
        "full_name": name,
        "birth_date": person.birth_on.strftime("%d/%m/%Y"),
        "sex": person.sex,
        "phone": f"+84 {person.phone[1:4]} {person.phone[4:]}",
        "national_id": person.national_id if chance.random() < 0.8 else "",
        "address": person.address,
    }


def retest_events(
    ids: Ids,
    shift: Shift,
    tube_code: str,
    person: SyntheticPerson,
    at: dt.datetime,
) -> Iterator[Event]:
    """One member of a positive pool, sampled again alone."""
    tube = PlannedTube(-person.number - 1, person.number, 1, 0, 0)
    opened, collected, sealed = tube_events(
        ids, shift, tube, tube_code, [person], at, has_dirt=False
    )
    opened["data"]["planned_size"] = 1
    data = collected["data"]
    data["sample_id"] = ids.uuid(f"sample:{person.number}:retest", at)
    data["retest_of"] = data["result_code"]
    data["result_code"] = ids.code(f"{person.number}:retest")
    collected["event_id"] = ids.uuid(f"retest:{person.number}", at)
    yield from (opened, collected, sealed)


def batches(
    ids: Ids, device_uid: str, first_seq: int, events: list[Event]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Events of a device cut into numbered batches."""
    for number, start in enumerate(range(0, len(events), EVENTS_A_BATCH)):
        part = events[start : start + EVENTS_A_BATCH]
        seq = first_seq + number
        at = dt.datetime.fromisoformat(part[-1]["occurred_at"])
        yield (
            seq,
            {
                "device_id": device_uid,
                "batch_id": ids.uuid(f"batch:{device_uid}:{seq}", at),
                "seq": seq,
                "events": part,
            },
        )


def morning(day: dt.date) -> dt.datetime:
    """The instant at which teams start: seven o'clock local time."""
    return clock.start_of_day(day) + dt.timedelta(hours=7)
