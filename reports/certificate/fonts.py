"""The house's fonts as a prepared page embeds them: which letters, how wide, which file."""

import hashlib
import io
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import pikepdf

from reports.pdf import FONTS


class UnfitError(Exception):
    """This page can not be taken apart: it is laid out for each person."""


# BaseFont of WeasyPrint, after the tag of the subset → file.
FILES = {
    "Tram-Serif": "Tinos-Regular.ttf",
    "Tram-Serif-Bold": "Tinos-Bold.ttf",
    "Tram-Serif-Italic": "Tinos-Italic.ttf",
    "Tram-Serif-Bold-Italic": "Tinos-BoldItalic.ttf",
}
_KEPT_TABLES = ("glyf", "head", "hhea", "hmtx", "loca", "maxp")


@dataclass(frozen=True, slots=True)
class Face:
    """A font file's letters.

    Attributes:
        units: font units of an em.
        glyphs: letter → (glyph, advance in font units); of letters that share a glyph the lowest.
        letters: glyph → letter.
    """

    units: int
    glyphs: dict[str, tuple[int, int]]
    letters: dict[int, str]


@cache
def face_of(name: str) -> Face:
    """The face of a BaseFont name without its tag."""
    from fontTools.ttLib import TTFont

    with TTFont(FONTS / FILES[name]) as font:
        order = font.getReverseGlyphMap()
        widths = font["hmtx"]
        glyphs: dict[str, tuple[int, int]] = {}
        letters: dict[int, str] = {}
        for point, glyph_name in sorted(font.getBestCmap().items()):
            letter, glyph = chr(point), order[glyph_name]
            # A mark would be joined to its letter, a hard space is not a space to a reader.
            if glyph in letters or (letter != " " and unicodedata.category(letter) not in _PLAIN):
                continue
            letters[glyph] = letter
            glyphs[letter] = (glyph, widths[glyph_name][0])
        return Face(font["head"].unitsPerEm, glyphs, letters)


_PLAIN = {"Lu", "Ll", "Lo", "Nd", "No", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So"}


@lru_cache(maxsize=128)
def embedded(name: str, letters: frozenset[str]) -> tuple[bytes, list[Any], bytes]:
    """A face cut to letters: font file, widths (`W`), map to Unicode. Glyph numbers stay.

    Raises:
        KeyError: the face lacks a letter.
    """
    from fontTools import subset
    from fontTools.ttLib import TTFont

    face = face_of(name)
    used = sorted(face.glyphs[letter][0] for letter in letters)
    options = subset.Options(retain_gids=True, hinting=False, notdef_outline=True)
    with TTFont(FONTS / FILES[name], recalcTimestamp=False) as font:
        cutter = subset.Subsetter(options)
        cutter.populate(gids=used)
        cutter.subset(font)
        for table in list(font.keys()):
            if table not in (*_KEPT_TABLES, "GlyphOrder"):
                del font[table]
        file = io.BytesIO()
        font.save(file)
    widths: list[Any] = []
    for glyph in used:
        advance = face.glyphs[face.letters[glyph]][1]
        widths += [glyph, [round(advance * 1000 / face.units)]]
    return file.getvalue(), widths, _to_unicode(face, used)


def _to_unicode(face: Face, used: list[int]) -> bytes:
    lines = [f"<{glyph:04x}> <{ord(face.letters[glyph]):04x}>" for glyph in used]
    most = 100  # entries of a block, by the specification of CMaps
    blocks = [lines[at : at + most] for at in range(0, len(lines), most)]
    maps = "\n".join(
        f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks
    )
    return CMAP_HEAD + maps.encode() + CMAP_TAIL


_CMAP = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo
<< /Registry (Adobe)
/Ordering (UCS)
/Supplement 0
>> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <ffff>
endcodespacerange
MAPS
endcmap
CMapName currentdict /CMap defineresource pop
end
end"""
# What stands around the entries of a map to Unicode.
CMAP_HEAD, CMAP_TAIL = (part.encode() for part in _CMAP.split("MAPS"))


def base_name(font: Any) -> str:
    """The name of a font of a page, without the tag of its subset.

    Raises:
        UnfitError: it is none of the four that are filled in.
    """
    name = str(font.BaseFont).split("+", 1)[1]
    if name not in FILES:
        message = f"the page needs the font {name}"
        raise UnfitError(message)
    return name


def retag(font: Any, content: bytes) -> None:
    """Gives a font of a page the tag of a subset that follows from what it holds."""
    number = int.from_bytes(hashlib.sha256(content).digest()[:4])
    tag = "".join(chr(ord("A") + number // 26**place % 26) for place in range(6))
    inner = font.DescendantFonts[0]
    full = pikepdf.Name(f"/{tag}+{base_name(font)}")
    font.BaseFont = inner.BaseFont = inner.FontDescriptor.FontName = full


def embed(font: Any, letters: frozenset[str]) -> None:
    """Gives a font of a page a file that holds all these letters (renderer 2)."""
    file, widths, to_unicode = embedded(base_name(font), letters)
    retag(font, file)
    inner = font.DescendantFonts[0]
    descriptor = inner.FontDescriptor
    inner.W = pikepdf.Array(widths)
    descriptor.FontFile2.write(file)
    descriptor.FontFile2.Length1 = len(file)
    font.ToUnicode.write(to_unicode)


def make_whole(font: Any) -> None:
    """Gives a font of a paper all letters of its face, so that many papers can share it.

    Glyph numbers stay. A font of another face, or with glyphs that stand for no letter, is left.
    """
    name = str(font.get("/BaseFont", "")).partition("+")[2]
    if name not in FILES:
        return
    face = face_of(name)
    widths = font.DescendantFonts[0].get("/W", pikepdf.Array())
    numbers = {int(entry) for entry in widths if not isinstance(entry, pikepdf.Array)}
    if numbers <= face.letters.keys():
        embed(font, frozenset(face.glyphs))
