"""Everybody at the pace of an ordinary morning, for as long as `-t` says: nothing may grow."""

from loadtests.limits import require
from loadtests.personas import Citizen, Collector, Coordinator, Laboratory

__all__ = ["Citizen", "Collector", "Coordinator", "Laboratory"]

require(
    {"/ingest/v1/batches": 250, "/ingest/v1/outcomes": 300, "/tra-cuu": 1000},
    p95={"/": 300, "/samples/list/": 300, "/laboratory/receipt/": 300},
)
