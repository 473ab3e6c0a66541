"""What somebody shows, whatever it is: a code, a picture of a symbol, a PDF, an HC1 certificate.

Signatures are checked without the database; whether a paper still stands is asked of it, and if it
does not answer that is said. Nothing shown is kept.
"""

import io
from dataclasses import dataclass, field
from typing import Any

import pikepdf
import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

import core_rs
from portal import clock
from portal.actors import PUBLIC
from portal.audit import services as audit
from portal.certificates import sealing, services, slips, trust
from portal.certificates.services import Verification
from portal.declarations.rules import read_code
from portal.errors import Invalid
from portal.settings import Settings
from reports.certificate.reading import ATTACHMENT
from reports.signing import check_signature

LARGEST_UPLOAD = 12 * 1024 * 1024
_DEADLINE_MS = 800
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff")


@dataclass(slots=True)
class Shown:
    """What was found in something shown.

    Attributes:
        kind: `paper`, `copy`, `code`, `slip`, `hc1` or `nothing`.
        problems: everything that is wrong, as plain sentences.
        signer: who sealed a PDF.
        count: papers in a print copy.
        code: of a certificate of ours, to be verified.
        slip: address of a signed slip.
        verification: what the database says of the code; None if it was not asked.
        is_offline: the database did not answer.
        lines: label and value of an HC1 certificate.
    """

    kind: str
    problems: list[str] = field(default_factory=list)
    signer: str = ""
    count: int = 0
    code: str = ""
    slip: str = ""
    verification: Verification | None = None
    is_offline: bool = False
    lines: list[tuple[str, str]] = field(default_factory=list)


def check(session: Session, config: Settings, *, typed: str, content: bytes) -> Shown:
    """Looks at a file if there is one, else at what was typed.

    Raises:
        Invalid: neither, a file too large, or one that is neither PDF nor picture.
    """
    if len(content) > LARGEST_UPLOAD:
        problem = _("The file is larger than 12 MB.")
        raise Invalid(problem, details=[problem])
    if content.startswith(b"%PDF"):
        return _pdf(session, config, content)
    if content.startswith(_PICTURES):
        return _picture(session, config, content)
    if content:
        problem = _("This is neither a PDF nor a picture (PNG, JPEG).")
        raise Invalid(problem, details=[problem])
    if not typed.strip():
        problem = _("Type the code, or choose a file.")
        raise Invalid(problem, details=[problem])
    return _text(session, config, typed.strip())


def _text(session: Session, config: Settings, text: str) -> Shown:
    if text.startswith("HC1:"):
        return _hc1(session, config, text)
    last = text.rstrip("/").split("/")[-1]
    if slips.is_slip(last):
        return Shown("slip", slip=last)
    return Shown("code", code=last)


def _picture(session: Session, config: Settings, content: bytes) -> Shown:
    try:
        symbols = core_rs.decode_image(content, mode="thorough", deadline_ms=_DEADLINE_MS)
    except core_rs.QrError:
        return Shown("nothing", [_("The picture can not be read. Take it again.")])
    texts = [symbol.text for symbol in symbols if symbol.text]
    if not texts:
        said = _("No symbol was found in the picture. Come closer and hold still.")
        return Shown("nothing", [said])
    for text in texts:
        found = _text(session, config, text)
        if found.kind != "code" or read_code(found.code):
            return found
    said = _("The symbol in the picture is none of a certificate.")
    return Shown("nothing", [said])


def _pdf(session: Session, config: Settings, content: bytes) -> Shown:
    checked = check_signature(content, sealing.trusted(config))
    problems = [_said(problem) for problem in checked.problems]
    try:
        with pikepdf.open(io.BytesIO(content)) as document:
            title = str(document.docinfo.get("/Title", ""))
            if ATTACHMENT in document.attachments:
                lines = document.attachments[ATTACHMENT].get_file().read_bytes().count(b"\n")
                return Shown("copy", problems, checked.signer, count=max(lines - 1, 0))
    except (pikepdf.PdfError, ValueError, KeyError):
        return Shown("paper", [*problems, _("The file is damaged.")], checked.signer)
    found = Shown("paper", problems, checked.signer, code=read_code(title.rsplit(" ", 1)[-1]) or "")
    if found.code and not problems:  # what is forged must not stand beside a «valid»
        ask(session, config, found)
    return found


def ask(session: Session, config: Settings, found: Shown) -> None:
    """What the database says of the code found; a reading is written down."""
    try:
        office = sealing.office_of(config)
        found.verification = services.verify(session, code=found.code, office=office)
        certificate = found.verification.certificate
        if certificate is not None:
            audit.read(session, PUBLIC, "certificates", str(certificate.id), "verification")
    except sa.exc.OperationalError:
        session.rollback()
        found.is_offline = True


