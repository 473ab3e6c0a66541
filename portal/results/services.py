"""Record, verify, release, amend: two people, two steps, in a few statements a run."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal import clock
from portal.actors import Actor
from portal.db import across_sites
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.pools import services as pools
from portal.results import queries, rules
from portal.results.matching import ReleaseReport, rematch
from portal.results.models import LabResult, LabRun
from portal.results.rules import Control, ResultStatus, RunStatus
from portal.samples import queries as tubes
from portal.samples.bulk import among, insert_rows
from portal.samples.rules import TubeStatus, clean_code

R = LabResult.__table__


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read for one tube.

    Attributes:
        code: the tube code, as scanned or as in the file.
        outcome: one of `rules.READABLE`.
        well: where it stood, may be empty.
        ct_values: cycle threshold by gene; None where the gene was not detected.
    """

    code: str
    outcome: str
    well: str = ""
    ct_values: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What is known of a run besides its readings."""

    method: str = "pcr"
    kit_name: str = ""
    kit_lot: str = ""
    instrument: str = ""
    positive_control: str = Control.UNSET
    negative_control: str = Control.UNSET
    file_sha256: str = ""


@dataclass(slots=True)
class RecordReport:
    """What was recorded. `unknown` are codes in quarantine (F1); nobody was told anything."""

    run_id: int
    run_code: str
    recorded: int
    unknown: list[str]


@across_sites("a laboratory tests tubes of every site")
def record(
    session: Session,
    actor: Actor,
    *,
    laboratory_id: int,
    readings: Sequence[Reading],
    facts: RunFacts | None = None,
    recorded_at: dt.datetime | None = None,
) -> RecordReport:
    """Records a run: one new row a tube, nothing shown to anybody yet.

    A code that belongs to no tube is kept in quarantine with finding F1.

    Raises:
        Invalid: every reading that cannot be, at once.
        NotFound: a laboratory outside the actor's scope.
    """
    actor.scope.require_site(laboratory_id)
    facts = facts or RunFacts()
    at = recorded_at or clock.now()
    by_code = {clean_code(reading.code): reading for reading in readings}
    known = tubes.tubes_by_code(session, list(by_code), for_update=True)
    problems = check_readings(readings, known, laboratory_id)
    if problems or not readings:
        raise Invalid(_("Nothing was recorded."), details=problems or [_("The run is empty.")])
    run = _new_run(session, actor, laboratory_id, facts, at)
    run.campaign_id = next((row.campaign_id for row in known.values()), None)
    session.flush()
    unknown = _insert_results(session, actor, run, by_code, known)
    tested = [row.id for row in known.values() if row.status == TubeStatus.RECEIVED]
    session.execute(
        sa.update(tubes.TUBES)
        .where(among(session, tubes.TUBES.c.id, tested))
        .values(status=TubeStatus.IN_TEST, version=tubes.TUBES.c.version + 1)
        .execution_options(audit="tubes.test")
    )
    return RecordReport(run.id, run.code, len(by_code), unknown)


def check_readings(
    readings: Sequence[Reading], known: Mapping[str, Any], laboratory_id: int
) -> list[str]:
    """Every reason why these readings cannot be recorded."""
    problems = []
    seen: dict[str, Reading] = {}
    for reading in readings:
        code = clean_code(reading.code)
        if not code:
            problems.append(_("Well %(well)s has no tube code.", well=reading.well))
            continue
        if code in seen:
            problems.append(_("Code %(code)s stands twice in the run.", code=code))
        seen[code] = reading
        if reading.outcome not in rules.READABLE:
            problems.append(
                _("Tube %(code)s: «%(word)s» is no outcome.", code=code, word=reading.outcome)
            )
        problems += [
            _("Tube %(code)s: Ct %(ct)s of %(gene)s is not possible.", code=code, ct=ct, gene=gene)
            for gene, ct in reading.ct_values.items()
            if ct is not None and not rules.CT_LOWEST <= ct <= rules.CT_HIGHEST
        ]
        row = known.get(code)
        if row is not None:
            problems += check_tube(code, row, laboratory_id)
    return problems


def check_tube(code: str, row: Any, laboratory_id: int) -> list[str]:
    """Why this tube cannot be tested here, if it cannot."""
    if row.received_at is None or row.laboratory_id != laboratory_id:
        return [_("Tube %(code)s was not received at this laboratory.", code=code)]
    if row.status not in {TubeStatus.RECEIVED, TubeStatus.IN_TEST, TubeStatus.RESULTED}:
        return [_("Tube %(code)s was rejected or lost.", code=code)]
    return []


def _new_run(
    session: Session, actor: Actor, laboratory_id: int, facts: RunFacts, at: dt.datetime
) -> LabRun:
    prefix = f"M{laboratory_id}-{clock.local(at):%y%m%d}-"
    number = queries.run_count_today(session, prefix) + 1
    run = LabRun(
        code=f"{prefix}{number:03d}",
        laboratory_id=laboratory_id,
        status=RunStatus.RECORDED,
        created_at=clock.now(),
        recorded_at=at,
        recorded_by_id=actor.user_id,
        method=facts.method,
        kit_name=facts.kit_name,
        kit_lot=facts.kit_lot,
        instrument=facts.instrument,
        positive_control=facts.positive_control,
        negative_control=facts.negative_control,
        file_sha256=facts.file_sha256,
    )
    session.add(run)
    return run


def _insert_results(
    session: Session,
    actor: Actor,
    run: LabRun,
    by_code: Mapping[str, Reading],
    known: Mapping[str, Any],
) -> list[str]:
    earlier = queries.readings_of(session, [row.id for row in known.values()])
    rows = []
    for code, reading in by_code.items():
        tube = known.get(code)
        before = earlier.get(tube.id, []) if tube is not None else []
        rows.append(
            {
                "tube_id": tube.id if tube is not None else None,
                "tube_code": code,
                "run_id": run.id,
                "laboratory_id": run.laboratory_id,
                "well": reading.well,
                "outcome": reading.outcome,
                "ct_values": dict(reading.ct_values),
                "best_ct": rules.best_ct(reading.ct_values),
                "test_number": rules.next_test_number(before),
                "status": ResultStatus.RECORDED,
                "recorded_at": run.recorded_at,
                "recorded_by_id": actor.user_id,
            }
        )
    insert_rows(session, R, rows, audit="results.record")
    unknown = [code for code in by_code if code not in known]
    pools.note_unknown_tubes(session, unknown, run.laboratory_id, run.code)
    return unknown


def set_controls(
    session: Session, actor: Actor, *, run_id: int, positive_control: str, negative_control: str
) -> LabRun:
    """Sets how the controls of a run came out, before it is verified."""
    run = _get_run(session, actor, run_id)
    if run.status != RunStatus.RECORDED:
        raise Conflict(_("The run was already verified."))
    run.positive_control = Control(positive_control)
    run.negative_control = Control(negative_control)
    return run


def _get_run(session: Session, actor: Actor, run_id: int) -> LabRun:
    run = session.get(LabRun, run_id, with_for_update=True, populate_existing=True)
    if run is None or not actor.scope.covers_site(run.laboratory_id):
        raise NotFound(_("There is no such run."))
    return run


def verify(
    session: Session, actor: Actor, *, run_id: int, verified_at: dt.datetime | None = None
) -> LabRun:
    """Signs a run as looked through by a second person.

    Raises:
        Forbidden: the person who recorded it, or nobody in particular.
        Conflict: controls missing or failed, or not the turn of this step.
    """
    run = _get_run(session, actor, run_id)
    if run.status != RunStatus.RECORDED:
        raise Conflict(_("The run was already verified."))
    _require_second_person(actor, run.recorded_by_id)
    if rules.is_blocked(run.positive_control, run.negative_control):
        raise Conflict(
            _("A control of this run failed or is missing: test the run again."),
            code="controls",
        )
    run.status = RunStatus.VERIFIED
    run.verified_at = verified_at or clock.now()
    run.verified_by_id = actor.user_id
    session.flush()
    return run


def _require_second_person(actor: Actor, recorder_id: int | None) -> None:
    if actor.user_id is None:
        raise Forbidden(_("A result is released by a person."))
    if actor.user_id == recorder_id:
        raise Forbidden(_("Who recorded a result may not release it."), code="same_person")


@across_sites("a release reaches the samples of every site")
def release(
    session: Session,
    actor: Actor,
    *,
    run_id: int,
    hold: Mapping[int, str] | None = None,
    released_at: dt.datetime | None = None,
) -> ReleaseReport:
    """Releases a verified run: states of all members, findings, counters, in one go.

    Args:
        session: of the caller's transaction.
        actor: the verifier.
        run_id: the run.
        hold: results to keep back by hand, with the reason of each.
        released_at: when (now, if None).

    Raises:
        Forbidden: the person who recorded it.
        Conflict: not verified, or nothing left to release.
        Invalid: a hold without a reason.
    """
    run = _get_run(session, actor, run_id)
    _require_second_person(actor, run.recorded_by_id)
    if run.status not in {RunStatus.VERIFIED, RunStatus.RELEASED}:
        raise Conflict(_("The run must be verified before it is released."))
    at = released_at or clock.now()
    _hold_by_hand(session, run_id, hold or {})
    released = session.execute(
        sa.update(R)
        .where(
            R.c.run_id == run_id,
            R.c.status == ResultStatus.RECORDED,
            R.c.hold_reason == "",
            R.c.amends_id.is_(None),
            R.c.tube_id.is_not(None),
        )
        .values(
            status=ResultStatus.RELEASED,
            verified_at=run.verified_at,
            verified_by_id=run.verified_by_id,
            released_at=at,
        )
        .returning(R.c.tube_id)
        .execution_options(audit="results.release")
    ).scalars()
    tube_ids = sorted(set(released))
    if not tube_ids:
        raise Conflict(_("Nothing in this run waits for release."))
    report = rematch(session, actor, tube_ids, at=at)
    run.status = RunStatus.RELEASED
    run.released_at = run.released_at or at
    session.flush()
    return report


@across_sites("a preview reads what a release would reach; the caller rolls it back")
def preview(session: Session, actor: Actor, *, run_id: int) -> ReleaseReport:
    """What a release of the run would do. Writes to find out: the caller must roll back."""
    run = _get_run(session, actor, run_id)
    at = clock.now()
    tube_ids = session.execute(
        sa.update(R)
        .where(
            R.c.run_id == run.id,
            R.c.status == ResultStatus.RECORDED,
            R.c.hold_reason == "",
            R.c.amends_id.is_(None),
            R.c.tube_id.is_not(None),
        )
        .values(status=ResultStatus.RELEASED, released_at=at)
        .returning(R.c.tube_id)
    ).scalars()
    return rematch(session, actor, sorted(set(tube_ids)), at=at)


def _hold_by_hand(session: Session, run_id: int, hold: Mapping[int, str]) -> None:
    if any(not reason.strip() for reason in hold.values()):
        raise Invalid(_("Every hold needs a reason."))
    for result_id, reason in hold.items():
        session.execute(
            sa.update(R)
            .where(R.c.id == result_id, R.c.run_id == run_id, R.c.status == ResultStatus.RECORDED)
            .values(hold_reason=reason.strip()[:160])
            .execution_options(audit="results.hold")
        )


def lift_hold(session: Session, actor: Actor, *, result_id: int) -> LabResult:
    """Takes back a hold by hand; the next release of the run includes the result."""
    result = get_result(session, actor, result_id)
    _require_second_person(actor, result.recorded_by_id)
    if result.status != ResultStatus.RECORDED or not result.hold_reason:
        raise Conflict(_("This result is not held back by hand."))
    result.hold_reason = ""
    session.flush()
    return result


def get_result(session: Session, actor: Actor, result_id: int) -> LabResult:
    """The result, for its laboratory.

    Raises:
        NotFound: there is none, or not for this actor.
    """
    result = session.get(LabResult, result_id, with_for_update=True, populate_existing=True)
    if result is None or not actor.scope.covers_site(result.laboratory_id):
        raise NotFound(_("There is no such result."))
    return result


def amend(
    session: Session,
    actor: Actor,
    *,
    result_id: int,
    outcome: str,
    reason: str,
    ct_values: Mapping[str, float | None] | None = None,
    recorded_at: dt.datetime | None = None,
) -> LabResult:
    """Records a correction as a new version; it counts once a second person releases it.

    Raises:
        Invalid: no reason, or no outcome.
        Conflict: the result is not the current one, or was never released.
    """
    old = get_result(session, actor, result_id)
    problems = []
    if outcome not in rules.READABLE:
        problems.append(_("«%(word)s» is no outcome.", word=outcome))
    if not reason.strip():
        problems.append(_("A correction needs a reason."))
    if problems:
        raise Invalid(_("Nothing was corrected."), details=problems)
    if old.status not in {ResultStatus.RELEASED, ResultStatus.HELD}:
        raise Conflict(_("Only the current, released version can be corrected."))
    waiting = session.scalar(
        sa.select(LabResult.id).where(
            LabResult.amends_id == old.id, LabResult.status == ResultStatus.RECORDED
        )
    )
    if waiting is not None:
        raise Conflict(_("A correction of this result already waits for release."))
    values = dict(old.ct_values if ct_values is None else ct_values)
    new = LabResult(
        tube_id=old.tube_id,
        pool_id=old.pool_id,
        tube_code=old.tube_code,
        run_id=old.run_id,
        laboratory_id=old.laboratory_id,
        well=old.well,
        outcome=outcome,
        ct_values=values,
        best_ct=rules.best_ct(values),
        test_number=old.test_number,
        version=old.version + 1,
        amends_id=old.id,
        amendment_reason=reason.strip()[:160],
        status=ResultStatus.RECORDED,
        recorded_at=recorded_at or clock.now(),
        recorded_by_id=actor.user_id,
    )
    session.add(new)
    session.flush()
    return new


@across_sites("a correction reaches the samples of every site")
def release_amendment(
    session: Session, actor: Actor, *, result_id: int, released_at: dt.datetime | None = None
) -> ReleaseReport:
    """Releases a recorded correction: the old version is marked, members are opened again."""
    new = get_result(session, actor, result_id)
    _require_second_person(actor, new.recorded_by_id)
    if new.amends_id is None or new.status != ResultStatus.RECORDED or new.tube_id is None:
        raise Conflict(_("This is no correction that waits for release."))
    at = released_at or clock.now()
    old = session.get_one(LabResult, new.amends_id, with_for_update=True, populate_existing=True)
    old.status = ResultStatus.AMENDED
    new.status = ResultStatus.RELEASED
    new.verified_at = new.released_at = at
    new.verified_by_id = actor.user_id
    session.flush()
    return rematch(session, actor, [new.tube_id], at=at)


@across_sites("a result finds its tube at any site")
def assign_unknown(
    session: Session, actor: Actor, *, finding_id: int, code: str, reason: str
) -> None:
    """Gives a result in quarantine (F1) to the tube a person says it belongs to.

    Raises:
        Invalid: no such tube, not received here, or no reason.
    """
    finding = pools.get_finding(session, actor, finding_id)
    if finding.code != "F1" or finding.status != "open":
        raise Conflict(_("This finding is no result without a tube."))
    tube_code = clean_code(code)
    tube = tubes.tubes_by_code(session, [tube_code]).get(tube_code)
    problems = (
        [_("Code %(code)s is not registered.", code=tube_code)]
        if tube is None
        else check_tube(tube_code, tube, finding.laboratory_id or 0)
    )
    if problems or tube is None:
        raise Invalid(_("Nothing was assigned."), details=problems)
    before = queries.readings_of(session, [tube.id]).get(tube.id, [])
    session.execute(
        sa.update(R)
        .where(
            R.c.tube_code == str(finding.detail["tube_code"]),
            R.c.laboratory_id == finding.laboratory_id,
            R.c.tube_id.is_(None),
        )
        .values(tube_id=tube.id, test_number=rules.next_test_number(before))
        .execution_options(audit="results.assign")
    )
    pools.close_finding(session, actor, finding_id=finding_id, reason=reason)
