"""Requests made beforehand, so that the load generator only has to copy them to the socket."""

import datetime as dt
import random
import secrets
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import core_rs

POOL = 5
SURNAMES = ["Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Phan", "Vũ", "Đặng", "Bùi"]
MIDDLES = ["Văn", "Thị", "Hữu", "Đức", "Ngọc", "Minh", "Thanh", "Quốc"]
GIVENS = ["Anh", "Bình", "Cường", "Dũng", "Hà", "Hùng", "Hương", "Lan", "Mai", "Nam", "Phúc"]


@dataclass
class Sender:
    """A device as `tram loadtest` enrols it, and how far it has counted."""

    device_id: str
    token: str
    actor_grant: str
    session_code: str
    tube_prefix: str
    seq: int = 0
    tube: int = 0


def card(chance: random.Random) -> str:
    """The QR text of a synthetic CCCD."""
    born = dt.date(1950, 1, 1) + dt.timedelta(days=chance.randrange(20_000))
    sex = chance.randrange(2)
    name = " ".join(chance.choice(part) for part in (SURNAMES, MIDDLES, GIVENS))
    number = f"048{sex + 2 * (born.year >= 2000)}{born.year % 100:02}{chance.randrange(10**6):06}"
    word = "Nữ" if sex else "Nam"
    house = chance.randrange(9_000)  # one address for all would be one block for the person index
    return f"{number}||{name}|{born:%d%m%Y}|{word}|{house} Lê Lợi, Hải Châu, Đà Nẵng|01052021"


def uuid7() -> str:
    """As a device makes them; all in the same millisecond."""
    return str(uuid.UUID(int=0x0198F0A0_0000_7000_8000_000000000000 | secrets.randbits(60)))


def batches(
    senders: list[Sender], people: int, people_a_batch: int, seed: int = 1
) -> Iterator[tuple[Sender, bytes]]:
    """Batches of so many samples each, in tubes of five, the devices taking turns."""
    chance = random.Random(seed)
    now = dt.datetime.now(dt.UTC).isoformat()
    in_tube: dict[str, int] = {}
    for number in range(people // people_a_batch):
        sender = senders[number % len(senders)]
        events = []

        def add(kind: str, data: str, sender: Sender = sender, events: list[str] = events) -> None:
            events.append(
                f'{{"event_id":"{uuid7()}","kind":"{kind}","occurred_at":"{now}",'
                f'"actor_grant":"{sender.actor_grant}","data":{{{data}}}}}'
            )

        for _ in range(people_a_batch):
            place = in_tube.get(sender.device_id, 0) + 1
            sender.tube += place == 1
            tube = f'"tube_code":"{sender.tube_prefix}{sender.tube:06}"'
            if place == 1:
                session = f'"session_code":"{sender.session_code}"'
                add("tube.opened", f'{tube},{session},"planned_size":{POOL}')
            add(
                "sample.collected",
                f'{tube},"sample_id":"{uuid7()}","position":{place},"source":"cccd",'
                f'"result_code":"{core_rs.new_code(10)}","payload":"{card(chance)}"',
            )
            if place == POOL:
                add("tube.sealed", f'{tube},"sample_count":{POOL}')
            in_tube[sender.device_id] = place % POOL
        sender.seq += 1
        body = (
            f'{{"device_id":"{sender.device_id}","batch_id":"{uuid7()}","seq":{sender.seq},'
            f'"events":[{",".join(events)}]}}'
        )
        yield sender, body.encode()


def plain_rows(rows: int, rows_a_request: int, *, is_list: bool) -> Iterator[bytes]:
    """The same facts as flat rows, for the doors ours is compared with."""
    chance = random.Random(1)
    now = dt.datetime.now(dt.UTC).isoformat()
    for _ in range(rows // rows_a_request):
        made = []
        for place in range(rows_a_request):
            national_id, _, name, born, sex, address, _ = card(chance).split("|")
            made.append(
                f'{{"code":"{core_rs.new_code(10)}","full_name":"{name}","sex":"{sex}",'
                f'"national_id":"{national_id}","birth":"{born}","address":"{address}",'
                f'"tube_code":"T{chance.randrange(10**9):09}","position":{place % POOL + 1},'
                f'"collected_at":"{now}"}}'
            )
        yield f"[{','.join(made)}]".encode() if is_list else made[0].encode()


def write(file: Path, path: str, requests: Iterable[tuple[str, bytes]]) -> int:
    """Writes (token, body) as whole HTTP requests, each after its length; how many."""
    count = 0
    with file.open("wb") as out:
        for token, body in requests:
            head = (
                f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            ).encode()
            out.write(b"%08d" % (len(head) + len(body)))
            out.write(head)
            out.write(body)
            count += 1
    return count
