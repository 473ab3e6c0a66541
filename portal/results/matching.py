"""From results to people: reads the neighbourhood of some tubes and settles it."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
    rapid_ids = [row.id for row in around.tubes.values() if row.method == Method.ANTIGEN]
    rapid = queries.rapid_results_of(session, rapid_ids) if rapid_ids else []
    causes = {row.tube_id: f"antigen_{row.said}" for row in rapid if row.said in RAPID_CAUSES}
    settled = pools.settle(session, around, [*results, *rapid], at=at, causes=causes)
    current = _current(results)
    report = ReleaseReport(people=settled.changed, urgent=settled.urgent, findings=settled.opened)
    held = {key for key, (state, _reason) in settled.tubes.items() if state == "HOLD"}
    report.held = sorted(around.tubes[key].code for key in held & current.keys())
    report.released = len(current.keys() - held)
    _mark_results(session, current, held, at)
    read = {row.tube_id: row for row in rapid}
    _mark_tubes(session, around.tubes, {**read, **current}, held, at)
    return report


def _current(results: Sequence[Any]) -> dict[int, Any]:
    """The newest version of the newest test of each tube."""
    current: dict[int, Any] = {}
    for row in results:
        other = current.get(row.tube_id)
        rank = (row.test_number, row.version, -row.id)
        if other is None or rank > (other.test_number, other.version, -other.id):
            current[row.tube_id] = row
    return current


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
    current: Mapping[int, Any],
    held: set[int],
    at: dt.datetime,
) -> None:
    """Copies the outcome that counts to the tube, and counts tubes."""
    rows = []
    deltas: Counter[counters.Key] = Counter()
    hour = counters.hour_of(at)
    for tube_id, result in current.items():
        tube = tubes[tube_id]
        said = result.said if isinstance(result, queries.RapidResult) else result.outcome
        outcome = "" if tube_id in held else said
        if tube.status in {TubeStatus.REJECTED, TubeStatus.LOST} or outcome == tube.outcome:
            continue
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
