"""What an analyser's file says: from rows of cells to one reading a tube. Pure.

Two shapes are read. Wide: a line a well, a Ct column a gene, an interpretation. Long: a line a
well and gene. What a column is called and which words mean what is a laboratory's saved mapping;
the defaults know the usual Vietnamese and English words.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _

from core_rs import fold_name
from portal.results.rules import Control
from portal.samples.rules import Outcome, clean_code
from portal.web.sheets import Column, header_key

# Folded words (no tones, lower case) that laboratories write for an outcome.
WORDS: dict[str, Outcome] = {
    word: outcome
    for outcome, words in {
        Outcome.NEGATIVE: "am|am tinh|neg|negative|not detected|nd|-|khong phat hien|undetected",
        Outcome.POSITIVE: "duong|duong tinh|pos|positive|detected|+|phat hien",
        Outcome.INCONCLUSIVE: "inc|inconclusive|indeterminate|equivocal|nghi ngo|khong xac dinh"
        "|can lap lai|presumptive",
        Outcome.INVALID: "inv|invalid|null|khong hop le|that bai|failed|error",
    }.items()
    for word in words.split("|")
}
NOTHING_DETECTED = frozenset(
    {"", "undetermined", "undetected", "und", "nd", "na", "nan", "khong co", "-", "neg", "n/a"}
)
POSITIVE_NAMES = ("pc", "pos", "positive control", "chung duong", "chung (+)", "ptc")
NEGATIVE_NAMES = ("nc", "neg", "negative control", "chung am", "chung (-)", "ntc", "blank")

COLUMNS = (
    Column("well", "Giếng", ("Well", "Vị trí", "Position", "Pos"), example="A1"),
    # Where a file has both, «Well» is a running number and «Well Position» the well.
    Column("well_position", "Well Position"),
    Column(
        "code",
        "Mã ống",
        ("Sample Name", "Sample", "Sample ID", "Mã mẫu", "Mã bệnh phẩm", "Barcode", "Tube code"),
        is_required=True,
        example="DNG2008010000017",
    ),
    Column(
        "outcome",
        "Kết quả",
        ("Result", "Interpretation", "Call", "Final Call", "Kết luận", "Outcome"),
        example="Âm tính",
    ),
    Column("target", "Gen", ("Target", "Target Name", "Detector", "Gene", "Fluor target")),
    Column("ct", "Ct", ("CT", "Cq", "Cт", "Giá trị Ct", "Ct Value")),
    Column("repeat", "Lần", ("Repeat", "Replicate", "Lần chạy", "Run no", "Rep")),
)
WELL = re.compile(r"^([A-H])0?([1-9]|1[0-2])$", re.IGNORECASE)
# The kind of a well («Task», «Sample Type»): read only where a laboratory says which column it is.
CONTROL_COLUMN = Column("control", "Task")
NUMBER = re.compile(r"^\d{1,2}([.,]\d+)?$")
GENE_HEADER = re.compile(
    r"^(?:ct|cq)\s*[(:_-]?\s*([A-Za-z0-9/ ]{1,12}?)\)?$"
    r"|^([A-Za-z0-9/]{1,12})\s*[-_ (]\s*(?:ct|cq)\)?$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FileMapping:
    """A laboratory's saved mapping, from `AnalyserMapping.columns`.

    Attributes:
        headers: column (`code`, `well`, `outcome`, `target`, `ct`, `repeat`) → header in the file.
        genes: header of a Ct column → gene, for the wide shape.
        words: folded word → outcome, beside the defaults.
        positive_control, negative_control: wells or sample names of the controls.
        internal_control: the gene that must come up in every well; empty: none.
        cut_off: Ct above which a gene counts as not detected, where no outcome is written.
        is_exact: only the mapped headers are read; the usual words for headers are left aside.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    genes: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Outcome] = field(default_factory=dict)
    positive_control: tuple[str, ...] = ()
    negative_control: tuple[str, ...] = ()
    internal_control: str = "IC"
    cut_off: float = 38.0
    is_exact: bool = False

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "FileMapping":
        """From the JSON of an `AnalyserMapping`; unknown keys are left aside."""
        controls = stored.get("controls", {})
        return cls(
            headers=dict(stored.get("headers", {})),
            genes=dict(stored.get("genes", {})),
            words={
                fold_name(word): Outcome(outcome)
                for word, outcome in stored.get("words", {}).items()
            },
            positive_control=tuple(controls.get("positive", ())),
            negative_control=tuple(controls.get("negative", ())),
            internal_control=stored.get("internal_control", "IC"),
            cut_off=float(stored.get("cut_off", 38.0)),
            is_exact=bool(stored.get("is_exact", False)),
        )

    def columns(self) -> list[Column]:
        """The columns to look for: the laboratory's header first, the usual ones after."""
        if self.is_exact:
            named = [
                Column(column.name, self.headers[column.name], is_required=column.is_required)
                for column in (*COLUMNS, CONTROL_COLUMN)
                if column.name in self.headers
            ]
            return named + [Column(f"gene {header}", header) for header in self.genes]
        return [
            Column(
                column.name,
                self.headers.get(column.name, column.header),
                (column.header, *column.synonyms),
                column.is_required,
            )
            for column in COLUMNS
        ]

    def positions(self, headers: Sequence[str]) -> dict[str, int]:
        """Where the mapped headers stand in an exact mapping: the choice, never a usual word."""
        found: dict[str, int] = {}
        for position, header in enumerate(headers):
            for name, wanted in self.headers.items():
                if header_key(wanted) == header_key(header):
                    found.setdefault(name, position)
        return found


