"""From results to people: reads the neighbourhood of some tubes and settles it."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.actors import Actor
from portal.campaigns import counters
from portal.campaigns.counters import Measure
from portal.campaigns.rules import Method
from portal.db import across_sites
from portal.pools import queries as pool_queries
from portal.pools import services as pools
from portal.pools.decoding import deciding_pools
from portal.results import queries
from portal.results.models import LabResult
from portal.results.rules import ResultStatus
from portal.samples import queries as tube_queries
from portal.samples.bulk import among, update_rows
from portal.samples.rules import Outcome, TubeStatus

R = LabResult.__table__

# What a rapid test may say that sends its person to another sample.
RAPID_CAUSES = frozenset({Outcome.POSITIVE, Outcome.INCONCLUSIVE, Outcome.INVALID})


@dataclass(slots=True)
class ReleaseReport:
    """What a release did, for the screen and the log.

    Attributes:
        released: tubes whose result counts now.
        held: tubes held back by a blocking finding.
        people: samples by the state they came into.
        urgent: samples of people who had been told "negative" and are no longer.
        findings: findings noted, by code.
    """

    released: int = 0
    held: list[str] = field(default_factory=list)
    people: Counter[str] = field(default_factory=Counter)
    urgent: list[int] = field(default_factory=list)
    findings: Counter[str] = field(default_factory=Counter)


@across_sites("who shares a tube may have been sampled at any site")
def rematch(
    session: Session, actor: Actor, tube_ids: Iterable[int], *, at: dt.datetime
) -> ReleaseReport:
    """Computes anew everything that depends on these tubes, in the caller's transaction.

    The states, the findings, the status of results and tubes, the counters. The same facts a
    second time change nothing.
    """
    del actor  # the audit listeners find it on the session
    around = pool_queries.neighbourhood(session, tube_ids)
    if not around.tubes:
        return ReleaseReport()
    results = queries.results_of(session, around.tubes)
    current = queries.current_results(results)
    said = {tube_id: row.outcome for tube_id, row in current.items()}
    around.parents = deciding_pools(around.mixes, said)
    rapid_ids = [row.id for row in around.tubes.values() if row.method == Method.ANTIGEN]
    rapid = queries.rapid_results_of(session, rapid_ids) if rapid_ids else []
    causes = {row.tube_id: f"antigen_{row.said}" for row in rapid if row.said in RAPID_CAUSES}
    settled = pools.settle(session, around, [*results, *rapid], at=at, causes=causes)
    report = ReleaseReport(people=settled.changed, urgent=settled.urgent, findings=settled.opened)
    held = {key for key, (state, _reason) in settled.tubes.items() if state == "HOLD"}
    report.held = sorted(around.tubes[key].code for key in held & current.keys())
    report.released = len(current.keys() - held)
    _mark_results(session, current, held, at)
    read = {row.tube_id: row for row in rapid}
    outcomes = _outcomes(around, settled.tubes, {**read, **current}, held)
    _mark_tubes(session, around.tubes, outcomes, at)
    _test_one_by_one(session, around, settled.tubes)
    return report


def _test_one_by_one(
    session: Session,
    around: pool_queries.Neighbourhood,
    states: Mapping[int, tuple[str, str]],
) -> None:
    """Tubes of a positive laboratory pool wait for a test of their own, unless they have one."""
    suspect = [tube for tube in around.parents if states.get(tube, ("",))[0] == "SUSPECT_POOL"]
    if not suspect:
        return
    tubes = tube_queries.TUBES
    session.execute(
        sa.update(tubes)
        .where(
            among(session, tubes.c.id, suspect),
            tubes.c.status == TubeStatus.IN_TEST,
            ~sa.exists().where(R.c.tube_id == tubes.c.id),
        )
        .values(status=TubeStatus.RECEIVED, version=tubes.c.version + 1)
        .execution_options(audit="tubes.test_singly")
    )


def _outcomes(
    around: pool_queries.Neighbourhood,
    states: Mapping[int, tuple[str, str]],
    current: Mapping[int, Any],
    held: set[int],
) -> dict[int, str]:
    """The outcome that counts of every tube with a result, its own or its laboratory pool's."""
    outcomes = {}
    for tube_id, result in current.items():
        said = result.said if isinstance(result, queries.RapidResult) else result.outcome
        outcomes[tube_id] = "" if tube_id in held else said
    for tube_id, pool_id in around.parents.items():
        if tube_id not in current and pool_id in current:
            is_cleared = states.get(tube_id, ("", ""))[0] in {"NEG_BY_POOL", "NEG_SINGLE"}
            outcomes[tube_id] = str(Outcome.NEGATIVE) if is_cleared else ""
    return outcomes


def _mark_results(
    session: Session, current: Mapping[int, Any], held: set[int], at: dt.datetime
) -> None:
    wrong: dict[ResultStatus, list[int]] = {ResultStatus.HELD: [], ResultStatus.RELEASED: []}
    for tube_id, row in current.items():
        status = ResultStatus.HELD if tube_id in held else ResultStatus.RELEASED
        if row.status not in (status, ResultStatus.AMENDED):
            wrong[status].append(row.id)
    for status, ids in wrong.items():
        if ids:
            released_at = at if status == ResultStatus.RELEASED else None
            session.execute(
                sa.update(R)
                .where(among(session, R.c.id, ids))
                .values(status=status, released_at=released_at)
                .execution_options(audit=f"results.{status}")
            )


def _mark_tubes(
    session: Session,
    tubes: Mapping[int, Any],
    outcomes: Mapping[int, str],
    at: dt.datetime,
) -> None:
    """Copies the outcome that counts to the tube, and counts tubes.

    A laboratory pool is no tube that anybody collected: its tubes are counted, it is not.
    """
    rows = []
    deltas: Counter[counters.Key] = Counter()
    hour = counters.hour_of(at)
    for tube_id, outcome in outcomes.items():
        tube = tubes[tube_id]
        if tube.status in {TubeStatus.REJECTED, TubeStatus.LOST} or outcome == tube.outcome:
            continue
        if tube.pool_kind != "mix":
            place = (tube.campaign_id, tube.site_id, hour)
            deltas[*place, Measure.TUBES_RESULTED] += bool(outcome) - bool(tube.outcome)
            deltas[*place, Measure.TUBES_POSITIVE] += (outcome == Outcome.POSITIVE) - (
                tube.outcome == Outcome.POSITIVE
            )
        rows.append(
            {
                "id": tube_id,
                "outcome": outcome,
                "status": TubeStatus.RESULTED if outcome else TubeStatus.IN_TEST,
                "resulted_at": at if outcome else None,
            }
        )
    update_rows(session, tube_queries.TUBES, rows, audit="tubes.result")
    counters.add(session, deltas)
