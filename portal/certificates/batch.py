"""Many certificates as one ZIP64: written in parts by a worker, so that a restart goes on.

A part is a ZIP of its own, renamed into place when it is complete; at the end the parts become
one file. While the papers of one part are made and written, the next is read from the database and
issued: two processors work, and no more than two parts are in memory.
Names inside are result codes: no personal data stands in a file name.
A sample whose paper can not be made stands in the index with the reason and stops nothing.
"""

import csv
import datetime as dt
import hashlib
import io
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, cast

from flask import current_app
from flask_babel import gettext
from sqlalchemy.orm import Session

from portal import clock, db
from portal.actors import Actor
from portal.audit import services as audit
from portal.certificates import queries, rules, sealing, services
from portal.certificates.models import Certificate
from portal.certificates.queries import ResultFilter
from portal.certificates.rules import Office
from portal.errors import Invalid
from portal.jobs import kinds
from portal.jobs.models import Job
from portal.jobs.services import enqueue

KIND = "certificates"
PART_SIZE = 500
MOST_RESULTS = 100_000
# A certificate with its signature, twice: parts and final file lie side by side for a while.
BYTES_EACH = 2 * 60_000
_INDEX, _BLOCK = "index.csv", 1 << 20
_INDEX_HEAD = ("sample_code", "certificate_code", "kind", "issued_at", "sha256", "problem")


def install() -> None:
    """Gives the worker its function."""
    kinds.register(KIND, write)


def ask(session: Session, actor: Actor, wanted: ResultFilter) -> Job:
    """Asks for the ZIP of everything a filter finds.

    Raises:
        Invalid: nothing is found, or more than one file should hold.
    """
    found = queries.count_results(session, wanted)
    if not found:
        raise Invalid(gettext("The filter finds no released result."))
    if found > MOST_RESULTS:
        raise Invalid(
            gettext("The filter finds more than %(most)s results; narrow it.", most=MOST_RESULTS)
        )
    audit.note(session, actor, "export certificates", "samples", row_count=found)
    return enqueue(session, actor, KIND, _as_json(wanted))


def write(running: kinds.Running) -> str:
    """Writes the ZIP; taken up again after a crash, finished parts are kept."""
    wanted = _of_json(dict(running.arguments))
    config = current_app.config["TRAM"]
    office = sealing.office_of(config)
    with db.transaction(running.actor) as session:
        total = queries.count_results(session, wanted)
    parts = running.path.with_suffix(".parts")
    parts.mkdir(parents=True, exist_ok=True)
    _require_space(parts, total)
    done, after, number = 0, 0, 0
    with _one_behind(running.progress, total) as follow:
        while True:
            with db.transaction(running.actor) as session:
                ids = queries.result_ids(session, wanted, after=after, limit=PART_SIZE)
            if not ids:
                break
            path = parts / f"{number:05d}-{after}-{ids[-1]}.zip"
            done, after, number = done + len(ids), ids[-1], number + 1
            if path.exists():
                running.progress(done, total)
                continue
            issued, refused = _issue(running.actor, ids, office)
            follow(_write_part, done, path, issued, refused)
    _join(sorted(parts.glob("*.zip")), running.path)
    shutil.rmtree(parts)
    return f"phieu-ket-qua-{clock.local(clock.now()):%Y%m%d-%H%M}.zip"


def _require_space(folder: Path, count: int) -> None:
    if shutil.disk_usage(folder).free < count * BYTES_EACH:
        raise Invalid(gettext("There is not enough space on the disk for so many certificates."))


