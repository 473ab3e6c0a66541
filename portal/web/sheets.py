"""Lists that people upload: CSV or XLSX in, text cells out, and the same file back with its errors.

One schema serves the importer, the template it offers, and the words in its messages, so that
the three can not drift apart (field.md: templates that do not pass their own validator).
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _

from core_rs import fold_name
from portal.errors import Invalid

ERROR_HEADER = "Lỗi"
XLSX_MAGIC = b"PK\x03\x04"
# More than this and the answer is written anew instead of into the uploaded workbook.
LARGEST_COPIED = 20_000
_INTEGER_AS_FLOAT = re.compile(r"^-?\d+\.0$")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list.

    Attributes:
        name: the key under which a row holds the cell.
        header: what the template says, in Vietnamese.
        synonyms: other headers that are accepted; case, tones and spaces never matter.
        is_required: whether an empty cell is an error.
        example: a cell that passes, for the template.
        hint: how to fill it in, for the template.
    """

    name: str
    header: str
    synonyms: tuple[str, ...] = ()
    is_required: bool = False
    example: str = ""
    hint: str = ""


@dataclass(slots=True)
class Sheet:
    """An uploaded list: rows of text cells by column name, and what it looked like.

    Attributes:
        header_line: the line of the headers in the file, counted from 1 as spreadsheets do.
    """

    columns: Sequence[Column]
    headers: list[str]
    cells: list[list[str]]
    positions: dict[str, int]
    file_name: str
    content: bytes
    header_line: int = 1
    errors: dict[int, list[str]] = field(default_factory=dict)

    @property
    def is_workbook(self) -> bool:
        """Whether it came as XLSX."""
        return self.content.startswith(XLSX_MAGIC)

    def rows(self) -> Iterable[tuple[int, dict[str, str]]]:
        """Number (0-based) and cells by column name of every row that is not empty."""
        for number, cells in enumerate(self.cells):
            if any(cells):
                yield (
                    number,
                    {
                        name: cells[position] if position < len(cells) else ""
                        for name, position in self.positions.items()
                    },
                )

    def line(self, number: int) -> int:
        """Where row `number` stands in the file, as a spreadsheet counts its lines."""
        return self.header_line + 1 + number

    def add_error(self, number: int, message: str) -> None:
        """Notes a problem of a row; all of them end in its error cell."""
        self.errors.setdefault(number, []).append(message)


def header_key(text: str) -> str:
    """A header without tones, case, stars and punctuation, for comparison."""
    return re.sub(r"[^a-z0-9]+", "", fold_name(text))


def read_sheet(
    columns: Sequence[Column], file_name: str, content: bytes, *, header_rows: int = 10
) -> Sheet:
    """Reads an uploaded list; finds the header row among the first `header_rows`.

    Raises:
        Invalid: the file is no CSV or XLSX, or headers that are needed are missing (all named).
    """
    table = read_table(content)
    known = {
        header_key(header): column.name
        for column in columns
        for header in (column.header, column.name, *column.synonyms)
    }
    for index, cells in enumerate(table[:header_rows]):
        positions: dict[str, int] = {}
        for position, cell in enumerate(cells):
            name = known.get(header_key(cell))
            if name:
                positions.setdefault(name, position)
        if len(positions) >= min(2, len(columns)):
            missing = [c.header for c in columns if c.is_required and c.name not in positions]
            if missing:
                raise Invalid(
                    _("The list lacks columns it needs."),
                    code="sheet.columns_missing",
                    details=missing,
                )
            rows = table[index + 1 :]
            return Sheet(columns, cells, rows, positions, file_name, content, index + 1)
    raise Invalid(
        _("No header row was found in the first ten lines. Start from the template."),
        code="sheet.no_header",
        details=[column.header for column in columns if column.is_required],
    )


def read_table(content: bytes) -> list[list[str]]:
    """All lines of a CSV or XLSX file as text cells, whatever its headers.

    Raises:
        Invalid: the file is neither.
    """
    return _read_workbook(content) if content.startswith(XLSX_MAGIC) else _read_text(content)


