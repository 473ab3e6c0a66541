"""Python face of the Rust core: the only thing the rest of Trạm imports from it."""

from core_rs._native import (
    Candidate,
    CoreError,
    PersonIndex,
    QrError,
    Symbol,
    Table,
    decode_gray,
    decode_image,
    decode_many,
)

__all__ = [
    "Candidate",
    "CoreError",
    "PersonIndex",
    "QrError",
    "Symbol",
    "Table",
    "decode_gray",
    "decode_image",
    "decode_many",
]