@contextmanager
def _one_behind(progress: kinds.Progress, total: int) -> Iterator[Callable[..., None]]:
    """Gives a function that has a part written beside the caller's work, one part at a time.

    It waits for the part before, tells how far that was, and passes on what went wrong in it.
    """
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001

    def in_context(work: Callable[..., None], *arguments: Any) -> None:
        with app.app_context():
            work(*arguments)

    with ThreadPoolExecutor(1) as hand:
        waiting: list[tuple[Future[None], int]] = []

        def settle() -> None:
            for future, done in waiting:
                future.result()
                progress(done, total)
            waiting.clear()

        def follow(work: Callable[..., None], done: int, *arguments: Any) -> None:
            settle()
            waiting.append((hand.submit(in_context, work, *arguments), done))

        yield follow
        settle()


_Row = tuple[str, str, str, str, str, str]


def _issue(
    actor: Actor, ids: Sequence[int], office: Office
) -> tuple[list[Certificate], list[_Row]]:
    """The certificates of a part, and the lines of the index for those that can not be made."""
    with db.transaction(actor) as session:
        issued = services.issue_many(session, actor, sample_ids=ids, office=office)
        audit.read_many(session, actor, "samples", ids, action="export certificates, papers")
        left_out = set(ids) - {certificate.sample_id for certificate in issued}
        refused = queries.facts_of(session, sorted(left_out)) if left_out else []
    said = [(facts, services.unprintable_problem(facts)) for facts in refused]
    rows = [
        (facts.result_code, "", rules.kind_of(facts), "", "", problem)
        for facts, problem in said
        if problem
    ]
    return issued, rows


def _write_part(path: Path, issued: Sequence[Certificate], refused: Sequence[_Row]) -> None:
    draft = path.with_suffix(".draft")
    rows: list[_Row] = []
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as archive:
        papers = sealing.papers_of(issued, current_app.config["TRAM"])
        for certificate, pdf in zip(issued, papers, strict=True):
            name = f"{certificate.code}.pdf"
            archive.writestr(_entry(name), pdf)
            rows.append(
                (
                    certificate.snapshot["rows"][6][2].replace("-", ""),
                    certificate.code,
                    certificate.kind,
                    certificate.issued_at.isoformat(),
                    hashlib.sha256(pdf).hexdigest(),
                    "",
                )
            )
        archive.writestr(_entry(_INDEX), _csv([*rows, *refused]))
    draft.replace(path)


def _entry(name: str) -> zipfile.ZipInfo:
    """An entry with a fixed date: the same certificates give the same ZIP."""
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue().encode()


def _join(parts: Sequence[Path], target: Path) -> None:
    """One archive of the parts: the papers of each in one stretch of bytes, the indexes as one.

    Reading and writing a hundred thousand entries singly takes half a minute.
    """
    index = [",".join(_INDEX_HEAD).encode() + b"\r\n"]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for path in parts:
            with zipfile.ZipFile(path) as part, path.open("rb") as file:
                index.append(part.read(_INDEX))
                _append(archive, part, file)
        archive.writestr(_entry(_INDEX), b"".join(index))


def _append(archive: zipfile.ZipFile, part: zipfile.ZipFile, file: BinaryIO) -> None:
    """Everything before the index of a part, which stands last in it, behind what there is."""
    out = cast("BinaryIO", archive.fp)
    start, left = archive.start_dir, part.getinfo(_INDEX).header_offset
    out.seek(start)
    while left:
        block = file.read(min(_BLOCK, left))
        if not block:
            message = "a part of the archive is cut off"
            raise OSError(message)
        out.write(block)
        left -= len(block)
    archive.start_dir = out.tell()
    for entry in part.infolist():
        if entry.filename != _INDEX:
            entry.header_offset += start
            archive.filelist.append(entry)
            archive.NameToInfo[entry.filename] = entry


def _as_json(wanted: ResultFilter) -> dict[str, Any]:
    values = asdict(wanted)
    for name in ("first_day", "last_day"):
        values[name] = values[name].isoformat() if values[name] else None
    return values


def _of_json(values: dict[str, Any]) -> ResultFilter:
    days = {
        name: dt.date.fromisoformat(values[name]) if values.get(name) else None
        for name in ("first_day", "last_day")
    }
    return ResultFilter(**{**values, **days})
