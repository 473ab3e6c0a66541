"""Somebody guesses codes during the rush: the guesser is slowed, the tables are not."""

from locust import constant

from loadtests.limits import require
from loadtests.personas import Citizen, Collector


class Guesser(Citizen):
    """A script that tries codes as fast as it can."""

    weight = 20
    wait_time = constant(0)


__all__ = ["Collector", "Guesser"]

require({"/ingest/v1/batches": 250})
