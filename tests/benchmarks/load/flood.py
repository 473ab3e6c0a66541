"""Twice what the door can take: measured first, then offered whatever the answers do.

Batches of fifty people. The load generators are lighter than Locust, which could not offer so much.
"""

import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.benchmarks.ingest import wire
from tests.benchmarks.ingest.serving import Measured, measure, measure_steady

PEOPLE, PEOPLE_A_BATCH = 200_000, 50
CONNECTIONS, CALIBRATION_SECONDS = 256, 8.0


@dataclass(frozen=True)
class _Door:
    """A door that `measure` did not start; what it uses is not asked for."""

    port: int

    def cpu_seconds(self) -> float:
        return 0.0


class Flood:
    """A context: inside it the door is offered twice the rate it accepted before."""

    def __init__(self, prepared: Path, port: int, seconds: int) -> None:
        devices = json.loads(prepared.read_text(encoding="utf-8"))["devices"]
        self._file = prepared.with_name("flood")
        made = wire.batches([wire.Sender(**d) for d in devices], PEOPLE, PEOPLE_A_BATCH)
        wire.write(self._file, "/ingest/v1/batches", ((s.token, body) for s, body in made))
        self._door, self._seconds = _Door(port), seconds
        self._told: Measured | None = None
        self._thread = threading.Thread(target=self._offer)
        self.accepted = measure(
            self._door, self._file, seconds=CALIBRATION_SECONDS, connections=CONNECTIONS
        )

    def _offer(self) -> None:
        self._told = measure_steady(
            self._door,
            self._file,
            rate=2 * self.accepted.rate,
            seconds=self._seconds,
            connections=CONNECTIONS,
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def __str__(self) -> str:
        before, told = self.accepted, self._told
        if told is None:
            return "the flood did not end"
        return (
            f"The door took {before.rate:,.0f} batches of {PEOPLE_A_BATCH} a second before; offered"
            f" {2 * before.rate:,.0f} a second it took {told.good / told.seconds:,.0f}, p50"
            f" {told.p50_ms:,.0f} ms from when each was due"
        )
