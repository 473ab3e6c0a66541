"""A tube label reserved for a person's retest links the two samples by itself."""

import pytest
import sqlalchemy as sa

from portal.actors import system
from portal.db import transaction
from portal.errors import NotFound
from portal.pools.rules import PersonState
from portal.results import retests
from portal.samples import retest_labels
from portal.samples.models import RetestLabel, Sample, TubeLabelRange
from tests.portal.ingest.device import tube_code
from tests.portal.ingest.test_applier import World
from tests.portal.results.laboratory import staff

FIRST = tube_code(1)


@pytest.fixture
def world(config, session):
    made = World(config, session)
    device = made.device
    made.send(
        device.batch(
            device.opened(FIRST),
            device.collected(FIRST, "Trần Thị Bưởi", person={"national_id": "048185000012"}),
            device.collected(FIRST, "Lê Văn Cam", person={"phone": "0901234567"}),
            device.sealed(FIRST, 2),
        )
    )
    with transaction(system("test")) as writing:
        writing.execute(sa.update(Sample).values(state=PersonState.RETEST_DUE,
                                                 state_reason="suspect"))  # fmt: skip
    yield made
    made.journal.close()


def reserve() -> dict[str, str]:
    """Name → code reserved."""
    actor = system("test")
    with transaction(actor) as session:
        retests.reserve_labels(session, actor)
        return {line.sample.person.full_name: line.label for line in retests.due(session)}


def second(world, name: str, code: str) -> Sample:
    samples = world.session.scalars(sa.select(Sample).order_by(Sample.id)).all()
    return next(s for s in samples if s.tube.code == code and s.person.full_name == name)


def test_labels_are_reserved_once_and_are_codes_of_ours(world) -> None:
    codes = reserve()
    assert len(set(codes.values())) == 2
    assert all(code.startswith(retest_labels.LETTERS) for code in codes.values())
    assert reserve() == codes
    assert world.count(RetestLabel) == 2
    assert world.count(TubeLabelRange) == 2, "the roll of the point, and one range of retests"


def test_scanning_the_reserved_tube_links_the_retest(world) -> None:
    code = reserve()["Trần Thị Bưởi"]
    device = world.device
    world.send(
        device.batch(
            device.opened(code, size=1),
            device.collected(code, "Trần Thị Bưởi", person={"national_id": "048185000012"}),
            device.sealed(code, 1),
        )
    )
    assert world.codes()[-3:] == [("applied", "")] * 3
    again = second(world, "Trần Thị Bưởi", code)
    first = second(world, "Trần Thị Bưởi", FIRST)
    assert (again.retest_of_id, again.person_id) == (first.id, first.person_id)
    assert world.counts()["people_retested"] == 1
    assert world.counts()["people_registered"] == 2


def test_a_typed_name_without_papers_is_the_person_of_the_label(world) -> None:
    code = reserve()["Lê Văn Cam"]
    device = world.device
    world.send(device.batch(device.opened(code, size=1), device.collected(code, "Le Van Cam")))
    again = world.session.scalars(sa.select(Sample).order_by(Sample.id.desc())).first()
    assert again.person_id == second(world, "Lê Văn Cam", FIRST).person_id


def test_somebody_else_in_the_reserved_tube_is_kept_and_not_linked(world) -> None:
    code = reserve()["Lê Văn Cam"]
    device = world.device
    world.send(
        device.batch(
            device.opened(code, size=1),
            device.collected(code, "Phạm Hồng", person={"national_id": "048185000099"}),
        )
    )
    assert world.codes()[-1] == ("applied", "label_of_other_person")
    assert second(world, "Phạm Hồng", code).retest_of_id is None
    assert "people_retested" not in world.counts()


def test_nobody_reserves_for_a_point_of_others(world) -> None:
    from portal.roles import Role

    stranger = staff("la", Role.COLLECTOR, world.place.laboratory_id)
    with transaction(system("test")) as session:
        samples = session.scalars(sa.select(Sample)).all()
    with pytest.raises(NotFound), transaction(stranger) as session:
        retest_labels.reserve(session, stranger, samples)
    assert world.count(RetestLabel) == 0
