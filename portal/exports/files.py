"""Rows into CSV and XLSX of any length, in memory that does not grow with it."""

import csv
import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from portal import clock
from portal.errors import Invalid

Rows = Iterable[Sequence[Any]]

# The limit of the format, less the head row.
MAX_XLSX_ROWS = 1_048_575
# Spreadsheets run what begins so; a phone number or a name may begin so by malice.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def defused(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula, made text by a leading apostrophe."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def write_csv(path: Path, head: Sequence[str], rows: Rows) -> None:
    """UTF-8 with a byte order mark, which Excel needs to read Vietnamese."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([defused(text) for text in head])
        writer.writerows([defused(_plain(value)) for value in row] for row in rows)


def write_xlsx(path: Path, title: str, head: Sequence[str], rows: Rows) -> None:
    """One sheet, written row by row; texts are texts, days are days.

    Raises:
        Invalid: more rows than a sheet holds.
    """
    import xlsxwriter

    book = xlsxwriter.Workbook(
        str(path),
        {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
         "strings_to_numbers": False},
    )  # fmt: skip
    sheet = book.add_worksheet(_sheet_name(title))
    bold = book.add_format({"bold": True, "bottom": 1})
    day = book.add_format({"num_format": "dd/mm/yyyy"})
    instant = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
    sheet.freeze_panes(1, 0)
    for column, text in enumerate(head):
        sheet.write_string(0, column, text, bold)
        sheet.set_column(column, column, max(12, min(40, len(text) + 4)))
    try:
        for number, row in enumerate(rows, start=1):
            if number > MAX_XLSX_ROWS:
                raise Invalid(f"A sheet holds {MAX_XLSX_ROWS} rows at most; export as CSV.")
            for column, value in enumerate(row):
                _write_cell(sheet, number, column, value, day, instant)
    finally:
        book.close()


def _write_cell(sheet: Any, row: int, column: int, value: Any, day: Any, instant: Any) -> None:
    if value is None or value == "":
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value)
    elif isinstance(value, dt.datetime):
        sheet.write_datetime(row, column, clock.local(value).replace(tzinfo=None), instant)
    elif isinstance(value, dt.date):
        sheet.write_datetime(row, column, value, day)
    else:
        sheet.write_string(row, column, str(value))


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return clock.local(value).strftime("%d/%m/%Y %H:%M")
    if isinstance(value, dt.date):
        return value.strftime("%d/%m/%Y")
    return "" if value is None else value


def _sheet_name(title: str) -> str:
    return "".join(" " if sign in "[]:*?/\\" else sign for sign in title)[:31] or "1"
