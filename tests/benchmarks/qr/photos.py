"""Seeded look-alikes of photos of codes, one family for each category of BoofCV's QR set (v3).

The set (boofcv.org, "QR Code Performance") sorts photos by what makes them hard; its names are kept
here, what each picture shows is ours. A picture comes from one seed, and all its texts are known.
"""

import math
import random
from collections.abc import Callable

import numpy as np
from PIL import Image

from tests.benchmarks.qr.extremes import FAMILIES
from tests.benchmarks.qr.scene import (
    INK,
    PAPER,
    QUIET,
    Look,
    Scene,
    make_code,
    place_whole,
    usual_look,
)


def _nominal(scene: Scene) -> None:
    place_whole(scene, make_code(scene.rng), usual_look(scene))
    scene.blur(1)


def _blurred(scene: Scene) -> None:
    look = usual_look(scene, 5, 10)
    place_whole(scene, make_code(scene.rng), look)
    if scene.rng.random() < 0.6:
        scene.blur(look.module * scene.rng.uniform(0.35, 0.8))
    else:
        scene.move(look.module * scene.rng.uniform(0.6, 1.6))


def _bright_spots(scene: Scene) -> None:
    look, rng = usual_look(scene, 6, 10), scene.rng
    code = make_code(rng)
    x, y = place_whole(scene, code, look)
    side = code.modules.shape[0] * look.module
    for _ in range(rng.randint(1, 4)):
        radius = side * rng.uniform(0.05, 0.16)
        place = (x + rng.uniform(-0.4, 0.4) * side, y + rng.uniform(-0.4, 0.4) * side)
        scene.spot(place, (radius, radius * rng.uniform(0.5, 1)), rng.uniform(100, 350))
    scene.blur(1.5)


def _brightness(scene: Scene) -> None:
    place_whole(scene, make_code(scene.rng), usual_look(scene))
    scene.blur(1.2)
    if scene.rng.random() < 0.5:
        scene.pixels = scene.pixels * scene.rng.uniform(0.06, 0.3)
    else:
        scene.pixels = scene.pixels * scene.rng.uniform(0.5, 0.9) + scene.rng.uniform(70, 190)


