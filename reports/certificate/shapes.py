"""A page designed by WeasyPrint once, for `core_rs` to fill in for many people.

WeasyPrint lays out each *shape* of a page: the page with stand-ins in place of the values, as many
lines of them as the values need. `reports.certificate.cut` cuts the file at the stand-ins.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import core_rs
from reports import pdf as pdf_maker
from reports.certificate import values as page_values
from reports.certificate.cut import FACES, STAND_IN_DAY, Cut
from reports.certificate.fonts import FILES, UnfitError, face_of
from reports.certificate.page import CertificatePage, identity_of, lay_out
from reports.certificate.values import SLOTS_AFTER_ROWS, SLOTS_BEFORE_ROWS
from reports.pdf import FONTS

_ASCII = frozenset(chr(point) for point in range(0x20, 0x7F))
_BOLD = "Tram-Serif-Bold"
_MOST_LINES = 6
_UNITS = 1024  # of Pango, in a pixel
# Until this renderer papers carried whole faces, cut to what their design needs.
LAST_WITH_WHOLE_FACES = 2


@dataclass(frozen=True, slots=True)
class _Place:
    """Where WeasyPrint put a value: face, size in units, alignment, the box around it in pixels."""

    face: str
    size: int
    is_centred: bool
    left: float
    width: float


class PreparedDesign:
    """A page without its values, with the shapes met so far.

    Args:
        page: any page of this design; of its values only the letters of `design_key` count.
        is_signed: whether there is a place for a signature.
        renderer: whose template it is.

    Raises:
        UnfitError: the page takes more than one sheet, or a value shares its line.
    """

    def __init__(self, page: CertificatePage, *, is_signed: bool, renderer: int) -> None:
        self._page = page
        self._renderer = renderer
        self._is_signed = is_signed
        self._shapes: dict[tuple[int, ...], bool] = {}
        self._count = page_values.slot_count(page)
        is_cut = renderer > LAST_WITH_WHOLE_FACES
        self._letters = None if is_cut else {name: self._embedded_letters(name) for name in FILES}
        one_line_each = self._filled_with(
            [[self._stand_in(n, 0)] for n in range(self._count)],
        )
        self._places = self._places_of(lay_out(one_line_each, renderer))
        self.native = core_rs.PaperDesign(
            [self._native_face(name) for name in FACES],
            [(FACES.index(p.face), p.size, p.is_centred, p.left, p.width) for p in self._places],
        )

    def holds(self, values: Sequence[str]) -> bool:
        """Whether these values can be filled in; their shape is laid out if it is new."""
        counts = self.native.counts(list(values))
        if counts is None or max(counts) > _MOST_LINES:
            return False
        key = tuple(counts)
        if key not in self._shapes:
            self._shapes[key] = self._add_shape(key)
        return self._shapes[key]

    def _native_face(self, name: str) -> tuple[int, dict[str, tuple[int, int]], bytes | None]:
        face = face_of(name)
        if self._letters is None:
            return face.units, face.glyphs, (FONTS / FILES[name]).read_bytes()
        return face.units, {c: face.glyphs[c] for c in sorted(self._letters[name])}, None

    def _embedded_letters(self, name: str) -> frozenset[str]:
        """Renderer 2: bold stands for every name; the other faces hold what this design needs."""
        known = frozenset(face_of(name).glyphs)
        if name == _BOLD:
            return known
        page = self._page
        texts = [*page_values.texts_of(page), *page_values.light_values(page), *_WORDS]
        return known & (_ASCII | frozenset("".join(texts)))

    @staticmethod
    def _stand_in(slot: int, line: int) -> str:
        return f"QX{slot:02d}{line}"

    def _wide_stand_in(self, slot: int, line: int) -> str:
        """As wide as makes the next one go to the next line."""
        place = self._places[slot]
        face = face_of(place.face)
        text = self._stand_in(slot, line)
        while True:
            width = sum(face.glyphs[c][1] for c in text) * place.size / face.units / _UNITS
            if width > 0.6 * place.width:
                return text
            text += "W"

    def _filled_with(self, lines: Sequence[Sequence[str]]) -> CertificatePage:
        texts = [" ".join(one) for one in lines]
        before, rows = len(SLOTS_BEFORE_ROWS), len(self._page.rows)
        changes: dict[str, Any] = dict(zip(SLOTS_BEFORE_ROWS, texts[:before], strict=True))
        changes |= dict(zip(SLOTS_AFTER_ROWS, texts[before + rows :], strict=True))
        changes["rows"] = tuple(
            replace(row, value=text)
            for row, text in zip(self._page.rows, texts[before : before + rows], strict=True)
        )
        return replace(self._page, **changes, verify_url="HTTPS://STAND.IN", issued_at=STAND_IN_DAY)

    def _places_of(self, document: Any) -> list[_Place]:
        if len(document.pages) != 1:
            message = "the page takes more than one sheet"
            raise UnfitError(message)
        found: dict[str, _Place] = {}
        for box, block in _text_boxes(document.pages[0]._page_box):  # noqa: SLF001
            style = box.style
            weight = "-Bold" if style["font_weight"] > 400 else ""  # noqa: PLR2004
            slope = "-Italic" if style["font_style"] == "italic" else ""
            found[box.text] = _Place(
                face=f"Tram-Serif{weight}{slope}",
                size=int(style["font_size"] * _UNITS),
                is_centred=style["text_align_all"] == "center",
                left=block.content_box_x(),
                width=block.width,
            )
        try:
            return [found[self._stand_in(slot, 0)] for slot in range(self._count)]
        except KeyError as error:
            message = "a value does not stand alone on its line"
            raise UnfitError(message) from error

    def _add_shape(self, counts: tuple[int, ...]) -> bool:
        lines = [
            [self._stand_in(slot, 0)]
            if count == 1
            else [self._wide_stand_in(slot, line) for line in range(count)]
            for slot, count in enumerate(counts)
        ]
        page = self._filled_with(lines)
        document = lay_out(page, self._renderer)
        if len(document.pages) != 1:
            return False
        file = pdf_maker.write(document, identity_of(page, self._renderer))
        centred = [place.is_centred for place in self._places]
        try:
            cut = Cut(file, lines, self._letters)
            cut.add_to(self.native, counts, centred, is_signed=self._is_signed)
        except UnfitError:
            return False
        return True


# Words of the template itself.
_WORDS = (
    "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM Độc lập - Tự do - Hạnh phúc KẾT QUẢ",
    "Quét mã hoặc mở địa chỉ trên để kiểm tra.",
)


def _text_boxes(box: Any, block: Any = None) -> Iterator[tuple[Any, Any]]:
    """Every text with the block whose width its line has."""
    from weasyprint.formatting_structure import boxes

    if isinstance(box, boxes.TextBox):
        yield box, block
        return
    if isinstance(box, boxes.BlockContainerBox):
        block = box
    for child in getattr(box, "children", ()):
        yield from _text_boxes(child, block)
