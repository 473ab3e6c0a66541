"""Uploaded lists as people make them: titles above the headers, empty lines and columns."""

import io

import openpyxl
import pytest

from portal.web import sheets

COLUMNS = (
    sheets.Column("name", "Họ và tên", is_required=True),
    sheets.Column("phone", "Số điện thoại", is_required=True),
)


def workbook(cells: dict[str, object]) -> bytes:
    made = openpyxl.Workbook()
    for place, value in cells.items():
        made.active[place] = value
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def answered(sheet: sheets.Sheet) -> list[tuple[object, ...]]:
    book = openpyxl.load_workbook(io.BytesIO(sheets.answer_file(sheet)))
    return list(book.worksheets[0].iter_rows(values_only=True))


@pytest.mark.parametrize(("first", "second"), [("A", "B"), ("B", "C"), ("D", "E")])
def test_a_workbook_gets_its_errors_beside_the_rows_they_speak_of(first: str, second: str) -> None:
    content = workbook(
        {
            f"{first}3": "SỞ Y TẾ",
            f"{first}5": "Họ và tên",
            f"{second}5": "Số điện thoại",
            f"{first}6": "Nguyễn An",
            f"{second}6": 905123456,
            f"{first}8": "Trần Bình",
        }
    )
    sheet = sheets.read_sheet(COLUMNS, "list.xlsx", content)
    rows = dict(sheet.rows())
    assert [row["name"] for row in rows.values()] == ["Nguyễn An", "Trần Bình"]
    assert [sheet.line(number) for number in rows] == [6, 8]
    for number, row in rows.items():
        sheets.check_required(sheet, number, row)
    lines = answered(sheet)
    assert lines[4][-1] == "Lỗi"
    assert [bool(line[-1]) for line in lines[5:8]] == [False, False, True]


def test_the_lines_of_a_csv_file_are_counted_as_a_spreadsheet_counts_them() -> None:
    text = "SỞ Y TẾ\n\nHọ và tên,Số điện thoại\nNguyễn An,0905123456\n\nTrần Bình,\n"
    sheet = sheets.read_sheet(COLUMNS, "list.csv", text.encode())
    assert [sheet.line(number) for number, _row in sheet.rows()] == [4, 6]