def _close(scene: Scene) -> None:
    code = make_code(scene.rng, 14)
    whole = scene.size[1] / code.modules.shape[0]
    look = Look(whole * scene.rng.uniform(0.95, 1.18), scene.rng.gauss(0, 0.04))
    scene.put(code, (scene.size[0] / 2, scene.size[1] / 2), look)
    fibres = Image.fromarray(scene.noise.normal(0, 30, (scene.size[1] // 3, scene.size[0] // 3)))
    scene.pixels += np.asarray(fibres.resize(scene.size, Image.Resampling.BICUBIC), np.float32)
    scene.blur(scene.rng.uniform(1, 8))


def _curved(scene: Scene) -> None:
    look = usual_look(scene, 5, 9)
    look.bend = scene.rng.uniform(0.8, 2.2)
    place_whole(scene, make_code(scene.rng, scene.rng.choice((20, 60, 120))), look)
    scene.blur(1.2)


def _damaged(scene: Scene) -> None:
    rng, code = scene.rng, make_code(scene.rng)
    drawn, side = code.drawing, code.drawing.shape[0]
    for _ in range(rng.randint(1, 3)):
        width, height = (round(side * rng.uniform(0.04, 0.2)) for _ in range(2))
        x, y = rng.randrange(side - width), rng.randrange(side - height)
        drawn[y : y + height, x : x + width] = rng.choice((INK, 120, PAPER))
    for _ in range(rng.randint(0, 6)):
        x, y = rng.randrange(side), rng.randrange(side)
        tone = rng.choice((PAPER, INK))
        drawn[y : y + 3, :] = tone
        drawn[:, x : x + 3] = tone
    place_whole(scene, code, usual_look(scene))
    scene.blur(1)


def _glare(scene: Scene) -> None:
    look, rng = usual_look(scene, 6, 10), scene.rng
    code = make_code(rng)
    x, y = place_whole(scene, code, look)
    side = code.modules.shape[0] * look.module
    place = (x + rng.uniform(-0.6, 0.6) * side, y + rng.uniform(-0.6, 0.6) * side)
    scene.spot(place, (side * rng.uniform(0.3, 0.8), side * rng.uniform(0.1, 0.3)), 260)
    scene.spot(place, (side, side), rng.uniform(30, 110))
    scene.blur(1.2)


def _high_version(scene: Scene) -> None:
    version = scene.rng.randint(25, 40)
    code = make_code(scene.rng, version=version)
    look = usual_look(scene, 3, 5.5)
    look.module = min(look.module, scene.size[1] / code.modules.shape[0] / 1.2)
    look.tilt = (look.tilt[0] / 2, look.tilt[1] / 2)
    look.bend = scene.rng.choice((0, 0, 0.3))
    place_whole(scene, code, look)
    scene.blur(0.7)


def _lots(scene: Scene) -> None:
    rng = scene.rng
    module, angle = rng.uniform(2.6, 4), rng.gauss(0, 0.1)
    pitch = 36 * module * 1.12
    cos, sin = math.cos(angle), math.sin(angle)
    width, height = scene.size
    for row in range(-12, 13):
        for column in range(-12, 13):
            x = width / 2 + pitch * (column * cos - row * sin)
            y = height / 2 + pitch * (column * sin + row * cos)
            room = pitch * 0.7
            if room < x < width - room and room < y < height - room:
                code = make_code(rng, rng.choice((2, 2, 12)))
                scene.put(code, (x, y), Look(module, angle + rng.gauss(0, 0.03)))
    scene.blur(0.8)
    scene.shade(rng.uniform(0, 0.5), 200)


def _monitor(scene: Scene) -> None:
    rng, look = scene.rng, usual_look(scene, 8, 14)
    place_whole(scene, make_code(rng, 20), look)
    scene.blur(1)
    ys, xs = np.mgrid[0 : scene.size[1], 0 : scene.size[0]].astype(np.float32)
    pitch, angle = rng.uniform(2.1, 4.2), rng.gauss(0, 0.1)
    u = (xs * math.cos(angle) + ys * math.sin(angle)) * 2 * math.pi / pitch
    v = (ys * math.cos(angle) - xs * math.sin(angle)) * 2 * math.pi / pitch
    depth = rng.uniform(0.2, 0.45)
    scene.pixels = scene.pixels * (1 + depth * np.cos(u)) * (1 + depth * np.cos(v))


def _noncompliant(scene: Scene) -> None:
    rng, code = scene.rng, make_code(scene.rng)
    drawn, modules = code.drawing, code.modules
    scale, side = drawn.shape[0] // modules.shape[0], modules.shape[0]
    ys, xs = np.mgrid[0 : side * scale, 0 : side * scale] / scale
    kind = rng.choice(("dots", "rounded", "crowded", "inverted", "pale"))
    finders = [(QUIET, QUIET), (side - QUIET - 7, QUIET), (QUIET, side - QUIET - 7)]
    if kind == "dots":
        away = np.hypot(xs % 1 - 0.5, ys % 1 - 0.5)
        is_finder = np.zeros_like(xs, bool)
        for left, top in finders:
            is_finder |= (xs >= left) & (xs < left + 7) & (ys >= top) & (ys < top + 7)
        drawn[(away > 0.42) & ~is_finder] = PAPER
    elif kind == "rounded":
        for left, top in finders:
            away = np.hypot(xs - left - 3.5, ys - top - 3.5)
            box = (xs >= left) & (xs < left + 7) & (ys >= top) & (ys < top + 7)
            dark = ((away < 3.6) & (away > 2.6)) | (away < 1.6)
            drawn[box] = np.where(dark, INK, PAPER)[box]
    elif kind == "crowded":
        outside = (xs < QUIET) | (ys < QUIET) | (xs > side - QUIET) | (ys > side - QUIET)
        drawn[outside] = rng.choice((INK, 110))
    elif kind == "inverted":
        drawn[:] = INK + PAPER - drawn
    else:
        drawn[:] = np.where(drawn < 100, rng.uniform(150, 190), PAPER)
    place_whole(scene, code, usual_look(scene))
    scene.blur(1)


def _pathological(scene: Scene) -> None:
    rng = scene.rng
    # Finder patterns beside the code and of its size, that belong to nothing.
    look = usual_look(scene)
    code = make_code(rng)
    place_whole(scene, code, look)
    for _ in range(rng.randint(3, 12)):
        half = round(3.5 * look.module)
        x = rng.randrange(half, scene.size[0] - half)
        y = rng.randrange(half, scene.size[1] - half)
        box = scene.pixels[y - half : y + half, x - half : x + half]
        if abs(float(box.mean()) - float(box[0, 0])) < 6 and box.std() < 10:
            ys, xs = np.mgrid[0 : 2 * half, 0 : 2 * half]
            ring = np.maximum(abs(xs - half + 0.5), abs(ys - half + 0.5)) / look.module
            box[:] = np.where((ring > 2.5) | (ring < 1.5), INK, PAPER)
    scene.blur(0.8)


def _perspective(scene: Scene) -> None:
    look, rng = usual_look(scene, 5, 9), scene.rng
    strength, towards = rng.uniform(0.4, 0.9), rng.uniform(0, 2 * math.pi)
    look.tilt = (strength * math.cos(towards), strength * math.sin(towards))
    look.stretch = rng.uniform(0.55, 1)
    place_whole(scene, make_code(rng), look)
    scene.blur(1)


def _rotations(scene: Scene) -> None:
    look = usual_look(scene, 3, 8)
    look.angle = scene.rng.uniform(0, 2 * math.pi)
    place_whole(scene, make_code(scene.rng), look)
    scene.blur(1)


def _shadows(scene: Scene) -> None:
    code, look = make_code(scene.rng), usual_look(scene)
    scene.put(code, (scene.size[0] / 2, scene.size[1] / 2), look)
    for _ in range(scene.rng.randint(1, 3)):
        scene.shade(scene.rng.uniform(0.4, 0.85), scene.rng.uniform(0.8, 12))
    scene.blur(1)


_CATEGORIES: dict[str, Callable[[Scene], None]] = {
    "blurred": _blurred,
    "bright_spots": _bright_spots,
    "brightness": _brightness,
    "close": _close,
    "curved": _curved,
    "damaged": _damaged,
    "glare": _glare,
    "high_version": _high_version,
    "lots": _lots,
    "monitor": _monitor,
    "nominal": _nominal,
    "noncompliant": _noncompliant,
    "pathological": _pathological,
    "perspective": _perspective,
    "rotations": _rotations,
    "shadows": _shadows,
}
CATEGORIES = tuple(_CATEGORIES)
EXTREMES = tuple(FAMILIES)


def make_photo(category: str, number: int, seed: int) -> tuple[Image.Image, list[str]]:
    """One picture of a category or an extreme, and the text of every code in it."""
    size = (2000, 1500) if category == "close" else (1000, 750)
    scene = Scene(random.Random(f"{seed}/{category}/{number}"), size)
    (_CATEGORIES | FAMILIES)[category](scene)
    return scene.image(), scene.texts