def _said(problem: str) -> str:
    """A problem of a signature in the reader's language."""
    said = {
        "The file carries no signature of this system.": _(
            "The file carries no seal of the health department."
        ),
        "The signature does not cover the whole file.": _(
            "The seal does not cover the whole file: something was added to it."
        ),
        "The signature is not one DER structure with zeros behind it.": _(
            "The seal itself was changed."
        ),
        "The file was changed after it was signed.": _("The file was changed after it was sealed."),
        "The signature does not verify.": _("The seal is forged: its signature does not fit."),
    }
    if problem.startswith(("No chain leads from", "Nobody known here issued")):
        return _("Wrong seal: it is not one of the health department.")
    if problem.startswith(("The file can not be read as a PDF", "The file is not a PDF")):
        return _("The file carries no seal of the health department.")
    if problem == "A revision was added after the last signature.":
        return _("The seal does not cover the whole file: something was added to it.")
    if " was revoked on " in problem:
        return _("The seal's certificate was revoked before it was used.")
    if " was not valid at the time of signing" in problem:
        return _("The seal's certificate was not valid when it was used.")
    return said.get(problem, _("The seal does not stand."))


# --- HC1 ---


def _hc1(session: Session, config: Settings, text: str) -> Shown:
    verdict = core_rs.verify_dcc(text, trust.trust_list(session, config), clock.now())
    found = Shown("hc1", [_hc1_problem(problem) for problem in verdict.problems])
    found.lines = _hc1_lines(verdict.content, verdict.issuer or "")
    if verdict.expires_at is not None:
        found.lines.append((_("Valid until"), f"{clock.local(verdict.expires_at):%d/%m/%Y}"))
    return found


def _hc1_problem(problem: core_rs.Problem) -> str:
    if problem.code == "dcc.schema":
        return _("Its content breaks the rules of health certificates: %(what)s",
                 what=problem.message)  # fmt: skip
    said = {
        "dcc.prefix": _("It does not begin with HC1:."),
        "dcc.too_long": _("It is longer than any health certificate."),
        "base45.length": _("Letters are missing: scan the whole symbol again."),
        "base45.character": _("It holds a letter that no health certificate has."),
        "base45.value": _("Some letters were changed: scan the symbol again."),
        "dcc.compression": _("It can not be unpacked: letters are missing or changed."),
        "cose.structure": _("It is not signed as a health certificate must be."),
        "cose.critical": _("It demands something this system does not know."),
        "dcc.claims": _("Issuer, dates or content are missing or wrong."),
        "dcc.algorithm": _("It is signed in a way that is not allowed."),
        "dcc.unknown_key": _("Its signer is not on the list of trusted signers."),
        "dcc.signature": _("The signature does not fit: it is forged or was changed."),
        "dcc.key_usage": _("Its signer may not sign this kind of certificate."),
        "dcc.key_not_valid": _("The signer's own certificate was not valid then."),
        "dcc.not_yet_valid": _("It is not valid yet."),
        "dcc.expired": _("It has expired."),
    }
    return said.get(problem.code, _("Its inner form is damaged."))


def _hc1_lines(content: Any, issuer: str) -> list[tuple[str, str]]:
    """What a certificate says; a bent one may hold anything in place of a map."""
    content = content if isinstance(content, dict) else {}
    name = content.get("nam")
    name = name if isinstance(name, dict) else {}
    kinds = {"v": _("Vaccination"), "t": _("Test"), "r": _("Recovery")}
    kind = next((key for key in kinds if content.get(key)), "")
    entries = content.get(kind) or [{}]
    entry = entries[0] if isinstance(entries, list) and isinstance(entries[0], dict) else {}
    told = [
        (_("Name"), " ".join(str(name.get(part, "")) for part in ("fn", "gn")).strip()),
        (_("Born on"), str(content.get("dob", ""))),
        (_("Kind"), str(kinds.get(kind, ""))),
        (_("Dose"), f"{entry['dn']}/{entry['sd']}" if {"dn", "sd"} <= entry.keys() else ""),
        (_("Result"), _hc1_result(str(entry.get("tr", "")))),
        (_("Date"), str(entry.get("dt") or entry.get("sc") or entry.get("fr") or "")),
        (_("Issued by"), str(entry.get("is") or "")),
        (_("Country"), str(entry.get("co") or issuer)),
    ]
    return [(label, value[:120]) for label, value in told if value]


def _hc1_result(code: str) -> str:
    return {"260415000": _("Negative"), "260373001": _("Positive")}.get(code, "")
