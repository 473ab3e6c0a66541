"""Python face of the Rust core: the only thing the rest of Trạm imports from it."""

from core_rs._native import CoreError, Table

__all__ = [
    "CoreError",
    "Table",
]
