"""A file of stand-ins, cut into what is the same for everybody and the places of the values."""

import datetime as dt
import io
import re
import zlib
from collections.abc import Sequence
from typing import Any

import pikepdf

from reports.certificate.fonts import (
    CMAP_HEAD,
    CMAP_TAIL,
    FILES,
    UnfitError,
    base_name,
    embed,
    face_of,
    retag,
)
from reports.certificate.values import Extra

# The order in which `core_rs` knows the faces.
FACES = tuple(FILES)
STAND_IN_DAY = dt.datetime(1999, 12, 31, 23, 59, 58, tzinfo=dt.UTC)
_DATES = {"19991231235958": Extra.INFO_DATE, "1999-12-31T23:59:58Z": Extra.XMP_DATE}
_RUN = re.compile(
    rb"1 0 0 -1 (\S+) (\S+) Tm\n(?:/(\w+) (\S+) Tf\n)?\[([^\]]*)\] TJ",
)

# A piece as `core_rs.PaperDesign.add_shape` takes it: kind, two numbers, bytes.
Piece = tuple[str, int, int, bytes]
Part = tuple[int, str, bytes, list[Piece], int]


def _fixed(text: bytes) -> Piece:
    return ("fixed", 0, 0, text)


class Cut:
    """Takes a laid out file apart.

    Args:
        file: as WeasyPrint wrote it.
        lines: the stand-ins of each slot, line by line.
        letters: what each face shall hold; None where each paper cuts its own.

    Raises:
        UnfitError: it needs a font beside the four, or shows what is no letter of theirs.
    """

    def __init__(
        self, file: bytes, lines: Sequence[Sequence[str]], letters: dict[str, frozenset[str]] | None
    ) -> None:
        self._pdf = pikepdf.open(io.BytesIO(file))
        self._lines = {text: (s, n) for s, slot in enumerate(lines) for n, text in enumerate(slot)}
        # Whole values, longest first: the first line of a value is not the value.
        whole = {" ".join(slot): number for number, slot in enumerate(lines) if slot}
        self._marks = sorted(whole.items(), key=lambda item: -len(item[0]))
        self._after_slots = len(lines)
        page = self._pdf.pages[0]
        self._faces = {str(name)[1:]: base_name(font) for name, font in page.Resources.Font.items()}
        self._fixed_glyphs: dict[str, set[int]] = {name: set() for name in FILES}
        self._font_parts: dict[int, Part] = {}
        for font in page.Resources.Font.values():
            if letters is None:
                self._font_parts |= _parts_of_font(font)
            else:
                embed(font, letters[base_name(font)])

    def add_to(
        self, design: Any, counts: Sequence[int], centred: Sequence[bool], *, is_signed: bool
    ) -> None:
        """Gives the design its shape for these numbers of lines."""
        pdf, page = self._pdf, self._pdf.pages[0]
        signature = self._add_field() if is_signed else None
        parts: list[Part] = [(page.Contents.objgen[0], "deflated", b"", self._content(centred), 0)]
        fixed: dict[int, Any] = {}
        for entry in pdf.objects:
            if not isinstance(entry, pikepdf.Object) or not entry.is_indirect:
                continue
            number = entry.objgen[0]
            if number in {page.Contents.objgen[0], signature}:
                continue
            part = self._font_parts.get(number) or self._part(number, entry)
            if part is not None:
                parts.append(part)
            elif not _is_container(entry):
                fixed[number] = entry
        prefix, rows = _prefix(fixed, len(pdf.objects))
        info = pdf.trailer.Info.objgen[0]
        trailer = b"/Root %d 0 R/Info %d 0 R" % (pdf.Root.objgen[0], info)
        design.add_shape(
            list(counts),
            prefix=prefix,
            rows=rows,
            parts=parts,
            fixed_glyphs=[sorted(self._fixed_glyphs[name]) for name in FACES],
            signature=None if signature is None else (signature, self._extra(Extra.SIGNING_DATE)),
            trailer=trailer,
            identifier=self._extra(Extra.IDENTIFIER),
        )

    def _extra(self, which: Extra) -> int:
        return self._after_slots + which

    def _add_field(self) -> int:
        """A field outside the page for the signature; gives the number of the signature."""
        pdf, page = self._pdf, self._pdf.pages[0]
        value = pdf.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.Sig))
        widget = pdf.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.Annot,
                Subtype=pikepdf.Name.Widget,
                FT=pikepdf.Name.Sig,
                T="Signature",
                TU="Digital signature",
                F=132,
                Rect=[-9, -9, -9, -9],
                P=page.obj,
                V=value,
            )
        )
        annotations = list(page.get("/Annots", []))
        page.Annots = pikepdf.Array([*annotations, widget])
        pdf.Root.AcroForm = pikepdf.Dictionary(Fields=[widget], SigFlags=3)
        number: int = value.objgen[0]
        return number

    def _content(self, centred: Sequence[bool]) -> list[Piece]:
        """The page's stream, cut at the runs of stand-ins."""
        content = self._pdf.pages[0].Contents.read_bytes()
        pieces, done, seen = [], 0, set()
        current = b""
        for run in _RUN.finditer(content):
            x, y, font, size, glyphs = run.groups()
            current = font or current  # a font that stays is not said again
            text = self._text(current.decode(), glyphs)
            pieces.append(_fixed(content[done : run.start()]))
            done = run.end()
            place = self._lines.get(text)
            choice = b"/%s %s Tf\n" % (font, size) if font else b""
            head = b" %s Tm\n%s<" % (y, choice)
            if place is None:
                digits = b"".join(re.findall(rb"<([^>]*)>", glyphs))
                self._keep(current.decode(), digits.decode())
                pieces.append(_fixed(b"1 0 0 -1 " + x + head + digits + b"> Tj"))
                continue
            slot, line = place
            seen.add(place)
            if centred[slot]:
                pieces += [_fixed(b"1 0 0 -1 "), ("start", slot, line, b""), _fixed(head)]
            else:
                pieces.append(_fixed(b"1 0 0 -1 " + x + head))
            pieces += [("glyphs", slot, line, b""), _fixed(b"> Tj")]
        pieces.append(_fixed(content[done:]))
        if seen != set(self._lines.values()):
            message = f"stand-ins are not on the page: {set(self._lines.values()) - seen}"
            raise AssertionError(message)
        return _joined(pieces)

    def _keep(self, font: str, digits: str) -> None:
        """Notes the glyphs of a run that is the same for everybody."""
        name = self._faces[font]
        glyphs = {int(digits[at : at + 4], 16) for at in range(0, len(digits), 4)}
        if not glyphs <= face_of(name).letters.keys():
            message = "a text of the page has signs that stand for no letter of their own"
            raise UnfitError(message)
        self._fixed_glyphs[name] |= glyphs

    def _text(self, font: str, glyphs: bytes) -> str:
        """What a run says; kerning would mean that letters do not stand where they are put."""
        if set(re.sub(rb"<[^>]*>", b"", glyphs)) - set(b"0"):
            message = "a run of text is kerned"
            raise AssertionError(message)
        digits = b"".join(re.findall(rb"<([^>]*)>", glyphs)).decode()
        letters = face_of(self._faces[font]).letters
        numbers = [int(digits[at : at + 4], 16) for at in range(0, len(digits), 4)]
        return "".join(letters.get(number, "\0") for number in numbers)

    def _part(self, number: int, entry: Any) -> Part | None:
        """An object with a value of the person in it; None for the others."""
        if isinstance(entry, pikepdf.Stream):
            if entry.get("/Subtype") == pikepdf.Name.Image:
                return self._symbol(number, entry)
            if entry.get("/Type") == pikepdf.Name.Metadata:
                entries = b"/Type/Metadata/Subtype/XML"
                pieces = self._marked(entry.read_bytes().decode(), "xml")
                return (number, "stream", entries, pieces, 0)
            return None
        if not isinstance(entry, pikepdf.Dictionary):
            return None
        texts = {
            key: str(value) for key, value in entry.items() if isinstance(value, pikepdf.String)
        }
        marked = {key for key, text in texts.items() if self._has_mark(text)}
        if not marked:
            return None
        pieces = [_fixed(b"<<")]
        for key, value in entry.items():
            pieces.append(_fixed(key.encode() + b" "))
            if key not in marked:
                pieces.append(_fixed(_reference(value)))
            elif key.endswith("Date"):
                pieces += [_fixed(b"("), *self._marked(texts[key], "plain"), _fixed(b")")]
            else:
                pieces += [_fixed(b"<feff"), *self._marked(texts[key], "utf16"), _fixed(b">")]
        pieces.append(_fixed(b">>"))
        return (number, "object", b"", _joined(pieces), 0)

    def _symbol(self, number: int, entry: Any) -> Part:
        entries = b"/Type/XObject/Subtype/Image/ColorSpace/DeviceGray/BitsPerComponent 8"
        if str(entry.ColorSpace) != "/DeviceGray" or "/SMask" in entry:
            message = "the symbol is not a plain gray picture"
            raise AssertionError(message)
        entries += b"/Interpolate false"
        return (number, "symbol", entries, [], self._extra(Extra.VERIFY_URL))

    def _has_mark(self, text: str) -> bool:
        return any(mark in text for mark, _ in self._marks) or any(d in text for d in _DATES)

    def _marked(self, text: str, encoding: str) -> list[Piece]:
        """A text cut at whole values and dates."""
        values = dict(self._marks)
        values |= {date: self._extra(which) for date, which in _DATES.items()}
        pattern = "|".join(re.escape(mark) for mark in sorted(values, key=len, reverse=True))
        pieces = []
        for part in re.split(f"({pattern})", text):
            if part in values:
                kind = "plain" if part in _DATES else encoding
                pieces.append((kind, values[part], 0, b""))
            elif part:
                plain = part.encode("utf-16-be").hex() if encoding == "utf16" else part
                pieces.append(_fixed(plain.encode()))
        return pieces


