"""`make bench-qr`: our decoder beside the zxing-cpp and pyzbar wheels, in one run.

Every decoder gets the same gray images, decoded beforehand. A read is exact if its text is one of
the image's; wrong if it is none of them and the image has no code of unknown text left. Times of
single images are processor time of the thread, which other work on the machine disturbs least;
the scaling over threads is by the clock on the wall.
"""

import argparse
import io
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zxingcpp
from PIL import Image
from pyzbar import pyzbar

import core_rs
from tests.benchmarks.qr.frames import SEED, SIZE, make_frame
from tests.benchmarks.qr.phone import make_phone_file
from tests.benchmarks.qr.photos import CATEGORIES, make_photo
from tests.shared_data import SHARED_DATA


@dataclass(frozen=True)
class Case:
    """One gray image, the texts known to be in it, and how many codes it shows."""

    group: str
    image: Image.Image
    pixels: memoryview
    expected: list[str]
    code_count: int


Decoder = Callable[[Case], Sequence[str | None]]


def _ours(mode: Any) -> Decoder:
    return lambda case: [s.text for s in core_rs.decode_gray(case.pixels, mode=mode)]


def _zxing(case: Case) -> list[str]:
    found = zxingcpp.read_barcodes(case.image, formats=zxingcpp.BarcodeFormat.QRCode)
    return [barcode.text for barcode in found]


def _zbar(case: Case) -> list[str]:
    found = pyzbar.decode(case.image, symbols=[pyzbar.ZBarSymbol.QRCODE])
    return [symbol.data.decode("utf-8", "replace") for symbol in found]


DECODERS: dict[str, Decoder] = {
    "ours fast": _ours("fast"),
    "ours thorough": _ours("thorough"),
    "zxing-cpp": _zxing,
    "pyzbar": _zbar,
}


def case_of(group: str, image: Image.Image, expected: list[str], code_count: int) -> Case:
    """A case with its pixels ready for every decoder."""
    gray = image.convert("L")
    pixels = memoryview(gray.tobytes()).cast("B", (gray.height, gray.width))
    return Case(group, gray, pixels, expected, code_count)


def synthetic(count: int, seed: int) -> list[Case]:
    """`count` frames of each of the four levels."""
    frames = [make_frame(level, n, seed) for level in range(4) for n in range(count)]
    return [case_of(f"level {frame.level}", frame.image, [frame.text], 1) for frame in frames]


def photos(folder: Path) -> list[Case]:
    """The photos of every folder with a manifest below `folder`, if it exists."""
    cases = []
    for manifest in sorted(folder.glob("*/manifest.json")):
        for entry in json.loads(manifest.read_text("utf-8")):
            image = Image.open(manifest.parent / entry["file"])
            if image.mode in ("RGBA", "LA", "P"):
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
            cases.append(case_of(manifest.parent.name, image, entry["expected"], entry["codes"]))
    return cases


def measure(cases: list[Case]) -> None:
    """Prints exact and wrong reads of each group, and the time of each decoder."""
    groups = list(dict.fromkeys(case.group for case in cases))
    known = {g: sum(len(c.expected) for c in cases if c.group == g) for g in groups}
    print(f"{'':16}" + "".join(f"{g.removeprefix('boof-')[:12]:>13}" for g in groups), end="")
    print(f"{'all':>8}{'wrong':>7}{'mean ms':>9}{'med ms':>8}{'p95 ms':>8}{'img/s':>8}")
    for name, decode in DECODERS.items():
        exact: Counter[str] = Counter()
        wrong = 0
        times = []
        for case in cases:
            start = time.thread_time()
            texts = decode(case)
            times.append((time.thread_time() - start) * 1000)
            hits = sum((Counter(texts) & Counter(case.expected)).values())
            exact[case.group] += hits
            wrong += max(0, len(texts) - hits - (case.code_count - len(case.expected)))
        print(f"{name:16}", end="")
        for group in groups:
            print(f"{exact[group]:>5}/{known[group]:<3}{exact[group] / known[group]:>4.0%}", end="")
        times.sort()
        share = sum(exact.values()) / sum(known.values())
        print(f"{share:>8.1%}{wrong:>7}{statistics.mean(times):>9.2f}", end="")
        print(f"{statistics.median(times):>8.2f}{times[len(times) * 95 // 100]:>8.2f}", end="")
        print(f"{1000 / statistics.mean(times):>8.0f}")


