"""Signatures and docstrings of the native module, for Python readers."""

from collections.abc import Iterable
from os import PathLike
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

class Candidate:
    """A known person who may be the one asked for.

    `kind` is `exact` (a shared document and nothing against it: `key` names the document),
    `conflict` (a shared document, but the rest says another person: report, never merge) or
    `proposal` (by score only). `bits` are log2 odds; `prior_bits` plus the bits of `weights`
    (field, level, bits; stable names) add up to them. `pattern` can be stored and explained later.
    """

    person_id: int
    kind: str
    key: str | None
    bits: float
    probability: float
    prior_bits: float
    pattern: int
    weights: list[tuple[str, str, float]]

class PersonIndex:
    """Who is already known. Thread safe; long calls release the GIL.

    A record is a mapping, a table has columns, of text as typed, all optional and nullable:
    `full_name, dob, sex, national_id (or cccd), old_national_id (or cmnd),
    health_insurance_number (or health_insurance), personal_qid, phone, address, ward_code,
    sample_code`. Tables are anything with `__arrow_c_stream__`. A person may have several entries.
    """

    def __init__(self) -> None: ...
    def __len__(self) -> int: ...
    def __contains__(self, person_id: int) -> bool: ...
    def add(self, person_id: int, record: dict[str, str | None]) -> None: ...
    def add_many(self, table: object) -> int:
        """Adds a row each; needs `person_id` (64-bit integers). Returns the number of rows."""
    def update(self, person_id: int, record: dict[str, str | None]) -> None:
        """Replaces all entries of the person by this one."""
    def remove(self, person_id: int) -> int:
        """Removes all entries of the person; how many there were."""
    def redirect(self, from_person_id: int, to_person_id: int) -> int:
        """Moves the entries of one person to another, as a merge by redirection does."""
    def rename_ward(self, old_code: str, new_code: str) -> None:
        """Compares records of the old ward as of the new one, from now on."""
    def look_up(
        self, record: dict[str, str | None], *, limit: int = 5, least_bits: float = 0.0
    ) -> list[Candidate]:
        """Likely people, best first; everybody whose document was shown is always among them."""
    def match_many(self, table: object, *, limit: int = 3, least_bits: float = 0.0) -> Table:
        """Answers for a batch, in the order of its rows; the index is not changed.

        Columns: `row`, `kind` (as in Candidate), `person_id` (null if the other side is a row),
        `other_row` (an earlier row of the same batch, null if the other side is a person), `key`,
        `probability`, `bits`, `pattern`. A row has at most one `exact` answer with a person_id;
        if its documents name several people, all are conflicts.
        """
    def explain(self, pattern: int) -> tuple[float, list[tuple[str, str, float]]]:
        """Prior bits and the weight of every field (field, level, bits) of a stored pattern."""
    def save(self, path: str | PathLike[str]) -> None:
        """Writes the index so that a reader sees the old file or the new one."""
    @staticmethod
    def load(path: str | PathLike[str]) -> PersonIndex:
        """Back from `save`; a damaged or foreign file raises CoreError `linkage.index_file`."""
