"""Reading runs and results."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.results.models import AntigenRead, LabResult, LabRun
from portal.results.rules import ResultStatus
from portal.samples.bulk import among, epoch
from portal.samples.models import Sample
from portal.samples.rules import Outcome

R = LabResult.__table__
N = LabRun.__table__
A = AntigenRead.__table__
S = Sample.__table__

COUNTED = (ResultStatus.HELD, ResultStatus.RELEASED, ResultStatus.AMENDED)


def results_of(session: Session, tube_ids: Iterable[int]) -> list[Any]:
    """Every verified version of every result of these tubes, held ones included.

    A result held back by a verifier's own hand is not among them.
    """
    return list(
        session.execute(
            sa.select(
                R.c.id,
                R.c.tube_id,
                R.c.test_number,
                R.c.version,
                R.c.outcome,
                R.c.best_ct,
                R.c.status,
                epoch(session, R.c.recorded_at).label("recorded"),
            ).where(
                among(session, R.c.tube_id, sorted(tube_ids)),
                R.c.status.in_(COUNTED),
                R.c.hold_reason == "",
            )
        )
    )


def current_results(results: Iterable[Any]) -> dict[int, Any]:
    """The newest version of the newest test of each tube."""
    current: dict[int, Any] = {}
    for row in results:
        other = current.get(row.tube_id)
        rank = (row.test_number, row.version, -row.id)
        if other is None or rank > (other.test_number, other.version, -other.id):
            current[row.tube_id] = row
    return current


def outcomes_by_tube(session: Session, tube_ids: list[int]) -> dict[int, str]:
    """The outcome that counts of each of these tubes that was tested itself."""
    current = current_results(results_of(session, tube_ids))
    return {tube_id: row.outcome for tube_id, row in current.items()}


@dataclass(frozen=True, slots=True)
class RapidResult:
    """A released rapid test as matching reads results.

    Attributes:
        id: below zero, so that it is never taken for the key of a laboratory result.
        outcome: what matching is told: alone, a positive rapid test calls for RT-PCR (Decision
            2022/QĐ-BYT: it supports the molecular test, and does not replace it).
        said: what was read.
    """

    id: int
    tube_id: int
    outcome: str
    said: str
    recorded: int
    test_number: int = 1
    version: int = 1
    best_ct: float | None = None


def rapid_results_of(session: Session, tube_ids: Iterable[int]) -> list[RapidResult]:
    """Every released rapid test of these tubes."""
    rows = session.execute(
        sa.select(A.c.id, S.c.tube_id, A.c.outcome, epoch(session, A.c.read_at).label("recorded"))
        .join(S, S.c.id == A.c.sample_id)
        .where(
            among(session, S.c.tube_id, sorted(tube_ids)),
            A.c.released_at.is_not(None),
            S.c.withdrawn_at.is_(None),
        )
        .order_by(A.c.id)
    ).all()
    members = Counter(row.tube_id for row in rows)
    return [
        RapidResult(
            id=-row.id,
            tube_id=row.tube_id,
            outcome=Outcome.INCONCLUSIVE
            if row.outcome == Outcome.POSITIVE and members[row.tube_id] == 1
            else row.outcome,
            said=row.outcome,
            recorded=row.recorded,
        )
        for row in rows
    ]


def readings_of(session: Session, tube_ids: Sequence[int]) -> dict[int, list[Any]]:
    """Every reading of these tubes, verified or not, by tube."""
    rows = session.execute(
        sa.select(
            R.c.id, R.c.tube_id, R.c.run_id, R.c.outcome, R.c.test_number, R.c.version, R.c.status
        ).where(among(session, R.c.tube_id, sorted(tube_ids)))
    )
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.tube_id, []).append(row)
    return found


def find_run(session: Session, code: str) -> LabRun | None:
    """The run with this code."""
    return session.scalar(sa.select(LabRun).where(LabRun.code == code))


def find_run_of_file(session: Session, laboratory_id: int, sha256: str) -> LabRun | None:
    """The run that was made from this very file."""
    return session.scalar(
        sa.select(LabRun).where(LabRun.laboratory_id == laboratory_id, LabRun.file_sha256 == sha256)
    )


def run_count_today(session: Session, prefix: str) -> int:
    """The highest running number among runs whose code begins so."""
    newest = session.scalar(
        sa.select(N.c.code)
        .where(N.c.code.startswith(prefix, autoescape=True))
        .order_by(sa.func.length(N.c.code).desc(), N.c.code.desc())
        .limit(1)
    )
    return int(newest.removeprefix(prefix)) if newest else 0


def outcomes_of_run(session: Session, run_id: int) -> dict[str, int]:
    """How many current results of a run say what."""
    rows = session.execute(
        sa.select(R.c.outcome, sa.func.count())
        .where(R.c.run_id == run_id, R.c.status != ResultStatus.AMENDED)
        .group_by(R.c.outcome)
    )
    return dict(rows.all())
