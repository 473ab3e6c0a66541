"""A certificate's page: plain values in, PDF out. Knows nothing of samples or databases."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Self

from reports import pdf
from reports.qr import qr_address, symbol_address

# A change of template, stylesheet or fonts that moves a single pixel is a new number here;
# certificates remember the one they were made with. The old ones stay beside the new.
RENDERER = 3

# Renderer → template and stylesheet, and who draws the symbol.
_LAYOUTS: dict[int, tuple[str, Callable[[str], str]]] = {
    1: ("certificate-1", qr_address),
    2: ("certificate-2", symbol_address),
    RENDERER: ("certificate", symbol_address),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: label in Vietnamese and English, and the value."""

    label: str
    label_en: str
    value: str


@dataclass(frozen=True, slots=True)
class CertificatePage:
    """Everything that stands on the page, as finished texts.

    Attributes:
        parent_agency: head, left, first line; e.g. `SỞ Y TẾ …`.
        agency: head, left, second line, bold: who issues.
        number: `Số: …`.
        place_and_date: head, right, italic.
        title: bold, centred; `title_en` below it.
        rows: who, which sample, which steps at what time, by which method.
        outcome: the result itself, in words; `outcome_en` below it.
        is_alert: printed bold in capitals with a frame; negatives stand in ordinary letters.
        notes: what the result means, sentence by sentence.
        signer_title: over the place of the signature; `signer_name` below it.
        code: of this certificate, grouped for reading.
        verify_url: what the QR says; any telephone's camera opens it.
        verify_text: the same for people who type.
        issued_at: aware; the creation date of the file.
        watermark: across the page in training; empty in service.
    """

    parent_agency: str
    agency: str
    number: str
    place_and_date: str
    title: str
    title_en: str
    rows: tuple[Row, ...]
    outcome: str
    outcome_en: str
    is_alert: bool
    notes: tuple[str, ...]
    signer_title: str
    signer_name: str
    code: str
    verify_url: str
    verify_text: str
    issued_at: dt.datetime
    watermark: str = ""

    @property
    def shown_outcome(self) -> str:
        """The outcome as printed: one that must be seen stands in capitals."""
        return self.outcome.upper() if self.is_alert else self.outcome

    def to_snapshot(self) -> dict[str, Any]:
        """Plain JSON values; `from_snapshot` makes the same page of them."""
        # Not `asdict`, which copies every row and note before they are made plain here.
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values["rows"] = [[row.label, row.label_en, row.value] for row in self.rows]
        values["notes"] = list(self.notes)
        values["issued_at"] = self.issued_at.astimezone(dt.UTC).isoformat()
        return values

    @classmethod
    def from_snapshot(cls, snapshot: dict[str, Any]) -> Self:
        """The page of a stored snapshot; keys that are not of the page are left alone."""
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in snapshot.items() if name in known}
        values["rows"] = tuple(Row(*row) for row in values["rows"])
        values["notes"] = tuple(values["notes"])
        values["issued_at"] = dt.datetime.fromisoformat(values["issued_at"])
        return cls(**values)


def identity_of(page: CertificatePage, renderer: int = RENDERER) -> str:
    """What the file is, whatever it says."""
    return f"certificate {page.code} renderer {renderer}"


def lay_out(page: CertificatePage, renderer: int = RENDERER) -> Any:
    """WeasyPrint's document of the page."""
    name, symbol = _LAYOUTS[renderer]
    return pdf.lay_out(
        f"{name}.html",
        f"{name}.css",
        stamp=pdf.w3c_instant(page.issued_at),
        page=page,
        qr=symbol(page.verify_url),
    )


def render_certificate(page: CertificatePage, renderer: int = RENDERER) -> bytes:
    """The page as PDF/A-3a and PDF/UA-1, by WeasyPrint; the same page gives the same bytes."""
    return pdf.write(lay_out(page, renderer), identity_of(page, renderer))