def _read_text(content: bytes) -> list[list[str]]:
    text = _decode(content)
    if "\x00" in text:
        raise Invalid(_("The file is neither CSV nor XLSX."), code="sheet.unknown_format")
    # The line with most of one separator decides: lines above a table may have none at all, and
    # decimal commas are fewer than the semicolons between them.
    lines = text[:8192].splitlines()
    delimiter = max(",;\t", key=lambda mark: max((line.count(mark) for line in lines), default=0))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return [[cell.strip() for cell in row] for row in reader]


def _decode(content: bytes) -> str:
    """UTF-8 if it is, UTF-16 if marked, else what Vietnamese Excel wrote before."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1258", errors="replace")


def _read_workbook(content: bytes) -> list[list[str]]:
    import fastexcel

    try:
        reader = fastexcel.read_excel(content)
        # Without skip_rows the empty lines above the first cell would be left out of the count.
        sheet = reader.load_sheet(0, header_row=None, skip_rows=0, dtypes="string")
        frame = sheet.to_polars()
    except (fastexcel.FastExcelError, ValueError) as error:
        raise Invalid(_("The workbook can not be opened."), code="sheet.broken_workbook") from error
    return [[_text(cell) for cell in row] for row in frame.iter_rows()]


def _text(cell: Any) -> str:
    text = "" if cell is None else str(cell).strip()
    return text[:-2] if _INTEGER_AS_FLOAT.match(text) else text


def answer_file(sheet: Sheet) -> bytes:
    """The uploaded file once more, with an error column; a row without errors has an empty cell."""
    if sheet.is_workbook:
        if len(sheet.cells) <= LARGEST_COPIED:
            return _answer_in_workbook(sheet)
        return write_workbook([*sheet.headers, ERROR_HEADER], _with_errors(sheet))
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*sheet.headers, ERROR_HEADER])
    writer.writerows([guard(cell) for cell in row] for row in _with_errors(sheet))
    return out.getvalue().encode("utf-8-sig")


def _with_errors(sheet: Sheet) -> Iterable[list[str]]:
    width = len(sheet.headers)
    for number, cells in enumerate(sheet.cells):
        padded = [*cells, *[""] * (width - len(cells))]
        yield [*padded, "; ".join(sheet.errors.get(number, []))]


def _answer_in_workbook(sheet: Sheet) -> bytes:
    import openpyxl
    from openpyxl.styles import Font, PatternFill

    workbook = openpyxl.load_workbook(io.BytesIO(sheet.content))
    page = workbook.worksheets[0]
    column = page.max_column + 1
    page.cell(sheet.header_line, column, ERROR_HEADER).font = Font(bold=True, color="B00020")
    tint = PatternFill("solid", fgColor="FDE7E9")
    for number, messages in sheet.errors.items():
        cell = page.cell(sheet.line(number), column, "; ".join(messages))
        cell.fill = tint
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def guard(cell: str) -> str:
    """A cell that a spreadsheet would run as a formula is made text."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def write_workbook(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """An XLSX of any length in little memory; every cell is text, so that no zero is lost."""
    import xlsxwriter

    out = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as workbook:
        bold = workbook.add_format({"bold": True, "bg_color": "#E6F0EE", "border": 1})
        page = workbook.add_worksheet()
        page.freeze_panes(1, 0)
        for position, header in enumerate(headers):
            page.set_column(position, position, max(12, len(header) + 4))
            page.write_string(0, position, header, bold)
        for number, row in enumerate(rows, start=1):
            for position, cell in enumerate(row):
                page.write_string(number, position, "" if cell is None else str(cell))
    return out.getvalue()


def template_file(columns: Sequence[Column]) -> bytes:
    """The template of a list, made from the importer's own schema: headers and an example row."""
    headers = [f"{column.header}{' *' if column.is_required else ''}" for column in columns]
    return write_workbook(headers, [[column.example for column in columns]])


def check_required(sheet: Sheet, number: int, row: Mapping[str, str]) -> bool:
    """Notes every required cell of a row that is empty; True if none is."""
    missing = [c.header for c in sheet.columns if c.is_required and not row.get(c.name)]
    for header in missing:
        sheet.add_error(number, _("«%(column)s» is missing", column=header))
    return not missing
