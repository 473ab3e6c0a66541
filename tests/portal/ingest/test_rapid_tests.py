"""Rapid antigen tests through the applier: two people, a lot that counts, a linked sample."""

import datetime as dt

import pytest
import sqlalchemy as sa

from portal import clock
from portal.actors import system
from portal.campaigns.models import CollectionSession
from portal.certificates import queries as papers
from portal.certificates import rules as paper_rules
from portal.db import transaction
from portal.results.models import AntigenRead, KitLot
from portal.samples.models import Sample, Tube
from tests.portal.ingest.device import FakeDevice
from tests.portal.ingest.test_applier import T1, T2, World

LOT = {"kit_name": "Kit A", "kit_lot": "L1"}
QUARTER = dt.timedelta(minutes=15)


class Point(World):
    """A site with a session of rapid tests (S1), one of RT-PCR (S1P), and two collectors."""

    def __init__(self, config, session) -> None:
        super().__init__(config, session)
        with transaction(system("test")) as writing:
            sitting = writing.get(CollectionSession, self.place.session_id)
            sitting.method, sitting.pool_size = "antigen", 1
            writing.add(
                CollectionSession(
                    code="S1P",
                    campaign_id=sitting.campaign_id,
                    site_id=sitting.site_id,
                    area_id=sitting.area_id,
                    held_on=sitting.held_on,
                    pool_size=1,
                    status="open",
                )
            )
            for number in (1, 2):
                writing.execute(
                    sa.text(
                        "INSERT INTO ab_user (id, first_name, last_name, username, email) "
                        "VALUES (:n, 'a', 'b', :name, :name)"
                    ),
                    {"n": number, "name": f"collector{number}"},
                )
            for lot, last_day in (("L1", dt.date(2026, 12, 31)), ("OLD", dt.date(2026, 7, 31))):
                writing.add(
                    KitLot(
                        kit_name="Kit A",
                        lot_number=lot,
                        expires_on=last_day,
                        created_at=clock.now(),
                    )
                )
        self.second = self.device.shift(2)

    def take(self, code: str = T1, name: str = "A", **data) -> tuple[str, list[dict]]:
        """The sample's id and the events of a cassette with its person."""
        sample = self.device.collected(code, name, **data)
        events = [self.device.opened(code, size=1), sample, self.device.sealed(code, 1)]
        return sample["data"]["sample_id"], events

    def read(self, sample_id: str, outcome: str, *, after: dt.timedelta = QUARTER, **kit) -> dict:
        read_at = (self.device.at + after).isoformat()
        data = {**LOT, **kit, "sample_id": sample_id, "outcome": outcome, "read_at": read_at}
        return self.device.event("antigen.read", **data)

    def release(self, sample_id: str, outcome: str, *, grant: str | None = None) -> dict:
        return self.device.event(
            "antigen.released", grant=grant or self.second, sample_id=sample_id, outcome=outcome
        )

    def sample(self, number: int = 0) -> Sample:
        return self.session.scalars(sa.select(Sample).order_by(Sample.id)).all()[number]


@pytest.fixture
def point(config, session):
    made = Point(config, session)
    yield made
    made.journal.close()


def said(point: Point) -> list[str]:
    return [code for _status, code in point.codes()]


def test_rapid_tests_need_two_people_who_agree(point) -> None:
    device: FakeDevice = point.device
    sample_id, taken = point.take()
    point.send(
        device.batch(
            *taken,
            point.release(sample_id, "positive"),
            point.read(sample_id, "positive"),
            point.release(sample_id, "positive", grant=device.grant),
            point.release(sample_id, "negative"),
            point.release(sample_id, "positive"),
            point.release(sample_id, "positive"),
        )
    )
    assert said(point)[3:] == [
        "not_read", "", "same_person", "outcome_differs", "", "already_released",
    ]  # fmt: skip


def test_a_negative_clears_its_person_and_is_counted(point) -> None:
    sample_id, taken = point.take()
    point.send(point.device.batch(*taken, point.read(sample_id, "negative")))
    assert point.sample().state == "WAITING"
    point.send(point.device.batch(point.release(sample_id, "negative")))
    sample = point.sample()
    assert (sample.state, sample.state_reason) == ("NEG_SINGLE", "")
    assert sample.released_at is not None
    tube = point.session.scalars(sa.select(Tube)).one()
    assert (tube.status, tube.outcome) == ("resulted", "negative")
    counts = point.counts()
    assert (counts["rapid_read"], counts["rapid_released"]) == (1, 1)
    assert (counts["people_resulted"], counts["tubes_resulted"]) == (1, 1)
    assert "rapid_positive" not in counts
    read = point.session.scalars(sa.select(AntigenRead)).one()
    assert (read.kit_name, read.kit_lot, read.outcome) == ("Kit A", "L1", "negative")
    assert read.due_at == point.device.at + QUARTER
    assert (read.read_by_id, read.released_by_id) == (1, 2)


