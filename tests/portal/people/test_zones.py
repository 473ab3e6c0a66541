"""The automatic zone: lower limits against exact values, and no merge without proof and policy."""

import datetime as dt
import math
import uuid

import pytest
import sqlalchemy as sa

import portal.results.identities  # noqa: F401 - results follow merges
from portal import clock
from portal.actors import system
from portal.db import db_session, transaction
from portal.errors import Invalid
from portal.people import automatic, policies, proposals
from portal.people.models import DuplicateCandidate, LinkagePolicy, Merge, Person
from portal.people.proposals import Proposal, Stored
from portal.people.zones import Tally, find_zone, least_share
from tests.portal.results.laboratory import Laboratory

ACTOR = system("test")


def _sum_of_chances(hits: int, tries: int, share: float) -> float:
    """P(X ≥ hits), term by term in whole numbers of ways: slow and plain."""
    return sum(
        math.comb(tries, k) * share**k * (1 - share) ** (tries - k) for k in range(hits, tries + 1)
    )


@pytest.mark.parametrize(("hits", "tries"), [(1, 1), (9, 10), (95, 100), (398, 400), (30, 60)])
def test_the_lower_limit_is_where_so_many_hits_have_a_chance_of_one_in_twenty(hits, tries) -> None:
    least = least_share(hits, tries)
    assert 0 < least < hits / tries
    assert _sum_of_chances(hits, tries, least) == pytest.approx(0.05, abs=1e-6)


def test_without_a_miss_598_answers_are_needed_for_99_5_percent() -> None:
    assert least_share(597, 597) < 0.995 <= least_share(598, 598)
    assert least_share(0, 10) == least_share(0, 0) == 0.0


def test_the_zone_reaches_down_as_far_as_the_answers_carry_it() -> None:
    sure = [Tally(20.0, 400, 400, 399.9), Tally(18.0, 400, 400, 399.9)]
    assert find_zone(sure[:1], 0.995).least_bits is None
    assert find_zone(sure, 0.995).least_bits == 18.0
    assert find_zone([*sure, Tally(16.0, 100, 90, 99.9)], 0.995).least_bits == 18.0
    wide = [*sure, Tally(16.0, 5000, 4990, 4999.0), Tally(14.0, 9000, 9000, 8999.0)]
    assert find_zone(wide, 0.995).least_bits == 14.0
    hidden = [*sure, Tally(16.0, 10, 8, 9.9), Tally(14.0, 9000, 9000, 8999.0)]
    assert find_zone(hidden, 0.995).least_bits == 18.0
    unsure = [Tally(8.0, 2000, 2000, 1900.0)]
    assert find_zone(unsure, 0.995).least_bits is None


def _answer(laboratory: Laboratory, count: int, status: str = "same", bits: float = 21.0) -> None:
    laboratory.person("Trả lời")
    with transaction(ACTOR) as session:
        user = laboratory.coordinator.user_id
        base = session.scalar(sa.select(sa.func.max(Person.id))) or 0
        for _number in range(count):
            session.add(
                Person(
                    uid=uuid.uuid4(), full_name="x", folded_name="x",
                    site_id=laboratory.place.site_id, created_at=clock.now(),
                )
            )  # fmt: skip
        session.flush()
        session.add_all(
            DuplicateCandidate(
                left_id=base, right_id=base + number, bits=bits, score=0.9999995, status=status,
                created_at=clock.now(), decided_at=clock.now(), decided_by_id=user,
            )
            for number in range(1, count + 1)
        )  # fmt: skip


def _decide_policy(**changes) -> LinkagePolicy:
    values = {
        "valid_from": clock.today(), "is_automatic": True, "propose_from": 0.5,
        "least_precision": 0.995, "document": "QĐ 12/QĐ-SYT", **changes,
    }  # fmt: skip
    with transaction(ACTOR) as session:
        return policies.decide(session, ACTOR, **values)


def _propose(laboratory: Laboratory, *pairs: tuple[str, str, float]) -> list[Stored]:
    with transaction(ACTOR) as session:
        made = [
            Proposal(laboratory.person(a), laboratory.person(b), "proposal", bits, 0.9999995, {})
            for a, b, bits in pairs
        ]
        return proposals.write(session, made, at=1_800_000_000_000_000)


def _merge_certain(stored: list[Stored]) -> int:
    with transaction(ACTOR) as session:
        return automatic.merge_certain(session, stored)


def test_nothing_is_merged_without_policy_and_without_proof(laboratory: Laboratory) -> None:
    stored = _propose(laboratory, ("An", "An hai", 24.0), ("Bình", "Bình hai", 12.0))
    assert _merge_certain(stored) == 0
    _decide_policy()
    assert _merge_certain(stored) == 0
    _answer(laboratory, 600)
    assert _merge_certain(stored) == 1
    made = db_session.scalars(sa.select(Merge)).one()
    assert made.is_automatic
    assert {made.kept_id, made.merged_id} == {laboratory.person("An"), laboratory.person("An hai")}
    _decide_policy(is_automatic=False)
    assert _merge_certain(_propose(laboratory, ("Chi", "Chi hai", 24.0))) == 0


def test_a_zone_spoilt_by_answers_closes_again(laboratory: Laboratory) -> None:
    _decide_policy()
    _answer(laboratory, 600)
    _answer(laboratory, 20, status="later")
    stored = _propose(laboratory, ("An", "An hai", 24.0))
    assert policies.zone(db_session(), 0.995).least_bits is None
    assert _merge_certain(stored) == 0


def test_somebody_who_resembles_two_people_is_left_to_a_person(laboratory: Laboratory) -> None:
    _decide_policy()
    _answer(laboratory, 600)
    stored = _propose(laboratory, ("An", "An hai", 24.0), ("An", "An ba", 24.0))
    assert len(stored) == 2
    assert _merge_certain(stored) == 0


def test_a_policy_names_everything_that_is_wrong_with_it(laboratory: Laboratory) -> None:
    with pytest.raises(Invalid) as refused:
        _decide_policy(
            valid_from=clock.today() - dt.timedelta(days=1), propose_from=2.0, least_precision=0.9,
            document=" ",
        )  # fmt: skip
    assert len(refused.value.details) == 4
    assert policies.current(db_session()).is_automatic is False
