"""A million rows are exported while all tables send and the staff works."""

from loadtests.limits import require
from loadtests.personas import Collector, Coordinator, Exporter, Laboratory

__all__ = ["Collector", "Coordinator", "Exporter", "Laboratory"]

require(
    {"/ingest/v1/batches": 250},
    p95={"/": 300, "/samples/list/": 300, "/laboratory/receipt/": 300},
    least={"export, asked to fetched": 1},
)
