"""The results of many people as one official list: plain values in, PDF out."""

import datetime as dt
from dataclasses import dataclass

from reports import pdf


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """A line of the list; `is_alert` prints the outcome bold and in capitals."""

    full_name: str
    born: str
    sex: str
    address: str
    code: str
    outcome: str
    is_alert: bool = False


@dataclass(frozen=True, slots=True)
class ResultListPage:
    """Everything that stands on the list, as finished texts (layout: Decree 30/2020, annex I).

    Attributes:
        parent_agency: head, left, first line; `agency` below it, bold: who issues.
        number: number and sign of the document, e.g. `Số: 12/DS-TTYT`.
        place_and_date: head, right, italic.
        title: bold, centred; `subject` below it, then both in English.
        rows: one a person, in the order printed.
        totals: outcome in words and how many, below the table.
        notes: what the words in the list mean.
        recipients: who gets the document.
        signer_title: over the place of the signature; `signer_name` below it.
        issued_at: aware; the creation date of the file.
        watermark: across the page in training; empty in service.
    """

    parent_agency: str
    agency: str
    number: str
    place_and_date: str
    title: str
    title_en: str
    subject: str
    subject_en: str
    rows: tuple[ListedPerson, ...]
    totals: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]
    recipients: tuple[str, ...]
    signer_title: str
    signer_name: str
    issued_at: dt.datetime
    watermark: str = ""


def render_result_list(page: ResultListPage, identity: str) -> bytes:
    """The list as PDF/A-3a and PDF/UA-1; the same page and identity give the same bytes."""
    return pdf.render(
        "result_list.html",
        "result_list.css",
        identity=f"result list {identity}",
        made_at=page.issued_at,
        page=page,
    )
