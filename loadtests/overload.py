"""Far more than can be done, at the door and in public: the staff's pages still come at once."""

from locust import constant

from loadtests.limits import require
from loadtests.personas import Citizen, Collector, Coordinator, Laboratory


class Flood(Collector):
    """A table that sends fifty people at a time, as fast as it is answered."""

    weight = 10
    wait_time = constant(0)
    tubes = 10


class Curious(Citizen):
    """Everybody at once, again and again."""

    weight = 10
    wait_time = constant(0.5)


class Bench(Laboratory):
    """Enough of the staff to measure by."""

    weight = 3


class Room(Coordinator):
    """The province room."""

    weight = 3


__all__ = ["Bench", "Curious", "Flood", "Room"]

require({}, p95={"/": 300, "/laboratory/receipt/": 300, "/laboratory/rack/": 300})
