"""QR symbols as pictures of one pixel a module: sharp at any size, and cheap to lay out."""

import base64
import io
import struct
import zlib

import segno
from PIL import Image

import core_rs

# A light module is 0, a dark one 1.
_SHADES = bytes([255, 0]) + bytes(254)
_DIGITS = b"01" + bytes(254)
_DATA = "data:image/png;base64,"
_PNG = b"\x89PNG\r\n\x1a\n"


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
    return _DATA + base64.b64encode(qr_png(text, error=error)).decode("ascii")


def symbol_address(text: str, *, border: int = 4) -> str:
    """A `data:` address of the symbol that `core_rs` draws, as the spliced papers carry it."""
    return _address(_drawn(text, border))


def screen_symbol_address(text: str, *, border: int = 4) -> str:
    """The same symbol in one bit a module and not deflated, for a page made for one reader."""
    size, modules = core_rs.write_qr(text)
    side = size + 2 * border
    width = (side + 7) // 8
    digits = modules.translate(_DIGITS)
    light = (1 << 8 * width) - 1
    end = 8 * width - size - border
    blank = b"\0" + light.to_bytes(width)
    rows = [blank] * border
    for start in range(0, size * size, size):
        dark = int(digits[start : start + size], 2) << end
        rows.append(b"\0" + (light ^ dark).to_bytes(width))
    rows += [blank] * border
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows), 0)), (b"IEND", b""))
    chunks = [
        len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)
        for kind, content in parts
    ]
    return _DATA + base64.b64encode(b"".join((_PNG, *chunks))).decode("ascii")


def _drawn(text: str, border: int) -> Image.Image:
    size, modules = core_rs.write_qr(text)
    symbol = Image.frombytes("L", (size, size), modules.translate(_SHADES))
    picture = Image.new("L", (size + 2 * border, size + 2 * border), 255)
    picture.paste(symbol, (border, border))
    return picture


def _address(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return _DATA + base64.b64encode(buffer.getvalue()).decode("ascii")
