"""One print copy of many papers: of a filter, of a list as it stands, or of chosen samples.

A worker writes it; taken up again after a crash it goes on after the last finished chunk. A few
papers are made while the reader waits.
"""

import csv
import datetime as dt
import hashlib
import io
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import Session

from portal import clock, db
from portal.actors import Actor
from portal.audit import sealing as audit_sealing
from portal.audit import services as audit
from portal.certificates import documents, queries, rules, sealing, services
from portal.certificates.models import Certificate
from portal.certificates.queries import ResultFilter
from portal.errors import Invalid
from portal.jobs import kinds
from portal.jobs.models import Job
from portal.jobs.services import enqueue
from portal.samples.models import Sample
from portal.web import exporting
from reports.print_copy import CopyWriter, Cover

KIND = "print copy"
MOST_PAPERS = 100_000
# So many are made at once while the reader waits: about two seconds.
AT_ONCE = 25
CHUNK = 500
# A page without its fonts, and its line in the list.
BYTES_EACH = 8_000
BYTES_OF_FONTS = 8_000_000
LIST_HEAD = ("certificate_code", "sample_code", "kind", "issued_at", "sha256")
Wanted = dict[str, Any]
# Table of a list → what of a sample its rows name.
_NAMED_BY: dict[str, Callable[[Any], Any]] = {
    "samples": Sample.id.in_,
    "tubes": Sample.tube_id.in_,
    "certificates": lambda keys: Sample.id.in_(
        sa.select(Certificate.sample_id).where(Certificate.id.in_(keys))
    ),
}

TABLES = frozenset(_NAMED_BY)


def install() -> None:
    """Gives the worker its function, and the lists of results their button."""
    kinds.register(KIND, write)
    exporting.register_button(
        lazy_gettext("Print copy"), "PrintCopyView.of_list", "can_export", "ResultPapers",
        tables=TABLES,
    )  # fmt: skip


def of_filter(wanted: ResultFilter) -> Wanted:
    """The papers of a filter, as a job keeps it."""
    values = asdict(wanted)
    for name in ("first_day", "last_day"):
        values[name] = values[name].isoformat() if values[name] else None
    return {"filter": values}


def of_list(endpoint: str, terms: list[list[Any]]) -> Wanted:
    """The papers of a list's search."""
    return {"view": endpoint, "terms": terms}


def of_samples(sample_ids: list[int]) -> Wanted:
    """The papers of chosen samples."""
    return {"samples": sorted(set(sample_ids))[:MOST_PAPERS]}


def _matching(wanted: Mapping[str, Any]) -> Any:
    """The samples with a paper, unordered, by key."""
    if "filter" in wanted:
        return queries.matching(_filter(wanted["filter"]))
    every = queries.matching(ResultFilter())
    if "samples" in wanted:
        return every.where(Sample.id.in_(wanted["samples"]))
    rows = exporting.rows_of(str(wanted["view"]), wanted["terms"])
    table = rows.column_descriptions[0]["entity"]
    keys = rows.with_only_columns(table.id).order_by(None)
    return every.where(_NAMED_BY[table.__tablename__](keys))


def _filter(values: Mapping[str, Any]) -> ResultFilter:
    days = {
        name: dt.date.fromisoformat(values[name]) if values.get(name) else None
        for name in ("first_day", "last_day")
    }
    return ResultFilter(**{**values, **days})


def count(session: Session, wanted: Wanted) -> int:
    """How many papers it would hold."""
    return session.scalar(sa.select(sa.func.count()).select_from(_matching(wanted).subquery())) or 0


def _next_ids(session: Session, wanted: Mapping[str, Any], after: int) -> list[int]:
    query = _matching(wanted).where(Sample.id > after).order_by(Sample.id).limit(CHUNK)
    return list(session.scalars(query))


def require_some(found: int) -> None:
    """Raises `Invalid` if nothing is found, or more than one file holds."""
    if not found:
        raise Invalid(gettext("There is no released result among these."))
    if found > MOST_PAPERS:
        raise Invalid(
            gettext("The filter finds more than %(most)s results; narrow it.", most=MOST_PAPERS)
        )


