"""A database full of released results of people who do not exist, and a worker beside it."""

import datetime as dt
import os
import random
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import core_rs
from portal.people.models import Person
from portal.results.models import LabResult, LabRun
from portal.samples.models import Sample, Tube
from tests.portal.certificates.world import AT, HOUR, World
from tests.reports.crowd import some_name

ROOT = Path(__file__).resolve().parents[3]
POOL = 5
_CHUNK = 5000


def fill(world: World, count: int, seed: int = 1) -> None:
    """Adds so many people in pools of five, each with a released negative (one pool in 400 is of
    positives); past the ORM, since the results are where the work under measurement begins."""
    chance = random.Random(seed)
    run = LabRun(
        code="RB1", laboratory_id=world.laboratory.id, kit_name="LightPower", kit_lot="2407",
        status="released", created_at=AT + 8 * HOUR, recorded_at=AT + 8 * HOUR,
    )  # fmt: skip
    world.session.add(run)
    world.session.flush()
    connection = world.session.connection()
    for start in range(0, count, _CHUNK):
        numbers = range(start, min(start + _CHUNK, count))
        connection.execute(sa.insert(Person.__table__), list(_people(world, numbers, chance)))
        tubes = range(start // POOL, (numbers[-1]) // POOL + 1)
        connection.execute(sa.insert(Tube.__table__), list(_tubes(world, tubes, count)))
        connection.execute(sa.insert(LabResult.__table__), list(_results(world, tubes, run.id)))
        connection.execute(sa.insert(Sample.__table__), list(_samples(world, numbers)))
    world.session.commit()


_FIRST = 10_000  # keys of what is added, far from those of the small world


def _people(world: World, numbers: range, chance: random.Random) -> Iterator[dict[str, Any]]:
    for number in numbers:
        name = some_name(chance)
        born = dt.date(1940, 1, 1) + dt.timedelta(days=chance.randrange(25_000))
        yield {
            "id": _FIRST + number, "uid": uuid.UUID(int=chance.getrandbits(128)),
            "full_name": name, "folded_name": core_rs.fold_name(name), "sort_name": "",
            "birth_on": born, "birth_year": born.year, "sex": chance.choice(("female", "male")),
            "phone": f"0905{number:06d}", "national_id": f"0481840{number % 100000:05d}",
            "address": f"Tổ {chance.randrange(1, 90)}, phường Hòa Khánh, thành phố Đà Nẵng",
            "nationality": "VN", "site_id": world.site.id, "source": "typed", "created_at": AT,
            "version": 1,
        }  # fmt: skip


def _is_positive(tube: int) -> bool:
    return tube % 400 == 399


def _tubes(world: World, tubes: range, count: int) -> Iterator[dict[str, Any]]:
    for tube in tubes:
        size = 1 if _is_positive(tube) else min(POOL, count - tube * POOL)
        yield {
            "id": _FIRST + tube, "code": f"DNB260805{tube:07d}", "campaign_id": world.campaign.id,
            "collection_session_id": world.sitting.id, "site_id": world.site.id,
            "laboratory_id": world.laboratory.id, "method": "pcr",
            "specimen_type": "nasopharyngeal", "pool_kind": "swab", "planned_size": POOL,
            "sample_count": size, "status": "received", "opened_at": AT,
            "received_at": AT + 6 * HOUR, "resulted_at": AT + 8 * HOUR, "accession_number": "",
            "rejection_reason": "",
            "outcome": "positive" if _is_positive(tube) else "negative", "version": 1,
        }  # fmt: skip


def _results(world: World, tubes: range, run_id: int) -> Iterator[dict[str, Any]]:
    at = AT + 8 * HOUR
    for tube in tubes:
        yield {
            "tube_id": _FIRST + tube, "tube_code": f"DNB260805{tube:07d}", "run_id": run_id,
            "laboratory_id": world.laboratory.id,
            "outcome": "positive" if _is_positive(tube) else "negative",
            "ct_values": {"N": 31.2, "E": None}, "version": 1, "status": "released",
            "recorded_at": at, "verified_at": at, "verified_by_id": world.verifier.id,
            "released_at": at,
        }  # fmt: skip


def _samples(world: World, numbers: range) -> Iterator[dict[str, Any]]:
    for number in numbers:
        tube = number // POOL
        state = "POS_CONFIRMED" if _is_positive(tube) else "NEG_BY_POOL"
        yield {
            "id": _FIRST + number, "uid": uuid.UUID(int=(7 << 64) + number),
            "result_code": core_rs.new_code(), "tube_id": _FIRST + tube,
            "person_id": _FIRST + number, "campaign_id": world.campaign.id,
            "collection_session_id": world.sitting.id, "site_id": world.site.id,
            "position": number % POOL + 1, "collected_at": AT, "source": "typed",
            "is_symptomatic": False, "subject_group": "screening", "state": state,
            "state_reason": "", "withdrawal_reason": "", "added_at": AT, "is_urgent": False,
            "released_at": AT + 9 * HOUR, "version": 1,
        }  # fmt: skip


def worker(environ: dict[str, str], *, once: bool = True) -> "subprocess.Popen[bytes]":
    """`tram worker` on this database, in a process of its own."""
    from portal.cli._supervisor import die_with

    command = [sys.executable, "-m", "portal.cli", "worker", *(["--once"] if once else [])]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environ},
        stdout=subprocess.DEVNULL,
        preexec_fn=die_with(os.getpid()),  # noqa: PLW1509
    )
