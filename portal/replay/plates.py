"""Three files as laboratories' instruments write them, for any list of tubes."""

import io

import xlsxwriter

GENES = ("N", "ORF1ab", "IC")


def long_csv(tubes: dict[str, str]) -> bytes:
    """A line a well and gene, metadata above, Ct with points, «Undetermined», no outcome column."""
    lines = [
        "* Block Type = 96-Well 0.2-mL Block",
        "* Experiment Run End Time = 2026-08-01 10:14:33 AM ICT",
        "* Instrument Name = 272322045",
        "",
        "[Results]",
        "",
        "Well,Well Position,Omit,Sample Name,Target Name,Task,Reporter,Quencher,CT,Ct Mean",
    ]
    ct = {
        "positive": ("24.113", "25.870", "27.001"),
        "negative": ("Undetermined", "Undetermined", "28.442"),
        "invalid": ("Undetermined", "Undetermined", "Undetermined"),
    }
    wells = [*tubes.items(), ("PC", "positive"), ("NTC", "negative")]
    for number, (name, outcome) in enumerate(wells):
        well = f"{chr(65 + number % 8)}{number // 8 + 1}"
        for gene, value in zip(GENES, ct[outcome], strict=True):
            lines.append(f"{number + 1},{well},false,{name},{gene},UNKNOWN,FAM,NFQ-MGB,{value},")
    return "\r\n".join(lines).encode("utf-8-sig")


def wide_workbook(tubes: dict[str, str]) -> bytes:
    """A line a well, a Ct column a gene, Vietnamese words, controls named «Chứng …»."""
    words = {
        "positive": "Dương tính",
        "negative": "Âm tính",
        "inconclusive": "Nghi ngờ",
        "invalid": "Không hợp lệ",
    }
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as workbook:
        page = workbook.add_worksheet("Kết quả")
        page.write(0, 0, "PHÒNG XÉT NGHIỆM SINH HỌC PHÂN TỬ")
        page.write_row(2, 0, ["Vị trí", "Mã mẫu", "Ct (N)", "Ct (ORF1ab)", "Ct (IC)", "Kết luận"])
        wells = [("Chứng dương", "positive"), ("Chứng âm", "negative"), *tubes.items()]
        for number, (name, outcome) in enumerate(wells):
            is_positive = outcome == "positive"
            row: list[object] = [f"{chr(65 + number % 8)}{number // 8 + 1:02d}", name]
            row += [24.5, 26.25] if is_positive else ["", "Undetermined"]
            page.write_row(3 + number, 0, [*row, 28.1, words[outcome]])
    return out.getvalue()


def semicolon_csv(tubes: dict[str, str], repeats: dict[str, str] | None = None) -> bytes:
    """Semicolons, decimal commas, English words, repeats, controls only by their wells."""
    words = {
        "positive": "Detected",
        "negative": "Not detected",
        "inconclusive": "Indeterminate",
        "invalid": "INVALID",
    }
    lines = ["Position;Barcode;Rep;N Ct;E Ct;Interpretation"]
    wells = [*tubes.items(), *(repeats or {}).items()]
    for number, (name, outcome) in enumerate(wells):
        well = f"{chr(65 + number % 8)}{number // 8 + 1}"
        values = "31,75;33,2" if outcome == "positive" else "ND;ND"
        lines.append(f"{well};{name};{1 + (number >= len(tubes))};{values};{words[outcome]}")
    lines.append("G12;;1;22,4;23,9;Detected")
    lines.append("H12;;1;ND;ND;Not detected")
    return "\n".join(lines).encode("utf-8")


SEMICOLON_MAPPING = {
    "headers": {"code": "Barcode", "repeat": "Rep"},
    "controls": {"positive": ["G12"], "negative": ["H12"]},
}
