"""The laboratories of the replay: receipt, analyser files in three layouts, release.

Each step looks first at what is done already, so that it may be cut short anywhere.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import db
from portal.accounts.login import login_of
from portal.accounts.models import StaffProfile
from portal.actors import Actor
from portal.replay import plates
from portal.results import importing, services
from portal.results.models import AnalyserMapping, LabResult, LabRun
from portal.results.rules import RunStatus
from portal.samples import services as samples
from portal.samples.models import Tube
from portal.samples.services import ScannedTube

TUBES_A_RUN = 92  # a plate of 96 with its controls
LAYOUTS: tuple[tuple[str, str, Callable[[dict[str, str]], bytes], dict[str, object]], ...] = (
    ("Máy A (CSV theo giếng và gen)", "ket-qua.csv", plates.long_csv, {}),
    ("Máy B (bảng tính)", "ket-qua.xlsx", plates.wide_workbook, {}),
    ("Máy C (CSV chấm phẩy)", "ket-qua.csv", plates.semicolon_csv, plates.SEMICOLON_MAPPING),
)


class ReplayFault(Exception):
    """Something went otherwise than the plan says: the replay stops and tells."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A laboratory with the two people that a result needs and its analyser's layout."""

    laboratory_id: int
    technician: Actor
    verifier: Actor
    mapping_id: int
    layout: int


@dataclass(frozen=True, slots=True)
class WaitingTube:
    """A tube on its way to a result: its code, how many swabs are in it, and the truth."""

    code: str
    swabs: int
    is_positive: bool


def benches(laboratory_ids: Sequence[int], actor: Actor) -> list[Bench]:
    """The three laboratories, with their saved column mappings made on the way."""
    found = []
    with db.transaction(actor) as session:
        for number, laboratory_id in enumerate(laboratory_ids):
            layout = number % len(LAYOUTS)
            staff = session.scalars(
                sa.select(StaffProfile)
                .where(StaffProfile.site_id == laboratory_id)
                .order_by(StaffProfile.id)
            ).all()
            first, last = login_of(session, staff[0]), login_of(session, staff[-1])
            mapping = _mapping(session, laboratory_id, layout)
            found.append(Bench(laboratory_id, first.actor, last.actor, mapping.id, layout))
    return found


def _mapping(session: Session, laboratory_id: int, layout: int) -> AnalyserMapping:
    name, _file, _write, columns = LAYOUTS[layout]
    found = session.scalars(
        sa.select(AnalyserMapping).where(
            AnalyserMapping.laboratory_id == laboratory_id, AnalyserMapping.name == name
        )
    ).first()
    if found is None:
        found = AnalyserMapping(laboratory_id=laboratory_id, name=name, columns=columns)
        session.add(found)
        session.flush()
    return found


def work_off(
    bench: Bench,
    tubes: Sequence[WaitingTube],
    received_at: dt.datetime,
    done: Callable[[int], None],
) -> None:
    """Receives tubes and takes them to released results, a plate at a time."""
    with db.transaction(bench.technician) as session:
        scanned = [ScannedTube(tube.code, tube.swabs) for tube in tubes]
        report = samples.receive(
            session,
            bench.technician,
            laboratory_id=bench.laboratory_id,
            tubes=scanned,
            received_at=received_at,
        )
        if report.unknown or report.refused:
            raise ReplayFault(
                f"{len(report.unknown)} tubes are unknown, {len(report.refused)} refused"
            )
    for start in range(0, len(tubes), TUBES_A_RUN):
        part = tubes[start : start + TUBES_A_RUN]
        _run(bench, part, received_at + dt.timedelta(hours=2))
        done(len(part))


def _run(bench: Bench, tubes: Sequence[WaitingTube], recorded_at: dt.datetime) -> None:
    run_id, status = _earlier(tubes[0].code)
    if run_id is None:
        run_id, status = _record(bench, tubes, recorded_at), RunStatus.RECORDED
    if status == RunStatus.RECORDED:
        with db.transaction(bench.verifier) as session:
            services.verify(session, bench.verifier, run_id=run_id, verified_at=recorded_at)
        status = RunStatus.VERIFIED
    if status == RunStatus.VERIFIED:
        with db.transaction(bench.verifier) as session:
            services.release(
                session,
                bench.verifier,
                run_id=run_id,
                released_at=recorded_at + dt.timedelta(minutes=30),
            )


def _earlier(code: str) -> tuple[int | None, str]:
    """The run that an earlier, interrupted replay recorded this tube in."""
    session = db.db_session()
    row = session.execute(
        sa.select(LabRun.id, LabRun.status)
        .join(LabResult, LabResult.run_id == LabRun.id)
        .join(Tube, Tube.id == LabResult.tube_id)
        .where(Tube.code == code)
    ).first()
    session.rollback()
    return (row.id, row.status) if row else (None, "")


def _record(bench: Bench, tubes: Sequence[WaitingTube], recorded_at: dt.datetime) -> int:
    _name, file_name, write, _columns = LAYOUTS[bench.layout]
    content = write({tube.code: "positive" if tube.is_positive else "negative" for tube in tubes})
    with db.transaction(bench.technician) as session:
        report = importing.import_run(
            session,
            bench.technician,
            laboratory_id=bench.laboratory_id,
            file_name=file_name,
            content=content,
            mapping=session.get_one(AnalyserMapping, bench.mapping_id),
            recorded_at=recorded_at,
        )
        if report.error_count or report.run_id is None:
            raise ReplayFault(f"an analyser file has {report.error_count} errors")
        return report.run_id
