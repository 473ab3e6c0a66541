"""What the laboratory's screens show. Read through the scope wall."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session, joinedload

from portal import clock
from portal.errors import NotFound
from portal.pools.models import Finding
from portal.results.models import AnalyserMapping, LabResult, LabRun
from portal.results.rules import ResultStatus, RunStatus
from portal.samples.models import SampleBox, Tube
from portal.samples.rules import Outcome, TubeStatus
from portal.sites.models import Site

MOST_LISTED = 200


def laboratories(session: Session) -> list[Site]:
    """The laboratories of whoever asks."""
    return list(
        session.scalars(sa.select(Site).where(Site.kind == "laboratory").order_by(Site.name))
    )


def chosen_laboratory(session: Session, wanted: str) -> Site:
    """The laboratory named by the request, or the only (first) one of whoever asks.

    Raises:
        NotFound: none, or not theirs.
    """
    own = laboratories(session)
    found = next((site for site in own if str(site.id) == wanted), None)
    if found is None and not wanted and own:
        return own[0]
    if found is None:
        raise NotFound(_("No laboratory belongs to your account."))
    return found


def tubes_of_codes(session: Session, codes: Sequence[str]) -> list[Tube]:
    """Tubes at or for the asker's laboratory, with the site they come from."""
    return list(
        session.scalars(sa.select(Tube).where(Tube.code.in_(codes)).options(joinedload(Tube.site)))
    )


def received_on(session: Session, laboratory_id: int, day: dt.date) -> list[Tube]:
    """Tubes received on a local day, by site and accession number."""
    begin = clock.start_of_day(day)
    return list(
        session.scalars(
            sa.select(Tube)
            .where(
                Tube.laboratory_id == laboratory_id,
                Tube.received_at >= begin,
                Tube.received_at < begin + dt.timedelta(days=1),
            )
            .options(joinedload(Tube.site))
            .order_by(Tube.site_id, Tube.accession_number)
            .limit(5000)
        )
    )


def boxes_on_the_way(session: Session, laboratory_id: int) -> list[SampleBox]:
    """Boxes sent to the laboratory and not yet received, oldest first."""
    return list(
        session.scalars(
            sa.select(SampleBox)
            .where(SampleBox.laboratory_id == laboratory_id, SampleBox.received_at.is_(None))
            .order_by(SampleBox.sent_at)
            .limit(MOST_LISTED)
        )
    )


def waiting_tubes(session: Session, laboratory_id: int, limit: int) -> list[Tube]:
    """Tubes received and not yet tested, in the order of their accession numbers."""
    return list(
        session.scalars(
            sa.select(Tube)
            .where(Tube.laboratory_id == laboratory_id, Tube.status == TubeStatus.RECEIVED)
            .order_by(Tube.received_at, Tube.accession_number)
            .limit(limit)
        )
    )


def count_waiting(session: Session, laboratory_id: int) -> int:
    """How many tubes wait for their test."""
    return (
        session.scalar(
            sa.select(sa.func.count(Tube.id)).where(
                Tube.laboratory_id == laboratory_id, Tube.status == TubeStatus.RECEIVED
            )
        )
        or 0
    )


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in the list: the run and how many results say what."""

    run: LabRun
    outcomes: dict[str, int]
    waiting: int

    @property
    def total(self) -> int:
        """All results of the run."""
        return sum(self.outcomes.values())


def runs(session: Session, laboratory_id: int) -> list[RunLine]:
    """Newest runs of a laboratory with their counts: open ones first."""
    found = session.scalars(
        sa.select(LabRun)
        .where(LabRun.laboratory_id == laboratory_id)
        .order_by((LabRun.status == RunStatus.RELEASED), LabRun.id.desc())
        .limit(50)
    ).all()
    counts: dict[int, dict[str, int]] = {}
    waiting: dict[int, int] = {}
    rows = session.execute(
        sa.select(
            LabResult.run_id, LabResult.outcome, LabResult.status, sa.func.count(LabResult.id)
        )
        .where(
            LabResult.run_id.in_([run.id for run in found]),
            LabResult.status != ResultStatus.AMENDED,
        )
        .group_by(LabResult.run_id, LabResult.outcome, LabResult.status)
    )
    for run_id, outcome, status, count in rows:
        of_run = counts.setdefault(run_id, {})
        of_run[outcome] = of_run.get(outcome, 0) + count
        if status == ResultStatus.RECORDED:
            waiting[run_id] = waiting.get(run_id, 0) + count
    return [RunLine(run, counts.get(run.id, {}), waiting.get(run.id, 0)) for run in found]


_FIRST = {
    outcome: number
    for number, outcome in enumerate(
        (Outcome.POSITIVE, Outcome.INCONCLUSIVE, Outcome.INVALID, Outcome.NEGATIVE)
    )
}


def results_of_run(session: Session, run_id: int) -> list[LabResult]:
    """Results of a run, positives first, then what needs another look, negatives last."""
    found = session.scalars(
        sa.select(LabResult)
        .where(LabResult.run_id == run_id, LabResult.status != ResultStatus.AMENDED)
        .options(joinedload(LabResult.tube).joinedload(Tube.site))
    ).all()
    return sorted(found, key=lambda row: (_FIRST.get(Outcome(row.outcome), 9), row.id))


def get_run(session: Session, run_id: int) -> LabRun:
    """The run, within the scope.

    Raises:
        NotFound: there is none, or not for this actor.
    """
    run = session.scalar(sa.select(LabRun).where(LabRun.id == run_id))
    if run is None:
        raise NotFound(_("There is no such run."))
    return run


def waiting_amendments(session: Session, laboratory_id: int) -> list[LabResult]:
    """Corrections that wait for a second person."""
    return list(
        session.scalars(
            sa.select(LabResult)
            .where(
                LabResult.laboratory_id == laboratory_id,
                LabResult.amends_id.is_not(None),
                LabResult.status == ResultStatus.RECORDED,
            )
            .order_by(LabResult.id)
        )
    )


def findings_of_tubes(session: Session, tube_ids: Sequence[int]) -> dict[int, list[Finding]]:
    """Open findings by tube."""
    if not tube_ids:
        return {}
    found: dict[int, list[Finding]] = {}
    rows = session.scalars(
        sa.select(Finding)
        .where(Finding.tube_id.in_(tube_ids), Finding.status == "open")
        .order_by(Finding.code)
        .limit(5000)
    )
    for row in rows:
        found.setdefault(row.tube_id or 0, []).append(row)
    return found


def mappings(session: Session, laboratory_id: int) -> list[AnalyserMapping]:
    """Saved column mappings of a laboratory, without the retired."""
    return list(
        session.scalars(
            sa.select(AnalyserMapping)
            .where(
                AnalyserMapping.laboratory_id == laboratory_id,
                AnalyserMapping.retired_at.is_(None),
            )
            .order_by(AnalyserMapping.name)
        )
    )


def outcome_counts(rows: Sequence[Any]) -> dict[str, int]:
    """How many rows say what."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.outcome] = counts.get(row.outcome, 0) + 1
    return counts