def ask(session: Session, actor: Actor, wanted: Wanted) -> Job:
    """Asks for the copy.

    Raises:
        Invalid: nothing is found, or more than one file holds.
    """
    found = count(session, wanted)
    require_some(found)
    audit.note(session, actor, "print copy", "samples", row_count=found)
    return enqueue(session, actor, KIND, {"wanted": wanted})


def write(running: kinds.Running) -> str:
    """Writes the copy of a job; goes on where a worker that died had stopped."""
    wanted: Wanted = dict(running.arguments["wanted"])  # type: ignore[call-overload]
    with db.transaction(running.actor) as session:
        total = count(session, wanted)
    _require_space(running.path.parent, total)
    made_at = clock.now().replace(microsecond=0)
    _write(running.path, running.actor, wanted, made_at, running.progress, total)
    return f"ban-sao-{clock.local(made_at):%Y%m%d-%H%M}.pdf"


def at_once(actor: Actor, wanted: Wanted, path: Path, total: int) -> None:
    """Writes a small copy while the reader waits."""
    with db.transaction(actor) as session:
        audit.note(session, actor, "print copy", "samples", row_count=total)
    made_at = clock.now().replace(microsecond=0)
    _write(path, actor, wanted, made_at, _untold, total)


def _untold(done: int, total: int) -> None:
    del done, total


def _require_space(folder: Path, total: int) -> None:
    if shutil.disk_usage(folder).free < total * BYTES_EACH + BYTES_OF_FONTS:
        raise Invalid(gettext("There is not enough space on the disk for so many certificates."))


def _write(
    path: Path,
    actor: Actor,
    wanted: Wanted,
    made_at: dt.datetime,
    progress: kinds.Progress,
    total: int,
) -> None:
    config = current_app.config["TRAM"]
    office = sealing.office_of(config)
    with CopyWriter(path, made_at) as copy:
        while True:
            with db.transaction(actor) as session:
                ids = _next_ids(session, wanted, copy.state.after)
                issued = services.issue_many(session, actor, sample_ids=ids, office=office)
            if not ids:
                break
            if not copy.state.count:
                copy.head(_line(LIST_HEAD))
            papers = sealing.papers_of(issued, config)
            with db.transaction(actor) as session:
                keys = [certificate.sample_id for certificate in issued]
                audit.read_many(session, actor, "samples", keys, action="print copy, papers")
            for certificate, paper in zip(issued, papers, strict=True):
                copy.add(paper, _line(_listed(certificate, paper)))
            copy.checkpoint(ids[-1])
            progress(copy.state.count, total)
        lines = _cover_lines(actor, wanted, copy.list_digest(), made_at)
        cover = Cover(
            agency=f"SỞ Y TẾ {office.province}".upper(),
            place_and_date=rules.place_and_date(office.province, made_at),
            count=copy.state.count,
            lines=lines,
            watermark=rules.watermark_of(office),
        )
        copy.finish(cover, documents.seal_in_use(config))


def _listed(certificate: Certificate, paper: bytes) -> tuple[str, ...]:
    sample_code = next(row[2] for row in certificate.snapshot["rows"] if row[0] == "Mã mẫu")
    return (
        certificate.code,
        sample_code.replace("-", ""),
        certificate.kind,
        certificate.issued_at.isoformat(),
        hashlib.sha256(paper).hexdigest(),
    )


def _line(values: tuple[str, ...]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(values)
    return buffer.getvalue().encode()


def _cover_lines(
    actor: Actor, wanted: Wanted, digest: str, made_at: dt.datetime
) -> tuple[tuple[str, str], ...]:
    session = db.db_session()
    head = audit_sealing.newest_head(session)
    said = f"{head.size} mục, gốc {head.root.hex()}" if head else "chưa có"
    return (
        ("Nội dung", _said(session, wanted)),
        ("Người lập", actor.name),
        ("Lập lúc", f"{clock.local(made_at):%H:%M:%S, %d/%m/%Y}"),
        ("SHA-256 của danh sách", digest),
        ("Đầu nhật ký đã ký", said),
    )


def _said(session: Session, wanted: Wanted) -> str:
    if "samples" in wanted:
        return "Các mẫu được chọn"
    if "view" in wanted:
        return "Kết quả của một danh sách đã lọc"
    return queries.said_filter(session, _filter(wanted["filter"])) or "Mọi kết quả đã trả"
