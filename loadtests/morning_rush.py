"""Morning rush: all tables send, the laboratory and the coordinator work, citizens look.

tram loadtest SESSION load.json --devices 200 --login coordinator=NAME:PASSWORD
TRAM_LOAD=load.json locust -f loadtests/morning_rush.py --headless -u 300 -r 30 -t 5m \
        --html rush.html
"""

from loadtests.limits import require
from loadtests.personas import Citizen, Collector, Coordinator, Laboratory

__all__ = ["Citizen", "Collector", "Coordinator", "Laboratory"]

require({"/ingest/v1/batches": 250, "/ingest/v1/outcomes": 300, "/tra-cuu": 1500})
