"""Merges redirect and can be undone in any order; decisions are guarded, scoped and audited."""

import random
from collections.abc import Iterable

import pytest
import sqlalchemy as sa

import portal.results.identities  # noqa: F401 - results follow merges
from portal import clock
from portal.actors import Actor, Scope, system
from portal.audit.models import AuditEvent
from portal.certificates import queries as certificates
from portal.db import db_session, transaction
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.people import queries, services
from portal.people.models import DuplicateCandidate, Merge, Person
from portal.roles import Role
from portal.samples.models import Sample
from tests.portal.results.laboratory import Laboratory, staff
from tests.portal.results.test_counters import recount

ACTOR = system("test")


def _people(laboratory: Laboratory, *names: str) -> list[int]:
    return [laboratory.person(name) for name in names]


def _pair(left: int, right: int, bits: float = 8.0, kind: str = "proposal") -> int:
    with transaction(ACTOR) as session:
        sites = dict(session.execute(sa.select(Person.id, Person.site_id)).all())
        row = DuplicateCandidate(
            left_id=min(left, right),
            right_id=max(left, right),
            left_site_id=sites[min(left, right)],
            right_site_id=sites[max(left, right)],
            kind=kind,
            bits=bits,
            score=0.99,
            evidence={"prior": -8.0, "weights": [["dob", "same", bits + 8.0]]},
            created_at=clock.now(),
        )
        session.add(row)
        session.flush()
        return row.id


def _decide(actor: Actor, pair: int, answer: str) -> None:
    with transaction(actor) as session:
        seen = services.pair_of(session, actor, pair).seen
        services.decide(session, actor, candidate_id=pair, answer=answer, seen=seen)


def _roots() -> dict[int, int | None]:
    db_session.expire_all()
    return dict(db_session.execute(sa.select(Person.id, Person.merged_into_id)).all())


def _status(pair: int) -> str:
    db_session.expire_all()
    return db_session.get_one(DuplicateCandidate, pair).status


def _contents() -> dict[int, tuple[object, ...]]:
    """Everything of a person but what says that the row was touched."""
    db_session.expire_all()
    columns = [c for c in Person.__table__.columns if c.name not in {"version", "merged_into_id"}]
    return {row.id: tuple(row) for row in db_session.execute(sa.select(*columns))}


def test_a_merge_redirects_everything_and_look_ups_by_code_go_on(laboratory: Laboratory) -> None:
    laboratory.tube("A", "An")
    laboratory.tube("B", "An typo")
    kept, gone = _people(laboratory, "An", "An typo")
    before = _contents()
    with transaction(ACTOR) as session:
        services.merge(session, ACTOR, kept_id=kept, merged_id=gone, reason="same card seen")
    assert _roots() == {kept: None, gone: kept}
    assert _contents() == before
    assert queries.records_of(db_session(), [gone]) == [kept, gone]
    sample = laboratory.sample("B", "An typo")
    assert sample.person_id == gone
    (found,) = certificates.facts_of(db_session(), [sample.id])
    assert (found.result_code, found.person_id) == (sample.result_code, gone)


def test_whose_single_sample_answers_a_pool_follows_the_merge_and_its_undoing(
    laboratory: Laboratory,
) -> None:
    laboratory.tube("P", "An", "Bình", "Chi")
    laboratory.result(P="positive")
    laboratory.tube("S", "An typo")
    laboratory.result(S="negative")
    before = laboratory.states()
    assert before["P:An"] == "RETEST_DUE"
    kept, gone = _people(laboratory, "An", "An typo")
    pair = _pair(kept, gone)
    _decide(laboratory.coordinator, pair, "same")
    merged = laboratory.states()
    assert merged != before or laboratory.findings() != []
    assert laboratory.counts() == recount()
    with transaction(laboratory.coordinator) as session:
        services.undo_last(session, laboratory.coordinator)
    assert laboratory.states() == before
    assert laboratory.counts() == recount()
    assert _roots() == dict.fromkeys(_roots())