@dataclass(slots=True)
class WellReading:
    """One well, or one line of the file: row number, code, and what was read."""

    row: int
    code: str
    well: str
    repeat: int
    outcome: Outcome | None
    ct_values: dict[str, float | None]
    marker: str = ""


@dataclass(slots=True)
class Plate:
    """A read file: readings by tube code, controls, and every problem by row.

    `warnings` stop nothing (a repeat that replaced another, an unknown tube), `errors` do.
    """

    readings: dict[str, WellReading] = field(default_factory=dict)
    positive_control: str = Control.UNSET
    negative_control: str = Control.UNSET
    errors: dict[int, list[str]] = field(default_factory=dict)
    warnings: dict[int, list[str]] = field(default_factory=dict)

    def add_error(self, row: int, message: str) -> None:
        """Notes a problem that must be mended first."""
        self.errors.setdefault(row, []).append(message)

    def add_warning(self, row: int, message: str) -> None:
        """Notes something to know."""
        self.warnings.setdefault(row, []).append(message)


def gene_columns(headers: Sequence[str], mapping: FileMapping) -> dict[int, str]:
    """Position → gene of the Ct columns of a wide file: mapped ones, else «Ct N», «ORF1ab Ct»."""
    if mapping.genes:
        wanted = {fold_name(header): gene for header, gene in mapping.genes.items()}
        return {
            position: wanted[fold_name(header)]
            for position, header in enumerate(headers)
            if fold_name(header) in wanted
        }
    found = {}
    for position, header in enumerate(headers):
        match = GENE_HEADER.match(header.strip())
        gene = (match.group(1) or match.group(2) or "").strip() if match else ""
        if gene and fold_name(gene) not in {"value", "gia tri"}:
            found[position] = gene
    return found


def read_plate(
    rows: Iterable[tuple[int, Mapping[str, str], Sequence[str]]],
    headers: Sequence[str],
    mapping: FileMapping,
) -> Plate:
    """Reads a file.

    Args:
        rows: row number, cells by column name, all cells.
        headers: the header row.
        mapping: the laboratory's.
    """
    plate = Plate()
    listed = list(rows)
    is_long = any(cells.get("target") for _number, cells, _every in listed)
    genes = {} if is_long else gene_columns(headers, mapping)
    wells = _merge_genes(
        [_read_row(plate, *row, genes, mapping) for row in listed], is_long=is_long
    )
    samples: dict[str, list[WellReading]] = {}
    for reading in wells:
        sign = _control_sign(reading, mapping)
        if reading.outcome is None:
            reading.outcome = _interpret(plate, reading, mapping, is_control=sign != "")
        if sign:
            _read_control(plate, reading, sign)
        elif reading.code:
            samples.setdefault(clean_code(reading.code), []).append(reading)
        else:
            plate.add_error(reading.row, _("No tube code in well %(well)s.", well=reading.well))
    for code, readings in samples.items():
        chosen = _choose(plate, readings)
        if chosen is not None:
            plate.readings[code] = chosen
    return plate


def _read_row(
    plate: Plate,
    number: int,
    cells: Mapping[str, str],
    every: Sequence[str],
    genes: Mapping[int, str],
    mapping: FileMapping,
) -> WellReading:
    well = _read_well(plate, number, cells.get("well_position") or cells.get("well", ""))
    ct_values = {
        gene: _read_ct(plate, number, gene, every[position] if position < len(every) else "")
        for position, gene in genes.items()
    }
    if not genes and (cells.get("ct") or cells.get("target")):
        gene = cells.get("target") or "Ct"
        ct_values[gene] = _read_ct(plate, number, gene, cells.get("ct", ""))
    word = fold_name(cells.get("outcome", "")) or cells.get("outcome", "").strip()
    outcome = mapping.words.get(word) or WORDS.get(word)
    if word and outcome is None:
        plate.add_error(
            number, _("«%(word)s» is no outcome this laboratory uses.", word=cells["outcome"])
        )
        outcome = Outcome.REJECTED  # a mark that this row was complained of; never stored
    repeat = cells.get("repeat", "")
    if repeat and not repeat.isdigit():
        plate.add_error(number, _("«%(word)s» is no number of a repeat.", word=repeat))
        repeat = ""
    return WellReading(
        number,
        cells.get("code", ""),
        well,
        int(repeat or 1),
        outcome,
        ct_values,
        marker=cells.get("control", ""),
    )