def _parts_of_font(font: Any) -> dict[int, Part]:
    """The objects of a font that differ from paper to paper: file, widths, map to Unicode."""
    name = base_name(font)
    face = FACES.index(name)
    retag(font, name.encode())
    inner = font.DescendantFonts[0]
    pieces = [_fixed(b"<<")]
    for key, value in inner.items():
        if key == "/W":
            pieces += [_fixed(b"/W["), ("widths", face, 0, b""), _fixed(b"]")]
        else:
            pieces.append(_fixed(key.encode() + b" " + _reference(value)))
    pieces.append(_fixed(b">>"))
    maps = [_fixed(CMAP_HEAD), ("meanings", face, 0, b""), _fixed(CMAP_TAIL)]
    parts: list[Part] = [
        (inner.objgen[0], "object", b"", _joined(pieces), 0),
        (inner.FontDescriptor.FontFile2.objgen[0], "font", b"", [], face),
        (font.ToUnicode.objgen[0], "deflated", b"", maps, 0),
    ]
    return {part[0]: part for part in parts}


def _is_container(entry: Any) -> bool:
    kinds = {pikepdf.Name.ObjStm, pikepdf.Name.XRef}
    return isinstance(entry, pikepdf.Stream) and entry.get("/Type") in kinds


def _reference(value: Any) -> bytes:
    text: bytes = value.unparse() if isinstance(value, pikepdf.Object) else str(value).encode()
    return text


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Neighbours that are both fixed become one."""
    out: list[Piece] = []
    for piece in pieces:
        if out and piece[0] == out[-1][0] == "fixed":
            out[-1] = _fixed(out[-1][3] + piece[3])
        else:
            out.append(piece)
    return out


def _prefix(fixed: dict[int, Any], count: int) -> tuple[bytes, list[tuple[int, int, int]]]:
    """Header and constant objects, and the cross-references known by then.

    Streams stand as they are; everything else is packed into one object stream.
    """
    # The four high bytes tell transports that the file is binary (ISO 32000-1, 7.5.2).
    out = bytearray(b"%PDF-1.7\n%\xf0\x9f\x96\xa4\n")
    rows = [(0, 0, 0)] * (count + 2)
    rows[0] = (0, 0, 65535)
    container = count + 1
    packed: list[tuple[int, bytes]] = []
    for number, entry in sorted(fixed.items()):
        if isinstance(entry, pikepdf.Stream):
            rows[number] = (1, len(out), 0)
            dictionary = pikepdf.Dictionary(dict(entry.items()))
            raw = entry.read_raw_bytes()
            if "/Filter" not in dictionary:
                raw = zlib.compress(raw, 9)
                dictionary.Filter = pikepdf.Name.FlateDecode
            dictionary.Length = len(raw)
            out += b"%d 0 obj\n%s\nstream\n%s\nendstream\nendobj\n" % (
                number,
                dictionary.unparse(),
                raw,
            )
        else:
            rows[number] = (2, container, len(packed))
            packed.append((number, entry.unparse(resolved=True)))
    places, bodies = [], bytearray()
    for number, body in packed:
        places.append(b"%d %d" % (number, len(bodies)))
        bodies += body + b"\n"
    head = b" ".join(places) + b"\n"
    content = zlib.compress(head + bodies, 9)
    rows[container] = (1, len(out), 0)
    out += b"%d 0 obj\n<</Type/ObjStm/N %d/First %d/Filter/FlateDecode/Length %d>>\nstream\n" % (
        container,
        len(packed),
        len(head),
        len(content),
    )
    out += content + b"\nendstream\nendobj\n"
    return bytes(out), rows