def _expected_roots(people: Iterable[int], merges: dict[int, tuple[int, int]]) -> dict[int, int]:
    """The root of everybody by the merges that stand, worked out the slow way."""
    parent = {merged: kept for kept, merged in merges.values()}

    def root(key: int) -> int:
        while key in parent:
            key = parent[key]
        return key

    return {key: root(key) for key in people}


@pytest.mark.parametrize("seed", range(4))
def test_any_sequence_of_merges_and_unmerges_is_as_if_only_the_standing_ones_were_made(
    laboratory: Laboratory, seed: int
) -> None:
    chance = random.Random(seed)
    people = _people(laboratory, *(f"Người {letter}" for letter in "ABCDEFG"))
    before = _contents()
    standing: dict[int, tuple[int, int]] = {}
    for _step in range(30):
        expected = _expected_roots(people, standing)
        roots = sorted(set(expected.values()))
        if len(roots) > 1 and (not standing or chance.random() < 0.6):
            kept, gone = chance.sample(roots, 2)
            with transaction(ACTOR) as session:
                made = services.merge(session, ACTOR, kept_id=kept, merged_id=gone, reason="")
            standing[made.id] = (kept, gone)
        else:
            undone = chance.choice(sorted(standing))
            with transaction(ACTOR) as session:
                services.unmerge(session, ACTOR, merge_id=undone, reason="")
            del standing[undone]
        stored = {key: root or key for key, root in _roots().items()}
        assert stored == _expected_roots(people, standing)
    for undone in chance.sample(sorted(standing), len(standing)):
        with transaction(ACTOR) as session:
            services.unmerge(session, ACTOR, merge_id=undone, reason="")
    assert set(_roots().values()) == {None}
    assert _contents() == before


def test_what_was_merged_can_not_be_merged_again_and_not_with_itself(
    laboratory: Laboratory,
) -> None:
    one, two, three = _people(laboratory, "A", "B", "C")
    with transaction(ACTOR) as session:
        services.merge(session, ACTOR, kept_id=one, merged_id=two, reason="")
    for kept, gone in ((three, two), (two, three), (one, one)):
        with pytest.raises(Conflict), transaction(ACTOR) as session:
            services.merge(session, ACTOR, kept_id=kept, merged_id=gone, reason="")
    made = db_session.scalars(sa.select(Merge.id)).one()
    with transaction(ACTOR) as session:
        services.unmerge(session, ACTOR, merge_id=made, reason="mistake")
    with pytest.raises(Conflict), transaction(ACTOR) as session:
        services.unmerge(session, ACTOR, merge_id=made, reason="mistake")


def test_different_holds_for_every_pair_of_their_records_until_taken_back(
    laboratory: Laboratory,
) -> None:
    one, two, three = _people(laboratory, "A", "B", "C")
    first, second = _pair(one, three), _pair(two, three)
    with transaction(ACTOR) as session:
        services.merge(session, ACTOR, kept_id=one, merged_id=two, reason="")
    _decide(laboratory.coordinator, first, "different")
    assert (_status(first), _status(second)) == ("different", "different")
    with pytest.raises(Conflict), transaction(ACTOR) as session:
        services.merge(session, ACTOR, kept_id=one, merged_id=three, reason="")
    with transaction(ACTOR) as session:
        services.reopen(session, ACTOR, candidate_id=second)
    assert (_status(first), _status(second)) == ("open", "open")


def test_a_pair_that_is_one_person_by_other_merges_waits_for_nobody(laboratory) -> None:
    one, two, three = _people(laboratory, "A", "B", "C")
    pairs = [_pair(one, two), _pair(two, three), _pair(one, three, bits=1.0)]
    assert queries.waiting(db_session())["open", "proposal"] == 3
    _decide(laboratory.coordinator, pairs[0], "same")
    _decide(laboratory.coordinator, pairs[1], "same")
    assert queries.waiting(db_session())["open", "proposal"] == 0
    assert queries.next_pair(db_session(), "open", "proposal") is None
    with transaction(laboratory.coordinator) as session:
        services.undo_last(session, laboratory.coordinator)
    assert queries.waiting(db_session())["open", "proposal"] == 2


