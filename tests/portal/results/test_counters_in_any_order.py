"""The law of counters, in any order: random steps of the laboratory, a recount after each.

Failures name the seed and the steps.
"""

import random

import pytest
import sqlalchemy as sa

import portal.results.identities  # noqa: F401 - results follow when people are merged
from portal.db import db_session, transaction
from portal.errors import DomainError
from portal.people import services as people
from portal.pools.models import Finding
from portal.pools.rules import Visit
from portal.results import corrections, receiving, services
from portal.results.models import LabResult
from portal.samples.models import Sample, Tube
from portal.samples.rules import Rejection
from tests.portal.results.laboratory import Laboratory, hours_ago
from tests.portal.results.test_counters import recount

OUTCOMES = ("negative", "negative", "positive", "invalid", "inconclusive")


class Steps:
    """Random steps on a laboratory; each may be refused, none may leave a wrong count."""

    def __init__(self, laboratory: Laboratory, seed: int) -> None:
        self.laboratory = laboratory
        self.chance = random.Random(seed)
        self.done: list[str] = []
        self.codes: list[str] = []
        self.merges: list[int] = []

    def step(self) -> None:
        name = self.chance.choice(
            ["receive", "receive", "result", "result", "result", "amend", "amend", "reject",
             "withdraw", "withdraw", "close", "lose", "visit", "recount_swabs", "retest",
             "merge", "unmerge"]
        )  # fmt: skip
        self.done.append(name)
        try:
            getattr(self, name)()
        except DomainError as refusal:
            db_session.rollback()
            self.done[-1] += f" refused: {refusal.message}"

    def any_of(self, statement: sa.Select) -> object:
        db_session.expire_all()
        found = db_session.execute(statement).scalars().all()
        if not found:
            raise DomainError("nothing to do")
        return self.chance.choice(found)

    def receive(self) -> None:
        code = self.chance.choice(self.codes)
        counted = self.chance.choice([None, None, 1, 2, 3])
        self.laboratory.receive(code, counted=counted)

    def result(self) -> None:
        code = self.chance.choice(self.codes)
        self.laboratory.receive(code)
        run = self.laboratory.record(**{code: self.chance.choice(OUTCOMES)})
        self.laboratory.release(run)

    def amend(self) -> None:
        lab = self.laboratory
        result_id = self.any_of(sa.select(LabResult.id).where(LabResult.status != "amended"))
        with transaction(lab.technician) as session:
            new = services.amend(
                session, lab.technician, result_id=result_id,
                outcome=self.chance.choice(OUTCOMES), reason="again",
            ).id  # fmt: skip
        with transaction(lab.verifier) as session:
            services.release_amendment(session, lab.verifier, result_id=new)

    def reject(self) -> None:
        lab = self.laboratory
        with transaction(lab.technician) as session:
            receiving.reject_tubes(
                session, lab.technician, laboratory_id=lab.place.laboratory_id,
                codes=[self.chance.choice(self.codes)], reason=Rejection.LEAKING,
            )  # fmt: skip

    def withdraw(self) -> None:
        sample_id = self.any_of(sa.select(Sample.id))
        with transaction(self.laboratory.coordinator) as session:
            corrections.withdraw_sample(
                session, self.laboratory.coordinator, session.get_one(Sample, sample_id), "wrong"
            )

    def close(self) -> None:
        finding_id = self.any_of(sa.select(Finding.id).where(Finding.status == "open"))
        with transaction(self.laboratory.coordinator) as session:
            corrections.close_finding(
                session, self.laboratory.coordinator, finding_id=finding_id, reason="seen"
            )

    def lose(self) -> None:
        tube_id = self.any_of(sa.select(Tube.id))
        with transaction(self.laboratory.coordinator) as session:
            corrections.lose_tube(
                session, self.laboratory.coordinator, session.get_one(Tube, tube_id), "fell"
            )

    def visit(self) -> None:
        sample_id = self.any_of(sa.select(Sample.id))
        with transaction(self.laboratory.coordinator) as session:
            corrections.note_visit(
                session, self.laboratory.coordinator, sample_id=sample_id,
                outcome=self.chance.choice(list(Visit)),
            )  # fmt: skip

    def recount_swabs(self) -> None:
        tube_id = self.any_of(sa.select(Tube.id))
        values = {"counted_swabs": self.chance.choice([None, 1, 2, 3])}
        with transaction(self.laboratory.coordinator) as session:
            corrections.correct_tube(
                session, self.laboratory.coordinator, session.get_one(Tube, tube_id), values
            )

    def retest(self) -> None:
        sample_id = self.any_of(sa.select(Sample.id).where(Sample.state == "RETEST_DUE"))
        sample = db_session.get_one(Sample, sample_id)
        code = f"X{len(self.codes)}"
        self.laboratory.tube(
            code, sample.person.full_name, retest_of=sample.tube.code, collected_at=hours_ago(1.5)
        )
        self.codes.append(code)
        self.laboratory.receive(code, at=hours_ago(1.2))
        run = self.laboratory.record(at=hours_ago(1), **{code: self.chance.choice(OUTCOMES)})
        self.laboratory.release(run)

    def merge(self) -> None:
        pair = self.chance.sample(sorted(self.laboratory.people.values()), 2)
        actor = self.laboratory.coordinator
        with transaction(actor) as session:
            made = people.merge(
                session, actor, kept_id=pair[0], merged_id=pair[1], reason="same person"
            )
            self.merges.append(made.id)

    def unmerge(self) -> None:
        if not self.merges:
            raise DomainError("nothing to do")
        actor = self.laboratory.coordinator
        with transaction(actor) as session:
            people.unmerge(session, actor, merge_id=self.merges.pop(), reason="two people")


@pytest.mark.parametrize("seed", range(4))
def test_counters_are_what_a_recount_gives_after_any_steps(laboratory, seed: int) -> None:
    steps = Steps(laboratory, seed)
    for number in range(4):
        laboratory.tube(f"P{number}", *(f"{name}{number}" for name in ("An", "Bình", "Chi")))
        steps.codes.append(f"P{number}")
    laboratory.tube("S0", "Dũng")
    laboratory.tube("D0", "An0", "Em")
    steps.codes += ["S0", "D0"]
    for _step in range(25):
        steps.step()
        assert laboratory.counts() == recount(), (seed, steps.done)
    assert sum("refused" not in done for done in steps.done) > 5, steps.done
