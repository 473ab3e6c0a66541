"""Nodes of the distributed journal are killed while devices send: nothing acknowledged is lost."""

import time
from collections.abc import Iterator

import pytest

from tests import nats
from tests.journeys.served import Senders, Served, check_applied_once, wait_for_samples
from tests.portal.ingest.device import allow_tubes, enrol
from tests.portal.ingest.province import make_province

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database kind is enough here: the journal is what is tried."""
    return sqlite_url


@pytest.fixture
def cluster() -> Iterator[nats.Cluster]:
    """Nodes of its own, since they are killed."""
    with nats.cluster() as running:
        yield running


def test_one_node_lost_is_not_noticed_and_two_are_a_polite_no(config, session, cluster) -> None:
    assert cluster.ask("a", "jsz")["config"]["sync_always"] is True
    place = make_province()
    allow_tubes(place)
    devices = [enrol(place, config.secret_key, f"Máy {n}") for n in range(3)]
    served = Served(config, ("door", "applier"), TRAM_JOURNAL_URL=cluster.url("tram"))
    senders = Senders(devices, served.port)
    try:
        served.wait_until_open()
        senders.start()
        senders.wait_for(202, 10)
        first = cluster.leader_of("tram")
        cluster.kill(first)
        # The door goes on with two of three, after an election at the most.
        senders.wait_for(202, 20)
        senders.join()
        wait_for_samples(session, senders.tube_count * 5)
        cluster.start(first)
        cluster.wait()

        senders.start()
        senders.wait_for(202, 10)
        lost = [node for node in nats.NODES if node != first]
        for node in lost:
            cluster.kill(node)
        # Without a majority nothing can be kept, and nothing is said to be.
        senders.wait_for(503, 2)
        kept = senders.statuses[202]
        time.sleep(1.0)
        assert senders.statuses[202] == kept
        for node in lost:
            cluster.start(node)
        senders.join()
        wait_for_samples(session, senders.tube_count * 5)
    finally:
        senders.stop()
        assert served.stop() == 0
    check_applied_once(session, devices, senders.tube_count)