def test_the_strongest_evidence_comes_first_and_later_goes_to_its_own_pile(laboratory) -> None:
    people = _people(laboratory, *"ABCD")
    weak = _pair(people[0], people[1], bits=2.0)
    strong = _pair(people[2], people[3], bits=20.0)
    conflict = _pair(people[0], people[2], bits=30.0, kind="conflict")
    found = queries.next_pair(db_session(), "open", "proposal")
    assert found is not None
    assert found.id == strong
    _decide(laboratory.coordinator, strong, "later")
    assert [
        pair and pair.id
        for pair in (
            queries.next_pair(db_session(), "open", "proposal"),
            queries.next_pair(db_session(), "later", "proposal"),
            queries.next_pair(db_session(), "open", "conflict"),
        )
    ] == [weak, strong, conflict]


def test_a_decision_about_what_changed_meanwhile_is_refused(laboratory: Laboratory) -> None:
    one, two = _people(laboratory, "A", "B")
    pair = _pair(one, two)
    actor = laboratory.coordinator
    seen = services.pair_of(db_session(), actor, pair).seen
    db_session.rollback()
    with transaction(ACTOR) as session:
        session.get_one(Person, two).version += 1
    with pytest.raises(Conflict), transaction(actor) as session:
        services.decide(session, actor, candidate_id=pair, answer="same", seen=seen)
    _decide(actor, pair, "different")
    with pytest.raises(Conflict):
        _decide(actor, pair, "same")
    with pytest.raises(Invalid), transaction(actor) as session:
        services.decide(session, actor, candidate_id=pair, answer="maybe", seen=seen)


def test_a_pair_across_sites_is_not_for_one_site_alone(laboratory: Laboratory) -> None:
    one, two, three = _people(laboratory, "A", "B", "C")
    with transaction(ACTOR) as session:
        session.get_one(Person, two).site_id = laboratory.place.laboratory_id
    across = _pair(one, two)
    within = _pair(one, three)
    local = staff("tai-cho", Role.SITE_MANAGER, laboratory.place.site_id)
    with transaction(local) as session:
        assert queries.waiting(session)["open", "proposal"] == 1
        with pytest.raises(NotFound):
            services.pair_of(session, local, across)
    _decide(laboratory.coordinator, across, "same")
    with pytest.raises(Forbidden):
        _decide(local, within, "same")
    foreign = Actor(kind="staff", name="x", user_id=1, scope=Scope(site_ids=frozenset({999})))
    made = db_session.scalars(sa.select(Merge.id)).one()
    with pytest.raises(NotFound), transaction(foreign) as session:
        services.unmerge(session, foreign, merge_id=made, reason="")


def test_every_decision_is_in_the_audit_log_with_its_actor(laboratory: Laboratory) -> None:
    one, two = _people(laboratory, "A", "B")
    pair = _pair(one, two)
    actor = laboratory.coordinator
    for answer in ("later", "different"):
        _decide(actor, pair, answer)
        with transaction(actor) as session:
            services.undo_last(session, actor)
    _decide(actor, pair, "same")
    with transaction(actor) as session:
        services.undo_last(session, actor)
    with pytest.raises(Conflict), transaction(actor) as session:
        services.undo_last(session, actor)
    rows = db_session.execute(
        sa.select(AuditEvent.action, AuditEvent.actor_name).order_by(AuditEvent.id)
    ).all()
    verbs = [action for action, name in rows if name == actor.name and ":" in action]
    assert verbs == [
        "pair: later", "pair: reopened", "pair: different", "pair: reopened", "pair: same",
        "pair: reopened",
    ]  # fmt: skip
    told = {action for action, name in rows if name == actor.name}
    assert {"people.merge", "people.unmerge", "create", "change"} <= told


def test_new_samples_of_a_merged_person_leave_with_their_record(laboratory: Laboratory) -> None:
    one, two = _people(laboratory, "A", "B")
    with transaction(ACTOR) as session:
        made = services.merge(session, ACTOR, kept_id=one, merged_id=two, reason="").id
    laboratory.tube("N", "B")
    with transaction(ACTOR) as session:
        services.unmerge(session, ACTOR, merge_id=made, reason="twins")
    owner = db_session.scalars(sa.select(Sample.person_id)).one()
    assert owner == two
    assert _roots() == {one: None, two: None}
