"""QR symbols as pictures of one pixel a module: sharp at any size, and cheap to lay out."""

import base64
import io
from functools import lru_cache

import segno
from PIL import Image

import core_rs

# A light module is 0, a dark one 1.
_SHADES = bytes([255, 0]) + bytes(254)


def qr_png(text: str, *, error: str = "m", border: int = 4) -> bytes:
    """A PNG of the symbol, one pixel a module, with its quiet zone.

    Args:
        text: the content; upper-case addresses give smaller symbols.
        error: level of error correction, `l`, `m`, `q` or `h`.
        border: quiet zone in modules; the standard asks for 4.
    """
    buffer = io.BytesIO()
    segno.make_qr(text, error=error).save(buffer, kind="png", scale=1, border=border)
    return buffer.getvalue()


def qr_address(text: str, *, error: str = "m") -> str:
    """The same as a `data:` address for an `<img>`."""
    return "data:image/png;base64," + base64.b64encode(qr_png(text, error=error)).decode("ascii")


def symbol_address(text: str, *, border: int = 4) -> str:
    """A `data:` address of the symbol that `core_rs` draws, as the spliced papers carry it."""
    return _address(_drawn(text, border))


@lru_cache(maxsize=8000)
def screen_symbol_address(text: str, *, border: int = 4) -> str:
    """The same symbol in one bit a module and with less effort, for a page made for one reader.

    The latest ones are remembered, about 1 kB each: who looks once looks again.
    """
    picture = _drawn(text, border).convert("1", dither=Image.Dither.NONE)
    return _address(picture, compress_level=1)


def _drawn(text: str, border: int) -> Image.Image:
    size, modules = core_rs.write_qr(text)
    symbol = Image.frombytes("L", (size, size), modules.translate(_SHADES))
    picture = Image.new("L", (size + 2 * border, size + 2 * border), 255)
    picture.paste(symbol, (border, border))
    return picture


def _address(picture: Image.Image, **how: int) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", **how)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
