"""Writes the synthetic pictures to a folder, for `cargo bench --bench qr` and `tram qr score`.

`python -m tests.benchmarks.qr.write FOLDER [--count N] [--seed N]`: below FOLDER one folder for
each level of frames and each category of photos and of extremes, with gray PGM files (JPEG for
`tram`, with `--jpeg`) and a `manifest.json`.
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from tests.benchmarks.qr.frames import SEED, make_frames
from tests.benchmarks.qr.photos import CATEGORIES, EXTREMES, make_photo


def write(folder: Path, pictures: Iterable[tuple[Image.Image, list[str]]], suffix: str) -> None:
    """Writes the pictures and the texts that each shows."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = []
    for number, (image, texts) in enumerate(pictures):
        name = f"{number:04}.{suffix}"
        image.save(folder / name)
        manifest.append({"file": name, "expected": texts, "codes": len(texts)})
    (folder / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False), "utf-8")


def main() -> None:
    """Writes everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=100, help="frames of each level")
    parser.add_argument("--photos", type=int, default=20, help="pictures of each category")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--jpeg", action="store_true", help="JPEG files, of quality 95")
    chosen = parser.parse_args()
    suffix = "jpg" if chosen.jpeg else "pgm"
    for level in range(4):
        frames = make_frames(chosen.count, level, chosen.seed)
        pictures = [(frame.image, [frame.text]) for frame in frames]
        write(chosen.folder / f"level-{level}", pictures, suffix)
    for category in CATEGORIES + EXTREMES:
        photos = (make_photo(category, n, chosen.seed) for n in range(chosen.photos))
        write(chosen.folder / category, photos, suffix)


if __name__ == "__main__":
    main()
