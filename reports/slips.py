"""Small papers: first-login slips to cut apart, and sheets of tube labels."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from reports import pdf
from reports.qr import qr_address

# Papers that are thrown away after use carry no day of their own: the bytes stay comparable.
_UNDATED = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class LoginSlip:
    """One staff member's first login.

    Attributes:
        full_name: as on the staff list.
        site_name: where they work.
        username: login name.
        code: the one-time code, shown here and nowhere else.
        url: address of the portal.
        valid_until: last day of the code.
    """

    full_name: str
    site_name: str
    username: str
    code: str
    url: str
    valid_until: dt.date


def login_slips(rows: Sequence[LoginSlip]) -> bytes:
    """A PDF of slips, eight on an A4 page, to be cut apart and handed over."""
    return pdf.render(
        "login_slips.html",
        "slips.css",
        identity="login slips",
        made_at=_UNDATED,
        rows=[(row, f"{row.code[:4]} {row.code[4:8]} {row.code[8:]}") for row in rows],
    )


def label_sheet(codes: Sequence[str]) -> bytes:
    """A PDF of tube labels, 65 on an A4 page (38 × 21 mm), each with its code as QR and text."""
    return pdf.render(
        "label_sheet.html",
        "slips.css",
        identity="tube labels",
        made_at=_UNDATED,
        codes=[(code, qr_address(code, error="m")) for code in codes],
    )
