"""Signatures and docstrings of the native module, for Python readers."""

from collections.abc import Iterable
from typing import Literal, final

from typing_extensions import Buffer

class CoreError(ValueError):
    """An error of core_rs. `code` is stable, `kind` is coarse."""

    code: str
    kind: str

class Table:
    """Columns handed over by Rust; read it with polars, pyarrow or anything that speaks Arrow."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def __len__(self) -> int: ...

class QrError(CoreError):
    """An image that cannot be read.

    Codes: `qr.empty_file`, `qr.unknown_format`, `qr.damaged_jpeg`, `qr.damaged_png`,
    `qr.no_pixels`, `qr.too_many_pixels`, `qr.deadline`.
    """

@final
class Symbol:
    """One QR symbol of an image."""

    @property
    def text(self) -> str | None:
        """The content as text; None if the bytes are not text."""

    @property
    def raw(self) -> bytes:
        """The content as written."""

    @property
    def corners(
        self,
    ) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]:
        """(x, y) in pixels of the upright image, clockwise from the symbol's own top left."""

def decode_image(
    data: Buffer,
    *,
    mode: Literal["fast", "thorough"] = "fast",
    max_pixels: int = 50_000_000,
    deadline_ms: int | None = 5000,
) -> list[Symbol]:
    """Every QR symbol of a JPEG or PNG file; an empty list if there is none.

    `fast` stops at the first scale that gives a symbol; `thorough` tries everything.
    No new stage starts after `deadline_ms`; symbols read until then are returned.

    Raises:
        QrError: with the codes named there; `qr.deadline` only if nothing was read in time.
    """

def decode_gray(
    array: Buffer,
    *,
    mode: Literal["fast", "thorough"] = "fast",
    max_pixels: int = 50_000_000,
    deadline_ms: int | None = 5000,
) -> list[Symbol]:
    """Every QR symbol of gray pixels: anything with a buffer of shape (height, width), uint8."""

def decode_many(
    images: Iterable[Buffer],
    *,
    threads: int | None = None,
    mode: Literal["fast", "thorough"] = "fast",
    max_pixels: int = 50_000_000,
    deadline_ms: int | None = 5000,
) -> list[list[Symbol] | QrError]:
    """Decodes files (bytes) and gray arrays (two dimensions) on all cores, answers in order.

    An image that fails has its QrError in its place; the others are not touched.
    """