def compare(cases: list[Case]) -> None:
    """Prints the codes read of each group, one line a group, and the wrong reads of all."""
    groups = list(dict.fromkeys(case.group for case in cases))
    exact: dict[str, Counter[str]] = {}
    wrong: Counter[str] = Counter()
    known = Counter(case.group for case in cases for _ in case.expected)
    for name, decode in DECODERS.items():
        exact[name] = Counter()
        for case in cases:
            texts = decode(case)
            hits = sum((Counter(texts) & Counter(case.expected)).values())
            exact[name][case.group] += hits
            wrong[name] += len(texts) - hits
    print(f"{'':16}{'codes':>7}" + "".join(f"{name:>15}" for name in DECODERS))
    for group in groups:
        counts = "".join(f"{exact[name][group]:>15}" for name in DECODERS)
        print(f"{group:16}{known[group]:>7}{counts}")
    shares = [[exact[name][g] / known[g] for g in groups] for name in DECODERS]
    print(f"{'mean share':23}" + "".join(f"{statistics.mean(s):>15.1%}" for s in shares))
    print(f"{'wrong':23}" + "".join(f"{wrong[name]:>15}" for name in DECODERS))


def phone_files(count: int, seed: int) -> None:
    """Prints the time from the bytes of 12-megapixel JPEG files to texts."""
    for shrink in (4, 1):
        files = [make_phone_file(n, seed, shrink) for n in range(count)]
        size = statistics.mean(len(data) for data, _ in files) / 1e6
        print(f"\n12 MP JPEG, {count} of {size:.1f} MB, readable at 1/{shrink}: milliseconds")
        readers: dict[str, Callable[[bytes], list[str | None]]] = {
            "ours fast": lambda data: [s.text for s in core_rs.decode_image(data)],
            "ours thorough": lambda data: [
                s.text for s in core_rs.decode_image(data, mode="thorough")
            ],
            "draft + zxing": _draft_and_zxing,
        }
        for name, read in readers.items():
            times, exact = [], 0
            for data, text in files:
                start = time.perf_counter()
                exact += text in read(data)
                times.append((time.perf_counter() - start) * 1000)
            times.sort()
            print(f"{name:16}{exact:>4}/{count}{statistics.median(times):>8.1f} median", end="")
            print(f"{times[len(times) * 95 // 100]:>8.1f} p95")


def _draft_and_zxing(data: bytes) -> list[str | None]:
    """Pillow with the luma alone, then zxing-cpp: the best pipeline of wheels."""
    image = Image.open(io.BytesIO(data))
    image.draft("L", image.size)
    found = zxingcpp.read_barcodes(image.convert("L"), formats=zxingcpp.BarcodeFormat.QRCode)
    return [barcode.text for barcode in found]


def look_alikes(count: int, seed: int) -> list[Case]:
    """`count` pictures of each category of photos."""
    cases = []
    for category in CATEGORIES:
        for number in range(count):
            image, texts = make_photo(category, number, seed)
            cases.append(case_of(category, image, texts, len(texts)))
    return cases


def scale(cases: list[Case], repeats: int) -> None:
    """Prints images a second on one and on two threads: medians of `repeats` runs."""
    print(f"{'':16}{'1 thread':>10}{'2 threads':>11}{'scaling':>9}   images a second")
    arrays = [case.pixels for case in cases]

    def zxing_threads(threads: int) -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(_zxing, cases))

    runs: dict[str, Callable[[int], object]] = {
        "ours fast": lambda n: core_rs.decode_many(arrays, threads=n),
        "ours thorough": lambda n: core_rs.decode_many(arrays, threads=n, mode="thorough"),
        "zxing-cpp": zxing_threads,
    }
    for name, run in runs.items():
        rates = []
        for threads in (1, 2):
            seconds = []
            for _ in range(repeats):
                start = time.perf_counter()
                run(threads)
                seconds.append(time.perf_counter() - start)
            rates.append(len(cases) / statistics.median(seconds))
        print(f"{name:16}{rates[0]:>10.0f}{rates[1]:>11.0f}{rates[1] / rates[0]:>9.2f}")


def main() -> None:
    """Runs everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=250, help="frames of each level")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--photos", type=int, default=16, help="pictures of each category")
    parser.add_argument("--files", type=int, default=10, help="12-megapixel files of each kind")
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    if chosen.count:
        frames = synthetic(chosen.count, chosen.seed)
        print(f"Synthetic frames {SIZE[0]} x {SIZE[1]}, {chosen.count} a level, seed {chosen.seed}")
        measure(frames)
        scale(frames, chosen.repeats)
    if chosen.photos:
        print(f"\nLook-alikes of photos, {chosen.photos} a category, codes read")
        compare(look_alikes(chosen.photos, chosen.seed))
    if chosen.files:
        phone_files(chosen.files, chosen.seed)
    real = photos(SHARED_DATA / "qr_photos")
    if real:
        print(f"\nReal photos, {len(real)}, already decoded to gray")
        measure(real)
    else:
        print("\nThe shared photos are not beside this checkout.")


if __name__ == "__main__":
    main()
