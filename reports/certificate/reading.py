"""A finished paper read again: what its symbol says, what its text says, and whether they agree."""

import io
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pikepdf
from PIL import Image, ImageOps

import core_rs

_SCALE, _QUIET = 4, 16  # pixels a module, and around the symbol
_LARGEST = 400  # modules; symbols are pictures of one pixel a module
# Labels of the rows, as `rules.rows_of` writes them and pdftotext joins them with their values.
_NAME = re.compile(r"Full name\s+(.+?)\s+Ngày sinh", re.DOTALL)
_BIRTH = re.compile(r"Date of birth\s+(\d\d)/(\d\d)/(\d{4})")
_BIRTH_YEAR = re.compile(r"Date of birth\s+(\d{4})\b")
# The list of originals in a print copy; `reports.print_copy` writes it.
ATTACHMENT = "danh-sach.csv"
_SLIP_SYMBOLS = 165  # core_rs/src/credential/slip.rs


@dataclass(frozen=True, slots=True)
class Read:
    """What a paper says.

    Attributes:
        symbols: contents of its QR symbols.
        text: its text; None where pdftotext is not installed.
        code: of the certificate, from the title of the file; empty if it says none.
        is_copy: whether it is a print copy, which holds the pages of many papers.
    """

    symbols: tuple[str, ...]
    text: str | None
    code: str
    is_copy: bool = False


def read_paper(pdf: bytes) -> Read:
    """Reads a paper's symbols, text and code.

    Raises:
        pikepdf.PdfError: it is no PDF, or one with broken parts.
    """
    try:
        found, title, is_copy = _inside(pdf)
    except pikepdf.PdfError:
        raise
    except Exception as error:  # whatever a broken picture or tree brings a reader to
        raise pikepdf.PdfError(type(error).__name__) from error
    last = title.rsplit(" ", 1)[-1]
    return Read(tuple(dict.fromkeys(found)), _text(pdf), plain_code(last), is_copy)


def _inside(pdf: bytes) -> tuple[list[str], str, bool]:
    """The symbols on the pages, the title, and whether the file is a print copy."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        is_copy = ATTACHMENT in document.attachments
        found: list[str] = []
        for page in () if is_copy else document.pages:
            for image in page.get_images().values():
                found += _symbols(image)
        return found, str(document.docinfo.get("/Title", "")), is_copy


def plain_code(text: str) -> str:
    """The code without its hyphens; empty if the check symbol does not fit."""
    try:
        return core_rs.check_code(text)
    except ValueError:
        return ""


def _symbols(image: Any) -> list[str]:
    if max(int(image.Width), int(image.Height)) > _LARGEST:
        return []
    picture: Image.Image = pikepdf.PdfImage(image).as_pil_image().convert("L")
    large = picture.resize(
        (picture.width * _SCALE, picture.height * _SCALE), Image.Resampling.NEAREST
    )
    framed = ImageOps.expand(large, _QUIET, 255)
    buffer = io.BytesIO()
    framed.save(buffer, "PNG")
    found = core_rs.decode_image(buffer.getvalue(), mode="thorough")
    return [symbol.text for symbol in found if symbol.text is not None]


def _text(pdf: bytes) -> str | None:
    tool = shutil.which("pdftotext")
    if tool is None:
        return None
    done = subprocess.run(  # noqa: S603  the file goes in by the pipe
        [tool, "-layout", "-", "-"], input=pdf, capture_output=True, check=False, timeout=60
    )
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None


def disagreements(paper: Read, slip_keys: Mapping[int, bytes]) -> tuple[list[str], list[str]]:
    """Where symbol and text do not say the same: problems, and notes on what was not compared.

    Args:
        paper: as read.
        slip_keys: number → public key of the signed slips.
    """
    if paper.is_copy:
        return [], ["A print copy: its seal covers all of it; its papers were not read singly."]
    if not paper.symbols and not paper.code:
        return [], ["A list or another document without a symbol: its seal alone was checked."]
    if not paper.symbols:
        return ["The paper has no QR symbol that can be read."], []
    problems, notes = [], []
    if paper.text is None:
        notes.append("The text was not compared: pdftotext is not installed.")
    text = paper.text
    for symbol in paper.symbols:
        last = symbol.rsplit("/", 1)[-1]
        if len(last) >= _SLIP_SYMBOLS:
            found = _slip_problems(symbol, text, slip_keys, notes)
        else:
            found = _code_problems(last, paper)
        problems += found
    return problems, notes


def _code_problems(last: str, paper: Read) -> list[str]:
    code = plain_code(last)
    if not code:
        return ["The QR symbol carries no code of a certificate."]
    if paper.code and code != paper.code:
        return ["The QR symbol carries another certificate's code than the file's title."]
    if paper.text is not None and _grouped(code) not in paper.text:
        return ["The code in the QR symbol is not the one printed on the page."]
    return []


def _slip_problems(
    symbol: str, text: str | None, keys: Mapping[int, bytes], notes: list[str]
) -> list[str]:
    slip = core_rs.verify_slip(symbol, dict(keys))
    codes = {problem.code for problem in slip.problems}
    if slip.code is None:
        return ["The slip in the QR symbol can not be read."]
    if "slip.unknown_key" in codes:
        notes.append("The slip in the QR symbol was not checked: its key is not known here.")
    elif not slip.is_valid:
        return ["The signature of the slip in the QR symbol does not verify."]
    if text is None:
        return []
    problems = []
    if _grouped(slip.code) not in text:
        problems.append("The slip in the QR symbol is of another sample than the page.")
    is_positive = re.search(r"^\s*POSITIVE\s*$", text, re.MULTILINE) is not None
    if slip.outcome in {"positive", "negative"} and is_positive != (slip.outcome == "positive"):
        problems.append("The slip in the QR symbol tells another result than the page.")
    name, born = _NAME.search(text), _BIRTH.search(text)
    year = _BIRTH_YEAR.search(text)
    day = "-".join(born.groups()[::-1]) if born else year[1] if year else ""
    if name and day and not slip.is_of(" ".join(name[1].split()), day):
        problems.append("The slip in the QR symbol is of another person than the page.")
    return problems


def _grouped(code: str) -> str:
    return "-".join((code[:4], code[4:8], code[8:]))
