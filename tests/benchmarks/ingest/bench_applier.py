"""How fast the applier makes samples true: fills a journal, then applies it, and counts rows.

Run by hand: python -m tests.benchmarks.ingest.bench_applier [people] [sqlite|postgresql]
"""

import cProfile
import datetime as dt
import os
import pstats
import random
import sys
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

import core_rs
from portal import db, migrations, settings
from portal.ingest.applier import Applier
from portal.ingest.journal import open_journal
from portal.samples.models import Sample
from tests import postgres
from tests.portal.ingest.device import FakeDevice, allow_tubes, enrol, tube_code
from tests.portal.ingest.province import make_province

POOL = 5
SURNAMES = ["Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Phan", "Vũ", "Đặng", "Bùi"]
MIDDLES = ["Văn", "Thị", "Hữu", "Đức", "Ngọc", "Minh", "Thanh", "Quốc"]
GIVENS = ["Anh", "Bình", "Cường", "Dũng", "Hà", "Hùng", "Hương", "Lan", "Mai", "Nam", "Phúc"]


def _card(chance: random.Random) -> str:
    born = dt.date(1950, 1, 1) + dt.timedelta(days=chance.randrange(20_000))
    sex = chance.randrange(2)
    name = " ".join(chance.choice(part) for part in (SURNAMES, MIDDLES, GIVENS))
    number = f"048{sex + 2 * (born.year >= 2000)}{born.year % 100:02}{chance.randrange(10**6):06}"
    word = "Nữ" if sex else "Nam"
    house = chance.randrange(9_000)  # one address for all would be one block for the person index
    return f"{number}||{name}|{born:%d%m%Y}|{word}|{house} Lê Lợi, Hải Châu, Đà Nẵng|01052021"


def fill(journal, devices: list[FakeDevice], people: int, batch_tubes: int = 10) -> int:
    """Appends batches of `batch_tubes` tubes each; how many events."""
    chance = random.Random(1)
    count = events = tube = 0
    while count < people:
        device = devices[tube % len(devices)]
        made = []
        for _ in range(batch_tubes):
            tube += 1
            code = tube_code(tube)
            made.append(device.opened(code))
            for place in range(POOL):
                event = device.collected(code)
                data = event["data"]
                del data["person"]
                data |= {"source": "cccd", "payload": _card(chance), "position": place + 1}
                made.append(event)
            made.append(device.sealed(code, POOL))
            count += POOL
        events += len(made)
        journal.append([device.batch(*made)])
    return events


def measure(url: str, folder: Path, people: int) -> None:
    """Prints applied samples a second."""
    migrations.upgrade(url)
    config = settings.load(
        {
            "TRAM_DATABASE_URL": url,
            "TRAM_VAR_DIR": str(folder),
            "TRAM_SECRET_KEY": "a secret of the benchmark, long enough to be taken",
        }
    )
    engine = db.bind(config)
    place = make_province()
    allow_tubes(place)
    devices = [enrol(place, config.secret_key, f"Máy {n}") for n in range(20)]
    journal = open_journal(config)
    events = fill(journal, devices, people)
    applier = Applier(config, journal)
    applier.take_lease()
    profile = cProfile.Profile() if os.environ.get("BENCH_PROFILE") else None
    cpu, started = time.process_time(), time.perf_counter()
    if profile:
        profile.enable()
    while applier.step():
        pass
    if profile:
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    seconds = time.perf_counter() - started
    used = time.process_time() - cpu
    with engine.connect() as connection:
        kept = connection.scalar(sa.select(sa.func.count()).select_from(Sample))
    print(
        f"{engine.dialect.name}: {kept} samples of {people}, {events} events in {seconds:.2f} s "
        f"({used:.2f} s of this process): {kept / seconds:,.0f} samples/s"
    )
    journal.close()
    db.db_session.remove()
    engine.dispose()


def main() -> None:
    """Both databases, or the one named."""
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    kinds = sys.argv[2:] or ["sqlite", "postgresql"]
    core_rs.new_code(10)
    with tempfile.TemporaryDirectory() as folder:
        if "sqlite" in kinds:
            measure(f"sqlite:///{folder}/tram.sqlite", Path(folder), people)
        if "postgresql" in kinds:
            with postgres.cluster() as address:
                measure(f"{address}/postgres", Path(folder), people)


if __name__ == "__main__":
    main()
