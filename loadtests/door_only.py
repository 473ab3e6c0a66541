"""The door alone: what `make load` runs as a smoke test in seconds."""

from loadtests.limits import require
from loadtests.personas import Collector

__all__ = ["Collector"]

require({"/ingest/v1/batches": 250})
