"""How fast a whole run is received, recorded, verified and released. Off by default."""

import statistics
import time

import pytest

from portal.db import db_session, transaction
from portal.results import services
from portal.results.services import Reading
from portal.samples import services as samples
from portal.samples.services import ScannedTube
from tests.portal.results.laboratory import GOOD, Laboratory, hours_ago

TUBES, SIZE, ROUNDS = 2000, 5, 3
LEAST_TUBES_A_SECOND = 5000


@pytest.mark.bench
@pytest.mark.timeout(600)
def test_a_run_of_2000_tubes(session, capsys) -> None:
    laboratory = Laboratory.make()
    seconds: dict[str, list[float]] = {}

    def measure(step: str, work) -> object:
        actor = laboratory.verifier if step in {"verify", "release"} else laboratory.technician
        begun = time.perf_counter()
        with transaction(actor) as writing:
            answer = work(writing, actor)
        seconds.setdefault(step, []).append(time.perf_counter() - begun)
        db_session.expire_all()
        return answer

    place = laboratory.place
    for _round in range(ROUNDS):
        codes = laboratory.fill(TUBES, SIZE)
        scanned = [ScannedTube(code, SIZE) for code in codes]
        readings = [
            Reading(code, "positive" if number % 200 == 0 else "negative", ct_values={"N": 25.0})
            for number, code in enumerate(codes)
        ]
        measure(
            "receive",
            lambda s, a, scanned=scanned: samples.receive(
                s, a, laboratory_id=place.laboratory_id, tubes=scanned, received_at=hours_ago(4)
            ),
        )
        run = measure(
            "record",
            lambda s, a, readings=readings: services.record(
                s, a, laboratory_id=place.laboratory_id, readings=readings, facts=GOOD
            ),
        )
        measure("verify", lambda s, a, run=run: services.verify(s, a, run_id=run.run_id))
        measure("release", lambda s, a, run=run: services.release(s, a, run_id=run.run_id))
    rates = {step: TUBES / statistics.median(times) for step, times in seconds.items()}
    kind = session.get_bind().dialect.name
    with capsys.disabled():
        print(f"\n{kind}: " + ", ".join(f"{step} {rate:,.0f}/s" for step, rate in rates.items()))
    assert laboratory.counts()["tubes_resulted"] == TUBES * ROUNDS
