"""Reading runs and results."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.results.models import LabResult, LabRun
from portal.results.rules import ResultStatus
from portal.samples.bulk import among, epoch

R = LabResult.__table__
N = LabRun.__table__

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
