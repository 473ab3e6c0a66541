"""`tram qr`: read the QR codes of files and folders, and score the decoder on known photos."""

import base64
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict

import click

import core_rs

_SUFFIXES = {".jpg", ".jpeg", ".png"}
Mode = Literal["fast", "thorough"]

_mode = click.option(
    "--mode",
    type=click.Choice(["fast", "thorough"]),
    default="thorough",
    show_default=True,
    help="fast: for camera frames; thorough: every scale and every retry.",
)
_threads = click.option(
    "--threads", type=click.IntRange(1, 256), default=1, show_default=True, help="Images at once."
)
_paths = click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))


class Entry(TypedDict):
    """One photo of a `manifest.json`: the texts known to be in it, and how many codes it shows."""

    file: str
    expected: list[str]
    codes: int


@dataclass(frozen=True)
class Reading:
    """What was read of one file, how long it took, and what went wrong."""

    path: Path
    symbols: list[core_rs.Symbol]
    milliseconds: float
    error: str | None


@dataclass
class Score:
    """Counts over the photos of a folder."""

    exact: int = 0
    missed: int = 0
    wrong: int = 0
    milliseconds: float = 0.0

    def add(self, entry: Entry, reading: Reading) -> None:
        """Counts one photo; a read is wrong only beyond the codes whose text nobody knows."""
        expected: Counter[str | None] = Counter(entry["expected"])
        read = Counter(symbol.text for symbol in reading.symbols)
        exact = sum((expected & read).values())
        unknown_count = entry["codes"] - len(entry["expected"])
        self.exact += exact
        self.missed += len(entry["expected"]) - exact
        self.wrong += max(0, len(reading.symbols) - exact - unknown_count)
        self.milliseconds += reading.milliseconds


@click.group("qr")
def command() -> None:
    """Read QR codes of photos, and score the decoder."""


@command.command()
@_paths
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, one line an image.")
@_mode
@_threads
def read(paths: tuple[Path, ...], mode: Mode, threads: int, *, as_json: bool) -> None:
    """Print every QR code of the images at PATHS (files, or folders with all below them)."""
    has_errors = False
    for reading in _read_all(_images(paths), mode, threads):
        has_errors |= reading.error is not None
        click.echo(json.dumps(_as_json(reading), ensure_ascii=False) if as_json else _line(reading))
    if has_errors:
        raise click.exceptions.Exit(1)


@command.command()
@_paths
@_mode
@_threads
def score(paths: tuple[Path, ...], mode: Mode, threads: int) -> None:
    """Compare what is read with the `manifest.json` of each folder of PATHS.

    A manifest is a list of {"file", "expected": [texts], "codes": how many the photo shows}.
    """
    total = Score()
    click.echo(f"{'folder':24}{'exact':>8}{'missed':>8}{'wrong':>8}{'ms/photo':>10}")
    for folder in _folders(paths):
        entries: list[Entry] = json.loads((folder / "manifest.json").read_text("utf-8"))
        counted = Score()
        readings = _read_all([folder / entry["file"] for entry in entries], mode, threads)
        for entry, reading in zip(entries, readings, strict=True):
            counted.add(entry, reading)
            total.add(entry, reading)
        _print_score(folder.name, counted, len(entries))
    _print_score("all", total, 0)
    if total.wrong:
        raise click.exceptions.Exit(1)


def _print_score(name: str, counted: Score, photo_count: int) -> None:
    mean = f"{counted.milliseconds / photo_count:10.1f}" if photo_count else ""
    click.echo(f"{name:24}{counted.exact:8}{counted.missed:8}{counted.wrong:8}{mean}")


def _folders(paths: Iterable[Path]) -> Iterator[Path]:
    """The folders with a manifest: the paths themselves, or those directly below them."""
    for path in paths:
        found = [m.parent for m in (path / "manifest.json", *path.glob("*/manifest.json"))]
        found = sorted(folder for folder in found if (folder / "manifest.json").is_file())
        if not found:
            message = f"{path} has no manifest.json, and no folder in it has one."
            raise click.UsageError(message)
        yield from found


def _images(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.suffix.lower() in _SUFFIXES)
        else:
            yield path


def _read_all(paths: Iterable[Path], mode: Mode, threads: int) -> Iterator[Reading]:
    """Readings in the order of the paths; decoding releases the interpreter's lock."""
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(lambda path: _read(path, mode), paths)


def _read(path: Path, mode: Mode) -> Reading:
    start = time.perf_counter()
    symbols: list[core_rs.Symbol] = []
    error = None
    try:
        symbols = core_rs.decode_image(path.read_bytes(), mode=mode)
    except core_rs.QrError as problem:
        error = f"{problem} ({problem.code})"
    except OSError as problem:
        error = f"The file cannot be opened: {problem.strerror}."
    return Reading(path, symbols, (time.perf_counter() - start) * 1000, error)


def _as_json(reading: Reading) -> dict[str, Any]:
    symbols = []
    for symbol in reading.symbols:
        shown: dict[str, Any] = {"text": symbol.text, "corners": symbol.corners}
        if symbol.text is None:
            shown["raw_base64"] = base64.b64encode(symbol.raw).decode()
        symbols.append(shown)
    answer: dict[str, Any] = {
        "file": str(reading.path),
        "symbols": symbols,
        "milliseconds": round(reading.milliseconds, 2),
    }
    if reading.error:
        answer["error"] = reading.error
    return answer


def _line(reading: Reading) -> str:
    if reading.error:
        return f"{reading.path}: {reading.error}"
    texts = [s.text if s.text is not None else f"({len(s.raw)} bytes)" for s in reading.symbols]
    return "\n".join(f"{reading.path}: {text}" for text in texts) or f"{reading.path}: no QR code"
