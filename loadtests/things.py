"""What devices make by themselves: ids, slip codes, synthetic people. No code of ours is used."""

import datetime as dt
import itertools
import json
import os
import random
import secrets
import time
import uuid
from pathlib import Path
from typing import Any

CENTURY = 2000  # the fourth digit of a CCCD tells sex and century
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SURNAMES = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Phan", "Vũ", "Đặng", "Bùi")
MIDDLES = ("Văn", "Thị", "Hữu", "Đức", "Ngọc", "Minh", "Thanh", "Quốc")
GIVENS = ("Anh", "Bình", "Cường", "Dũng", "Hà", "Hùng", "Hương", "Lan", "Mai", "Nam", "Phúc")


def uuid7() -> str:
    """RFC 9562, version 7: milliseconds, then random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def slip_code() -> str:
    """Ten random symbols and the check symbol over GF(32), as docs/ingest-api.md describes."""
    values = [secrets.randbelow(32) for _ in range(10)]
    total = 0
    for value in [*values, 0]:
        total = total << 1 ^ (0x25 if total & 0x10 else 0)
        total ^= value
    return "".join(ALPHABET[value] for value in [*values, total])


def card(chance: random.Random) -> str:
    """The QR text of a synthetic CCCD."""
    born = dt.date(1950, 1, 1) + dt.timedelta(days=chance.randrange(20_000))
    sex = chance.randrange(2)
    name = " ".join(chance.choice(part) for part in (SURNAMES, MIDDLES, GIVENS))
    number = (
        f"048{sex + 2 * (born.year >= CENTURY)}{born.year % 100:02}{chance.randrange(10**6):06}"
    )
    return f"{number}||{name}|{born:%d%m%Y}|{'Nữ' if sex else 'Nam'}|Hải Châu, Đà Nẵng|01052021"


class Device:
    """One enrolled device: makes batches with rising numbers."""

    def __init__(self, enrolled: dict[str, str]) -> None:
        self.enrolled = enrolled
        self.headers = {
            "Authorization": f"Bearer {enrolled['token']}",
            "Content-Type": "application/json",
        }
        self._seq = itertools.count(1)
        self._tube = itertools.count(1)
        self._chance = random.Random(enrolled["device_id"])

    def _event(self, kind: str, **data: object) -> dict[str, object]:
        return {
            "event_id": uuid7(),
            "kind": kind,
            "occurred_at": dt.datetime.now(dt.UTC).isoformat(),
            "actor_grant": self.enrolled["actor_grant"],
            "data": data,
        }

    def tubes(self, count: int, people: int) -> tuple[bytes, int]:
        """A batch of whole tubes, and how many events it has."""
        events = []
        for _ in range(count):
            code = f"{self.enrolled['tube_prefix']}{next(self._tube):06}"
            events.append(
                self._event(
                    "tube.opened",
                    tube_code=code,
                    session_code=self.enrolled["session_code"],
                    planned_size=people,
                )
            )
            events += [
                self._event(
                    "sample.collected",
                    sample_id=uuid7(),
                    tube_code=code,
                    position=position,
                    result_code=slip_code(),
                    source="cccd",
                    payload=card(self._chance),
                    is_symptomatic=False,
                    subject_group="screening",
                )
                for position in range(1, people + 1)
            ]
            events.append(self._event("tube.sealed", tube_code=code, sample_count=people))
        body = {
            "device_id": self.enrolled["device_id"],
            "batch_id": uuid7(),
            "seq": next(self._seq),
            "events": events,
        }
        return json.dumps(body, ensure_ascii=False).encode(), len(events)


def prepared() -> dict[str, Any]:
    """The file of `tram loadtest`, named by TRAM_LOAD."""
    return json.loads(Path(os.environ["TRAM_LOAD"]).read_text(encoding="utf-8"))
