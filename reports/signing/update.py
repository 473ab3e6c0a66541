"""A signature field as an incremental update of a paper that WeasyPrint wrote.

No picture, outside the page, so that PDF/A and PDF/UA hold after signing.
"""

import datetime as dt
import io
import re
from typing import Any

import pikepdf

from reports.signing.keys import SigningError

# Stands in place of the byte range until the lengths are known.
RANGE_MARK = b"0000000000 1111111111 2222222222 3333333333"


def field_update(pdf: bytes, at: dt.datetime, contents: int) -> tuple[bytes, int]:
    """The update that adds a signature field, and where in it the hole for the CMS begins.

    Args:
        pdf: an unsigned paper as `reports.pdf` writes it.
        at: aware; the time of signing that readers show.
        contents: bytes kept for the CMS.
    """
    with pikepdf.open(io.BytesIO(pdf)) as document:
        root, page = document.Root, document.pages[0].obj
        if "/AcroForm" in root:
            message = "the paper has a form already"
            raise SigningError(message)
        next_number = int(document.trailer["/Size"])
        field, signature, table = next_number, next_number + 1, next_number + 2
        root_number, page_number = root.objgen[0], page.objgen[0]
        annotations = b" ".join(
            f"{link.objgen[0]} 0 R".encode() for link in page.get("/Annots", [])
        )
        new_root = _with(root, b"/AcroForm<</Fields[%d 0 R]/SigFlags 3>>" % field)
        bare_page = {key: value for key, value in page.items() if key != "/Annots"}
        new_page = _with(
            pikepdf.Dictionary(bare_page), b"/Annots[%s %d 0 R]" % (annotations, field)
        )
        info = document.trailer.get("/Info")
        info_entry = f"/Info {info.objgen[0]} 0 R".encode() if info is not None else b""
        identifier = document.trailer["/ID"].unparse()
    previous = int(re.findall(rb"startxref\s+(\d+)", pdf[-64:])[-1])
    stamp = at.astimezone(dt.UTC).strftime("D:%Y%m%d%H%M%SZ").encode()
    widget = (
        b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Signature)/TU(Digital signature)"
        b"/F 132/Rect[-9 -9 -9 -9]/P %d 0 R/V %d 0 R>>" % (page_number, signature)
    )
    before = (
        b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/M(%s)"
        b"/ByteRange[%s]/Contents" % (stamp, RANGE_MARK)
    )
    objects = {root_number: new_root, page_number: new_page, field: widget}
    out = bytearray(b"\n")
    offsets: dict[int, int] = {}
    for number, body in objects.items():
        offsets[number] = len(pdf) + len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    offsets[signature] = len(pdf) + len(out)
    out += b"%d 0 obj\n%s" % (signature, before)
    hole = len(out)
    out += b"<" + b"0" * (2 * contents) + b">>>\nendobj\n"
    offsets[table] = len(pdf) + len(out)
    out += _cross_references(offsets, table, previous, root_number, info_entry, identifier)
    out += b"startxref\n%d\n%%%%EOF\n" % offsets[table]
    return bytes(out), hole


def _with(dictionary: Any, entry: bytes) -> bytes:
    """The dictionary's text with one entry more."""
    text: bytes = dictionary.unparse(resolved=True)
    return text.rstrip()[:-2] + entry + b">>"


def _cross_references(
    offsets: dict[int, int],
    table: int,
    previous: int,
    root: int,
    info: bytes,
    identifier: bytes,
) -> bytes:
    """A cross-reference stream: the papers have one, so an update must have one too."""
    numbers = sorted(offsets)
    index = b" ".join(b"%d 1" % number for number in numbers)
    rows = b"".join(b"\x01" + offsets[number].to_bytes(4, "big") + b"\x00" for number in numbers)
    return (
        b"%d 0 obj\n<</Type/XRef/Size %d/W[1 4 1]/Index[%s]/Prev %d/Root %d 0 R%s/ID%s"
        b"/Length %d>>\nstream\n%s\nendstream\nendobj\n"
        % (table, table + 1, index, previous, root, info, identifier, len(rows), rows)
    )