def test_a_positive_waits_for_the_rt_pcr_sample_that_is_linked_to_it(point) -> None:
    sample_id, taken = point.take()
    point.send(
        point.device.batch(
            *taken, point.read(sample_id, "positive"), point.release(sample_id, "positive")
        )
    )
    sample = point.sample()
    assert (sample.state, sample.state_reason) == ("RETEST_DUE", "antigen_positive")
    assert sample.retest_due_at is not None
    assert point.counts()["people_suspect"] == 1
    assert point.counts()["rapid_positive"] == 1
    assert "people_confirmed" not in point.counts()
    retest = point.device.collected(T2, "A", person={}, retest_of=sample.result_code)
    point.send(point.device.batch(point.device.opened(T2, size=1, session_code="S1P"), retest))
    first, second = point.sample(0), point.sample(1)
    assert (second.retest_of_id, second.person_id) == (first.id, first.person_id)
    read = point.session.scalars(sa.select(AntigenRead)).one()
    assert read.pcr_sample_id == second.id


def paper_of(point: Point, number: int = 0) -> tuple[str, dict[str, str]]:
    """The kind of paper a sample deserves, and its rows."""
    (facts,) = papers.facts_of(point.session, [point.sample(number).id])
    rows = {row.label: row.value for row in paper_rules.rows_of(facts)}
    return paper_rules.kind_of(facts), rows


@pytest.mark.parametrize(
    ("outcome", "kind"), [("negative", "negative"), ("positive", "retest_notice")]
)
def test_the_paper_names_the_rapid_test_and_a_positive_one_alone_confirms_nothing(
    point, outcome, kind
) -> None:
    sample_id, taken = point.take()
    point.send(point.device.batch(*taken, point.read(sample_id, outcome)))
    assert paper_of(point)[0] == ""
    point.send(point.device.batch(point.release(sample_id, outcome)))
    found, rows = paper_of(point)
    assert found == kind
    assert rows["Kỹ thuật"] == "Xét nghiệm nhanh kháng nguyên – Kit A, lô L1"
    with transaction(system("test")) as writing:  # what RT-PCR says later, is on its own paper
        writing.get(Sample, point.sample().id).state = "POS_CONFIRMED"
    assert paper_of(point)[0] == ("" if outcome == "positive" else "positive")


def test_an_invalid_test_is_repeated_and_the_repetition_counts(point) -> None:
    first_id, taken = point.take()
    point.send(
        point.device.batch(
            *taken, point.read(first_id, "invalid"), point.release(first_id, "invalid")
        )
    )
    first = point.sample()
    assert (first.state, first.state_reason) == ("RETEST_DUE", "antigen_invalid")
    assert "people_suspect" not in point.counts()
    second_id, again = point.take(T2, "A", person={}, retest_of=first.result_code)
    point.send(
        point.device.batch(
            *again, point.read(second_id, "negative"), point.release(second_id, "negative")
        )
    )
    assert {point.sample(n).state for n in (0, 1)} == {"NEG_SINGLE"}
    assert point.counts()["people_registered"] == 1
    assert point.session.scalars(sa.select(AntigenRead)).first().pcr_sample_id is None


def test_two_readers_who_differ_send_the_person_to_another_test(point) -> None:
    sample_id, taken = point.take()
    point.send(
        point.device.batch(
            *taken, point.read(sample_id, "negative"), point.release(sample_id, "inconclusive")
        )
    )
    assert point.sample().state_reason == "antigen_inconclusive"
    assert point.session.scalars(sa.select(AntigenRead)).one().outcome == "inconclusive"


@pytest.mark.parametrize(
    ("kit", "after", "code"),
    [
        ({"kit_lot": "OLD"}, QUARTER, "kit_expired"),
        ({"kit_lot": "?"}, QUARTER, "unknown_kit_lot"),
        ({}, dt.timedelta(minutes=3), "read_too_early"),
        ({}, dt.timedelta(minutes=45), "read_too_late"),
        ({}, dt.timedelta(minutes=14), ""),
    ],
)
def test_lot_and_time_are_checked(point, kit, after, code) -> None:
    sample_id, taken = point.take()
    point.send(point.device.batch(*taken, point.read(sample_id, "negative", after=after, **kit)))
    status, found = point.codes()[-1]
    assert found == code
    assert (status == "refused") == (code == "kit_expired")
    # What was refused may be read again with a lot that counts.
    point.send(point.device.batch(point.read(sample_id, "negative")))
    assert said(point)[-1] == ("" if status == "refused" else "already_read")


def test_a_withdrawn_lot_and_a_swab_for_rt_pcr_are_refused(point) -> None:
    with transaction(system("test")) as writing:
        lot = writing.scalars(sa.select(KitLot).where(KitLot.lot_number == "L1")).one()
        lot.withdrawn_at = point.device.at
    sample_id, taken = point.take()
    swab = point.device.collected(T2, "B")
    swab_id = swab["data"]["sample_id"]
    opened = point.device.opened(T2, size=1, session_code="S1P")
    point.send(
        point.device.batch(
            *taken, opened, swab, point.read(sample_id, "negative"), point.read(swab_id, "negative")
        )
    )
    assert point.codes()[-2:] == [("refused", "kit_withdrawn"), ("refused", "not_rapid")]


def test_sending_again_in_other_batches_changes_nothing(point) -> None:
    sample_id, taken = point.take()
    events = [*taken, point.read(sample_id, "positive"), point.release(sample_id, "positive")]
    point.send(point.device.batch(*events))
    before = (point.counts(), point.sample().version)
    point.send(point.device.batch(*events[3:]), point.device.batch(*events[:3]))
    assert (point.counts(), point.sample().version) == before
