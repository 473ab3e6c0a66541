"""Signatures and docstrings of the native module, for Python readers."""

class CoreError(ValueError):
    """An error of core_rs. `code` is stable, `kind` is coarse."""

    code: str
    kind: str

class Table:
    """Columns handed over by Rust; read it with polars, pyarrow or anything that speaks Arrow."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def __len__(self) -> int: ...