def _read_well(plate: Plate, number: int, text: str) -> str:
    match = WELL.match(text.strip())
    if match:
        return f"{match.group(1).upper()}{match.group(2)}"
    if text.strip() and not text.strip().isdigit():
        plate.add_error(number, _("«%(well)s» is no well of a plate.", well=text))
    return text.strip()


def _read_ct(plate: Plate, number: int, gene: str, text: str) -> float | None:
    if text.strip().lower() in NOTHING_DETECTED or fold_name(text) in NOTHING_DETECTED:
        return None
    if not NUMBER.match(text.strip()):
        plate.add_error(number, _("Ct «%(text)s» of %(gene)s is no number.", text=text, gene=gene))
        return None
    value = float(text.strip().replace(",", "."))
    return value or None


def _merge_genes(rows: list[WellReading], *, is_long: bool) -> list[WellReading]:
    """Lines of one well and code become one reading (long shape)."""
    if not is_long:
        return rows
    merged: dict[tuple[str, str, int], WellReading] = {}
    for row in rows:
        if not row.well:
            merged["", row.code, row.row] = row
            continue
        first = merged.setdefault((row.well, row.code, row.repeat), row)
        if first is not row:
            first.ct_values |= row.ct_values
            first.outcome = first.outcome or row.outcome
    return list(merged.values())


def _control_sign(reading: WellReading, mapping: FileMapping) -> str:
    names = {
        fold_name(text) or text.strip().lower() for text in (reading.code, reading.marker) if text
    }
    names |= {name.rstrip("0123456789 ") for name in names}
    for sign, mapped, usual in (
        ("positive", mapping.positive_control, POSITIVE_NAMES),
        ("negative", mapping.negative_control, NEGATIVE_NAMES),
    ):
        wanted = [fold_name(word) or word.lower() for word in mapped] or list(usual)
        if reading.well.lower() in wanted or not names.isdisjoint(wanted):
            return sign
    return ""


def _interpret(
    plate: Plate, reading: WellReading, mapping: FileMapping, *, is_control: bool
) -> Outcome | None:
    """The outcome by Ct, for files without an interpretation."""
    if not reading.ct_values:
        if reading.code or reading.well:
            plate.add_error(reading.row, _("Neither an outcome nor a Ct value."))
        return None
    internal = mapping.internal_control.lower()
    targets = {g: ct for g, ct in reading.ct_values.items() if g.lower() != internal}
    hits = sum(ct is not None and ct <= mapping.cut_off for ct in targets.values())
    internal_ct = [ct for g, ct in reading.ct_values.items() if g.lower() == internal]
    if hits:
        return Outcome.POSITIVE if hits * 2 >= len(targets) else Outcome.INCONCLUSIVE
    if internal_ct and internal_ct[0] is None and not is_control:
        return Outcome.INVALID
    return Outcome.NEGATIVE


def _read_control(plate: Plate, reading: WellReading, sign: str) -> None:
    wanted = Outcome.POSITIVE if sign == "positive" else Outcome.NEGATIVE
    has_passed = reading.outcome == wanted
    name = f"{sign}_control"
    if getattr(plate, name) != Control.FAILED:
        setattr(plate, name, Control.PASSED if has_passed else Control.FAILED)
    if not has_passed:
        plate.add_warning(reading.row, _("This control failed: the run can not be released."))


def _choose(plate: Plate, readings: list[WellReading]) -> WellReading | None:
    """The one reading of a tube that stands in several wells."""
    usable = [reading for reading in readings if reading.outcome is not None]
    if not usable:
        return None
    last = max(reading.repeat for reading in usable)
    current = [reading for reading in usable if reading.repeat == last]
    for reading in usable:
        if reading.repeat < last:
            plate.add_warning(reading.row, _("Replaced by repeat %(number)s.", number=last))
    plain = [r for r in current if r.outcome in {Outcome.NEGATIVE, Outcome.POSITIVE}] or current
    if len({reading.outcome for reading in plain}) > 1:
        wells = ", ".join(reading.well or str(reading.row + 1) for reading in plain)
        for reading in plain:
            plate.add_error(
                reading.row, _("The wells %(wells)s of this tube disagree.", wells=wells)
            )
        return None
    return min(plain, key=lambda r: min((c for c in r.ct_values.values() if c), default=99.0))
