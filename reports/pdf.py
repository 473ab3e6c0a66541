"""HTML in, PDF out: the one place that talks to WeasyPrint.

Every document is PDF/A-3a and declares PDF/UA-1 in the same file, embeds the fonts of
`reports/fonts` and nothing of the machine, and is byte-identical when made again from the same
input: dates and identifier come from the caller, never from a clock. A letter that none of these
fonts has is refused before anything is laid out: no paper shows boxes.
"""

import atexit
import datetime as dt
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

FOLDER = Path(__file__).parent
FONTS = FOLDER / "fonts"
TEMPLATES = FOLDER / "templates"

# Family, file, weight, style. Letters that `Tram Serif` lacks come from the next families, in the
# order of the stylesheets; a face without a bold or italic form stands for these too, or the
# machine's own settings would thicken or slant it.
FACES = (
    ("Tram Serif", "Tinos-Regular.ttf", "normal", "normal"),
    ("Tram Serif", "Tinos-Bold.ttf", "bold", "normal"),
    ("Tram Serif", "Tinos-Italic.ttf", "normal", "italic"),
    ("Tram Serif", "Tinos-BoldItalic.ttf", "bold", "italic"),
    ("Tram More", "Tinos-More-Regular.ttf", "normal", "normal"),
    ("Tram More", "Tinos-More-Bold.ttf", "bold", "normal"),
    ("Tram More", "Tinos-More-Regular.ttf", "normal", "italic"),
    ("Tram More", "Tinos-More-Bold.ttf", "bold", "italic"),
    ("Tram Han", "Droid-Han.ttf", "normal", "normal"),
    ("Tram Han", "Droid-Han.ttf", "bold", "normal"),
    ("Tram Han", "Droid-Han.ttf", "normal", "italic"),
    ("Tram Han", "Droid-Han.ttf", "bold", "italic"),
)

# PDF/A-3 knows no predefined `pdfuaid` schema, so the file must describe it (ISO 19005-3, 6.6.2.3).
_PDF_UA = (TEMPLATES / "pdfua.xmp").read_bytes().strip()


@cache
def environment() -> Environment:
    """Jinja with everything escaped and an unknown name refused."""
    return Environment(
        loader=PackageLoader("reports", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def fonts() -> Any:
    """The font configuration of this process: shared, since each new one costs memory."""
    # Dropped before the interpreter takes its modules apart, or its destructor complains.
    atexit.register(fonts.cache_clear)
    from weasyprint.text.fonts import FontConfiguration

    return FontConfiguration()


@cache
def stylesheet(name: str) -> Any:
    """A parsed stylesheet of `templates`, with the house's fonts before it."""
    from weasyprint import CSS

    faces = "".join(
        f"@font-face {{ font-family: '{family}'; src: url('{(FONTS / file).as_uri()}');"
        f" font-weight: {weight}; font-style: {style} }}\n"
        for family, file, weight, style in FACES
    )
    text = faces + (TEMPLATES / name).read_text(encoding="utf-8")
    return CSS(string=text, font_config=fonts(), base_url=str(TEMPLATES))


class UnprintableError(ValueError):
    """A text has letters that none of the house's fonts has.

    Attributes:
        letters: which, each once.
    """

    def __init__(self, letters: str) -> None:
        # The letters may be somebody's name: they do not go into the message, and so into no log.
        super().__init__(f"no font of reports/fonts has {len(letters)} letters of the text")
        self.letters = letters


@cache
def printable_letters() -> frozenset[str]:
    """Every letter that a document may show, and the line breaks of templates."""
    from fontTools.ttLib import TTFont

    found = {"\n", "\r", "\t"}
    for name in {file for _family, file, _weight, _style in FACES}:
        with TTFont(FONTS / name, lazy=True) as font:
            found |= {chr(point) for point in font.getBestCmap()}
    return frozenset(found)


def unprintable_letters(*texts: str) -> str:
    """The letters of these texts that no document can show, each once; empty if all can."""
    return "".join(sorted(set().union(*texts) - printable_letters()))


@cache
def _fetcher() -> Any:
    """Documents are made of what they are given: only `data:` addresses are read."""
    from weasyprint.urls import URLFetcher

    return URLFetcher(allowed_protocols={"data"}, fail_on_errors=True)


def w3c_instant(instant: dt.datetime) -> str:
    """An instant as WeasyPrint's metadata take it."""
    return instant.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def render(
    template: str, sheet: str, *, identity: str, made_at: dt.datetime, **values: Any
) -> bytes:
    """A PDF of a template.

    Args:
        template: file of `templates`; it gets `values` and `stamp`, the creation date.
        sheet: its stylesheet.
        identity: what this document is; the same identity and values give the same bytes.
        made_at: aware; the document's creation date.
        values: what the template shows.

    Raises:
        UnprintableError: a value has letters that the house's fonts lack.
    """
    document = lay_out(template, sheet, stamp=w3c_instant(made_at), **values)
    return write(document, identity)


def lay_out(template: str, sheet: str, **values: Any) -> Any:
    """WeasyPrint's document of a template, its boxes placed but nothing written yet.

    Raises:
        UnprintableError: a value has letters that the house's fonts lack.
    """
    from weasyprint import HTML

    html = environment().get_template(template).render(**values)
    # Escapes of HTML are ASCII, so what is not ASCII stands there as itself.
    letters = unprintable_letters(html)
    if letters:
        raise UnprintableError(letters)
    document = HTML(string=html, encoding="utf-8", base_url=str(TEMPLATES), url_fetcher=_fetcher())
    # The variant counts while laying out too: a tagged file keeps what the tags need.
    return document.render(
        stylesheets=[stylesheet(sheet)], font_config=fonts(), pdf_variant="pdf/a-3a"
    )


def write(document: Any, identity: str) -> bytes:
    """The file of a document that was laid out."""
    pdf: bytes = document.write_pdf(
        pdf_variant="pdf/a-3a",
        pdf_identifier=hashlib.sha256(identity.encode()).digest()[:16].hex().encode(),
        finisher=_declare_accessibility,
    )
    return pdf


def _declare_accessibility(document: Any, pdf: Any) -> None:
    """Writes the PDF/UA identifier into the one RDF block that the metadata may have."""
    del document
    for entry in pdf.objects:
        if getattr(entry, "extra", {}).get("Subtype") == "/XML":
            entry.stream = [entry.stream[0].replace(b"</rdf:RDF>", _PDF_UA + b"</rdf:RDF>", 1)]
