"""Results are released: citizens look in great numbers while tables go on sending.

Run as `morning_rush.py`; citizens who are asked to wait politely are no failures, tables that have
to wait are.
"""

from locust import between

from loadtests.limits import require
from loadtests.personas import Citizen, Collector, Laboratory


class Curious(Citizen):
    """Everybody who was told that the result is there."""

    weight = 40
    wait_time = between(0.5, 2)


__all__ = ["Collector", "Curious", "Laboratory"]

require({"/ingest/v1/batches": 250, "/tra-cuu": 1500})
