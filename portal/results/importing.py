"""The analyser's file: every problem in one table before anything is saved, the same file back."""

import datetime as dt
import hashlib
from collections import Counter
from dataclasses import dataclass, field

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from portal.actors import Actor
from portal.db import across_sites
from portal.errors import Invalid, NotFound
from portal.pools.suggestions import similar_codes
from portal.results import queries, services
from portal.results.analyser import FileMapping, Plate, read_plate
from portal.results.models import AnalyserMapping
from portal.results.rules import is_blocked
from portal.results.services import Reading, RunFacts
from portal.samples import queries as tubes
from portal.web import sheets
from portal.web.sheets import Sheet

# Metadata above the table: instruments write up to some fifty lines of it.
HEADER_ROWS = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One line of the table of problems; `row` counts from 1, below the header."""

    row: int
    code: str
    text: str
    is_error: bool


@dataclass(slots=True)
class ImportReport:
    """What a file says and what became of it.

    Attributes:
        readings: one a tube.
        problems: errors stop the import; warnings do not.
        unknown: codes of no tube, with similar codes to offer (F1); never assigned.
        positive_control: `passed`, `failed` or `unset`; so `negative_control`.
        run_id, run_code: the run made; None and empty while nothing was saved.
    """

    readings: list[Reading] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unknown: dict[str, list[str]] = field(default_factory=dict)
    positive_control: str = "unset"
    negative_control: str = "unset"
    run_id: int | None = None
    run_code: str = ""
    answer: bytes = b""

    @property
    def error_count(self) -> int:
        """How many problems stop the import."""
        return sum(problem.is_error for problem in self.problems)

    @property
    def is_blocked(self) -> bool:
        """Whether the run may not be released because of its controls."""
        return is_blocked(self.positive_control, self.negative_control)

    @property
    def outcomes(self) -> dict[str, int]:
        """How many tubes say what."""
        return dict(Counter(reading.outcome for reading in self.readings))


@across_sites("a laboratory's file names tubes of every site")
def check_file(
    session: Session,
    actor: Actor,
    *,
    laboratory_id: int,
    file_name: str,
    content: bytes,
    mapping: AnalyserMapping | None = None,
) -> ImportReport:
    """Reads a file and finds everything that is wrong with it; saves nothing.

    Raises:
        Invalid: the file can not be read at all.
        NotFound: a laboratory or mapping outside the actor's scope.
    """
    actor.scope.require_site(laboratory_id)
    if mapping is not None and mapping.laboratory_id != laboratory_id:
        raise NotFound(_("There is no such mapping."))
    rules = FileMapping.of(mapping.columns if mapping is not None else {})
    sheet = sheets.read_sheet(rules.columns(), file_name, content, header_rows=HEADER_ROWS)
    if rules.is_exact:
        sheet.positions = rules.positions(sheet.headers)
        lost = [text for name, text in rules.headers.items() if name not in sheet.positions]
        if lost:
            raise Invalid(
                _("The list lacks columns it needs."), code="sheet.columns_missing", details=lost
            )
    rows = ((number, cells, sheet.cells[number]) for number, cells in sheet.rows())
    plate = read_plate(rows, sheet.headers, rules)
    unknown = _check_tubes(session, plate, laboratory_id)
    digest = hashlib.sha256(content).hexdigest()
    if queries.find_run_of_file(session, laboratory_id, digest) is not None:
        plate.add_error(0, _("This very file was imported before."))
    if not plate.readings and not plate.errors:
        plate.add_error(0, _("No tube was found in the file."))
    return _report(sheet, plate, unknown)


def _check_tubes(session: Session, plate: Plate, laboratory_id: int) -> dict[str, list[str]]:
    known = tubes.tubes_by_code(session, list(plate.readings))
    unknown: dict[str, list[str]] = {}
    for code, reading in plate.readings.items():
        row = known.get(code)
        if row is not None:
            for problem in services.check_tube(code, row, laboratory_id):
                plate.add_error(reading.row, problem)
            continue
        unknown[code] = similar_codes(session, code, laboratory_id)
        if unknown[code]:
            offered = ", ".join(unknown[code])
            text = _("No tube has this code. Similar: %(codes)s.", codes=offered)
        else:
            text = _("No tube has this code.")
        plate.add_warning(reading.row, text)
    return unknown


def _report(sheet: Sheet, plate: Plate, unknown: dict[str, list[str]]) -> ImportReport:
    code_position = sheet.positions["code"]
    problems = []
    for found, is_error in ((plate.errors, True), (plate.warnings, False)):
        for number, texts in found.items():
            cells = sheet.cells[number] if number < len(sheet.cells) else []
            code = cells[code_position] if code_position < len(cells) else ""
            problems += [Problem(number + 1, code, text, is_error) for text in texts]
            for text in texts:
                sheet.add_error(number, text)
    return ImportReport(
        readings=[
            Reading(code, str(reading.outcome), reading.well, reading.ct_values)
            for code, reading in plate.readings.items()
        ],
        problems=sorted(problems, key=lambda problem: (not problem.is_error, problem.row)),
        unknown=unknown,
        positive_control=plate.positive_control,
        negative_control=plate.negative_control,
        answer=sheets.answer_file(sheet) if problems else b"",
    )


def import_run(
    session: Session,
    actor: Actor,
    *,
    laboratory_id: int,
    file_name: str,
    content: bytes,
    mapping: AnalyserMapping | None = None,
    facts: RunFacts | None = None,
    recorded_at: dt.datetime | None = None,
) -> ImportReport:
    """Saves a file without errors as a run; a file with errors saves nothing and says them all.

    Unknown codes are kept in quarantine (F1). A failed control does not stop the saving, it
    stops the release.
    """
    report = check_file(
        session,
        actor,
        laboratory_id=laboratory_id,
        file_name=file_name,
        content=content,
        mapping=mapping,
    )
    if report.error_count:
        return report
    given = facts or RunFacts()
    recorded = services.record(
        session,
        actor,
        laboratory_id=laboratory_id,
        readings=report.readings,
        facts=RunFacts(
            method=given.method,
            kit_name=given.kit_name,
            kit_lot=given.kit_lot,
            instrument=given.instrument or (mapping.name if mapping is not None else ""),
            positive_control=report.positive_control,
            negative_control=report.negative_control,
            file_sha256=hashlib.sha256(content).hexdigest(),
        ),
        recorded_at=recorded_at,
    )
    report.run_id, report.run_code = recorded.run_id, recorded.run_code
    return report
