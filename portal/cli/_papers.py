"""What `tram verify` does with each paper: signature, symbol, text, database."""

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pikepdf
import sqlalchemy as sa

from portal.settings import Settings
from reports.certificate.reading import Read, disagreements, read_paper
from reports.signing import Trust, check_paper


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of one paper; without problems it stands."""

    file: str
    code: str = ""
    signer: str = ""
    signed_at: str = ""
    profile: str = ""
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Database:
    """The certificates of this installation, asked without any session of a person.

    Args:
        config: whose database; only read.
    """

    def __init__(self, config: Settings) -> None:
        from portal.certificates.models import Certificate

        self._certificates = Certificate.__table__
        self._engine = sa.create_engine(config.database_url)
        self._row("")  # fails here if the database does not answer

    def _row(self, code: str) -> sa.RowMapping | None:
        issued, newer = self._certificates, self._certificates.alias()
        query = (
            sa.select(
                issued.c["number", "status", "ended_at", "snapshot"],
                newer.c.code.label("successor"),
            )
            .outerjoin(newer, newer.c.id == issued.c.replaced_by_id)
            .where(issued.c.code == code)
        )
        with self._engine.connect() as connection:
            return connection.execute(query).mappings().one_or_none()

    def say(self, paper: Read) -> tuple[list[str], list[str]]:
        """Problems and notes of a paper, by the code it carries."""
        row = self._row(paper.code)
        if row is None:
            return ["The database knows no certificate of this code."], []
        problems = []
        values = [value for _label, _label_en, value in row["snapshot"]["rows"]]
        values.append(row["snapshot"]["outcome_en"])
        if paper.text is not None and not set(" ".join(values).split()) <= set(paper.text.split()):
            problems.append("The page does not say what the database has.")
        day = f"{row['ended_at']:%d/%m/%Y}" if row["ended_at"] else "an unknown day"
        if row["status"] == "replaced":
            other = f" by {row['successor']}" if row["successor"] else ""
            problems.append(f"The certificate was replaced{other} on {day}.")
        elif row["status"] != "valid":
            problems.append(f"The certificate was revoked on {day}.")
        notes = [] if problems else [f"Valid in the database, issue {row['number']} of its sample."]
        return problems, notes


def papers_in(path: Path) -> Iterator[tuple[str, bytes, str]]:
    """Each paper of a file or a ZIP: name, bytes, and a problem of the ZIP with it.

    Raises:
        zipfile.BadZipFile: the ZIP is broken.
    """
    if not zipfile.is_zipfile(path):
        yield str(path), path.read_bytes(), ""
        return
    with zipfile.ZipFile(path) as archive:
        listed = _listed(archive)
        names = [name for name in archive.namelist() if name.lower().endswith(".pdf")]
        for name in names:
            content = archive.read(name)
            told = listed.get(name.removesuffix(".pdf"))
            is_other = told is not None and hashlib.sha256(content).hexdigest() != told
            problem = "The paper is not the one that index.csv lists." if is_other else ""
            yield f"{path}:{name}", content, problem
        for code in sorted(set(listed) - {name.removesuffix(".pdf") for name in names}):
            yield f"{path}:{code}.pdf", b"", "index.csv lists a paper that is not in the ZIP."


def _listed(archive: zipfile.ZipFile) -> dict[str, str]:
    """Certificate code → SHA-256, from the index."""
    if "index.csv" not in archive.namelist():
        return {}
    rows = csv.DictReader(io.TextIOWrapper(archive.open("index.csv"), "utf-8"))
    return {
        row["certificate_code"]: row["sha256"]
        for row in rows
        if row.get("certificate_code") and row.get("sha256")
    }


def judge(
    name: str,
    pdf: bytes,
    problem: str,
    *,
    trust: Trust,
    slip_keys: dict[int, bytes],
    database: Database | None,
) -> Verdict:
    """Everything that can be said of one paper."""
    if not pdf:
        return Verdict(name, problems=[problem or "The file is empty."])
    found = check_paper(pdf, trust)
    problems = [problem] if problem else []
    problems += found.problems
    notes = list(found.notes)
    paper = _read(pdf)
    if paper is None:
        problems = problems or ["The file can not be read as a PDF."]
    else:
        more, said = disagreements(paper, slip_keys)
        problems, notes = problems + more, notes + said
        if database is not None and paper.code:
            more, said = database.say(paper)
            problems, notes = problems + more, notes + said
    at = f"{found.signed_at:%Y-%m-%dT%H:%M:%SZ}" if found.signed_at else ""
    code = paper.code if paper else ""
    return Verdict(name, code, found.signer, at, found.profile, problems, notes)


def _read(pdf: bytes) -> Read | None:
    try:
        return read_paper(pdf)
    except (pikepdf.PdfError, ValueError, NotImplementedError, OSError):
        return None
