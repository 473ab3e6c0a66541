"""Seeded look-alikes of photos of codes, one family for each category of BoofCV's QR set (v3).

The set (boofcv.org, "QR Code Performance") sorts photos by what makes them hard; its names are kept
here, what each picture shows is ours. A picture comes from one seed, and all its texts are known.
"""

import io
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import segno
from PIL import Image, ImageFilter

Pixels = npt.NDArray[np.float32]
Map = Callable[[Pixels, Pixels], tuple[Pixels, Pixels]]

_INK, _PAPER = 30.0, 235.0
_QUIET = 4  # modules


@dataclass
class Look:
    """How one code lies in the picture; lengths in pixels, angles in radians."""

    module: float
    angle: float = 0.0
    tilt: tuple[float, float] = (0.0, 0.0)  # change of depth over the symbol's width and height
    bend: float = 0.0  # radians of a cylinder that the symbol's width covers
    stretch: float = 1.0  # width by height


@dataclass
class Scene:
    """A picture that is being made."""

    rng: random.Random
    size: tuple[int, int]
    texts: list[str] = field(default_factory=list)
    pixels: Pixels = field(init=False)

    def __post_init__(self) -> None:
        self.noise = np.random.default_rng(self.rng.getrandbits(64))
        width, height = self.size
        coarse = self.noise.normal(0, 12, (height // 40 + 2, width // 40 + 2))
        table = Image.fromarray(coarse.astype(np.float32)).resize(
            self.size, Image.Resampling.BICUBIC
        )
        self.pixels = np.asarray(table, np.float32) + self.rng.uniform(60, 190)

    def put(self, code: "Code", centre: tuple[float, float], look: Look) -> None:
        """Draws a code; the means of four points a pixel."""
        self.texts.append(code.text)
        side = code.modules.shape[0]
        half = 0.5 * side
        cos, sin = math.cos(look.angle), math.sin(look.angle)
        reach = half * look.module * 2.1 * max(look.stretch, 1 / look.stretch)
        width, height = self.size
        left, right = max(0, int(centre[0] - reach)), min(width, int(centre[0] + reach))
        top, bottom = max(0, int(centre[1] - reach)), min(height, int(centre[1] + reach))
        if left >= right or top >= bottom:
            return
        ys, xs = np.mgrid[top * 2 : bottom * 2, left * 2 : right * 2].astype(np.float32)
        xs, ys = (xs / 2 + 0.25 - centre[0]), (ys / 2 + 0.25 - centre[1])
        u = (xs * cos + ys * sin) / look.module / look.stretch
        v = (ys * cos - xs * sin) / look.module
        depth = 1 - (look.tilt[0] * u + look.tilt[1] * v) / side
        u, v = u / depth, v / depth
        if look.bend:
            radius = side / look.bend
            u = radius * np.arcsin(np.clip(u / radius, -0.999, 0.999))
        u, v = u + half, v + half
        drawn = code.drawing
        scale = drawn.shape[0] / side
        columns = np.clip(u * scale, 0, drawn.shape[1] - 1).astype(np.int32)
        rows = np.clip(v * scale, 0, drawn.shape[0] - 1).astype(np.int32)
        inside = (u >= 0) & (v >= 0) & (u < side) & (v < side) & (depth > 0.2)
        area = self.pixels[top:bottom, left:right]
        seen = np.where(inside, drawn[rows, columns], np.repeat(np.repeat(area, 2, 0), 2, 1))
        area[:] = seen.reshape(bottom - top, 2, right - left, 2).mean(axis=(1, 3))

    def blur(self, radius: float) -> None:
        """A lens out of focus."""
        image = Image.fromarray(np.clip(self.pixels, 0, 255).astype(np.uint8))
        self.pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), np.float32)

    def move(self, length: float) -> None:
        """A hand that shakes."""
        angle = self.rng.uniform(0, math.pi)
        steps = max(2, round(length * 1.5))
        shifts = [(n / (steps - 1) - 0.5) * length for n in range(steps)]
        moved = [
            np.roll(self.pixels, (round(s * math.sin(angle)), round(s * math.cos(angle))), (0, 1))
            for s in shifts
        ]
        self.pixels = np.mean(moved, axis=0, dtype=np.float32)

    def spot(self, centre: tuple[float, float], radii: tuple[float, float], light: float) -> None:
        """Light that adds to what is there, soft at its rim."""
        ys, xs = np.mgrid[0 : self.size[1], 0 : self.size[0]].astype(np.float32)
        angle = self.rng.uniform(0, math.pi)
        xs, ys = xs - centre[0], ys - centre[1]
        u = (xs * math.cos(angle) + ys * math.sin(angle)) / radii[0]
        v = (ys * math.cos(angle) - xs * math.sin(angle)) / radii[1]
        self.pixels = self.pixels + light * np.exp(-((u * u + v * v) ** 2))

    def shade(self, strength: float, softness: float) -> None:
        """Less light beyond an edge across the picture."""
        ys, xs = np.mgrid[0 : self.size[1], 0 : self.size[0]].astype(np.float32)
        angle = self.rng.uniform(0, 2 * math.pi)
        away = (xs - self.size[0] / 2) * math.cos(angle) + (ys - self.size[1] / 2) * math.sin(angle)
        away += self.rng.uniform(-0.1, 0.1) * self.size[0]
        wave = 12 * np.sin(xs * self.rng.uniform(0.01, 0.05)) + 12 * np.sin(ys * 0.03)
        lit = 0.5 + 0.5 * np.tanh((away + wave) / softness / 2)
        self.pixels = self.pixels * (1 - strength * (1 - lit))

    def image(self, noise: float = 4.0) -> Image.Image:
        """What the sensor says."""
        grain = self.noise.normal(0, noise, self.pixels.shape).astype(np.float32)
        return Image.fromarray(np.clip(self.pixels + grain, 0, 255).astype(np.uint8))


@dataclass
class Code:
    """A symbol with its quiet zone: modules (1 is dark) and how it is printed."""

    text: str
    modules: npt.NDArray[np.uint8]
    drawing: Pixels


def make_code(rng: random.Random, length: int = 40, version: int | None = None) -> Code:
    """A symbol of any text; `version` sets the size where the text alone would not."""
    error = rng.choice("lmqh" if version is None else "lm")
    letters = "ABCDEFGHIKLMNOPQRSTUVXYabcdefghiklmnopqrstuvxy0123456789:/.-"
    count = length
    if version is None:
        letters += "ưạệ "
    else:
        count = round(version * version * (1.7 if error == "l" else 1.35))
    text = "https://vi-du.example/" + "".join(rng.choice(letters) for _ in range(count))
    made = segno.make(text, error=error, micro=False, boost_error=False, version=version)
    modules = np.array([list(row) for row in made.matrix_iter(border=_QUIET)], np.uint8)
    return Code(text, modules, _print(modules))


def _print(modules: npt.NDArray[np.uint8], scale: int = 8) -> Pixels:
    tones = np.where(modules, _INK, _PAPER).astype(np.float32)
    return np.repeat(np.repeat(tones, scale, 0), scale, 1)


def _one(scene: Scene, code: Code, look: Look) -> tuple[float, float]:
    """Puts a code where it is whole, and says where that is."""
    half = code.modules.shape[0] * look.module * 0.72 * max(1.0, look.stretch)
    width, height = scene.size
    slack_x, slack_y = max(0.0, width / 2 - half), max(0.0, height / 2 - half)
    x = width / 2 + scene.rng.uniform(-slack_x, slack_x)
    y = height / 2 + scene.rng.uniform(-slack_y, slack_y)
    scene.put(code, (x, y), look)
    return x, y


def _usual(scene: Scene, low: float = 4.0, high: float = 9.0) -> Look:
    rng = scene.rng
    tilt = (rng.uniform(-0.12, 0.12), rng.uniform(-0.12, 0.12))
    return Look(rng.uniform(low, high), rng.gauss(0, 0.2), tilt)


def _nominal(scene: Scene) -> None:
    _one(scene, make_code(scene.rng), _usual(scene))
    scene.blur(1)


def _blurred(scene: Scene) -> None:
    look = _usual(scene, 5, 10)
    _one(scene, make_code(scene.rng), look)
    if scene.rng.random() < 0.6:
        scene.blur(look.module * scene.rng.uniform(0.35, 0.8))
    else:
        scene.move(look.module * scene.rng.uniform(0.6, 1.6))


def _bright_spots(scene: Scene) -> None:
    look, rng = _usual(scene, 6, 10), scene.rng
    code = make_code(rng)
    x, y = _one(scene, code, look)
    side = code.modules.shape[0] * look.module
    for _ in range(rng.randint(1, 4)):
        radius = side * rng.uniform(0.05, 0.16)
        place = (x + rng.uniform(-0.4, 0.4) * side, y + rng.uniform(-0.4, 0.4) * side)
        scene.spot(place, (radius, radius * rng.uniform(0.5, 1)), rng.uniform(100, 350))
    scene.blur(1.5)


def _brightness(scene: Scene) -> None:
    _one(scene, make_code(scene.rng), _usual(scene))
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
    look = _usual(scene, 5, 9)
    look.bend = scene.rng.uniform(0.8, 2.2)
    _one(scene, make_code(scene.rng, scene.rng.choice((20, 60, 120))), look)
    scene.blur(1.2)


def _damaged(scene: Scene) -> None:
    rng, code = scene.rng, make_code(scene.rng)
    drawn, side = code.drawing, code.drawing.shape[0]
    for _ in range(rng.randint(1, 3)):
        width, height = (round(side * rng.uniform(0.04, 0.2)) for _ in range(2))
        x, y = rng.randrange(side - width), rng.randrange(side - height)
        drawn[y : y + height, x : x + width] = rng.choice((_INK, 120, _PAPER))
    for _ in range(rng.randint(0, 6)):
        x, y = rng.randrange(side), rng.randrange(side)
        tone = rng.choice((_PAPER, _INK))
        drawn[y : y + 3, :] = tone
        drawn[:, x : x + 3] = tone
    _one(scene, code, _usual(scene))
    scene.blur(1)


def _glare(scene: Scene) -> None:
    look, rng = _usual(scene, 6, 10), scene.rng
    code = make_code(rng)
    x, y = _one(scene, code, look)
    side = code.modules.shape[0] * look.module
    place = (x + rng.uniform(-0.6, 0.6) * side, y + rng.uniform(-0.6, 0.6) * side)
    scene.spot(place, (side * rng.uniform(0.3, 0.8), side * rng.uniform(0.1, 0.3)), 260)
    scene.spot(place, (side, side), rng.uniform(30, 110))
    scene.blur(1.2)


def _high_version(scene: Scene) -> None:
    version = scene.rng.randint(25, 40)
    code = make_code(scene.rng, version=version)
    look = _usual(scene, 3, 5.5)
    look.module = min(look.module, scene.size[1] / code.modules.shape[0] / 1.2)
    look.tilt = (look.tilt[0] / 2, look.tilt[1] / 2)
    look.bend = scene.rng.choice((0, 0, 0.3))
    _one(scene, code, look)
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
    rng, look = scene.rng, _usual(scene, 8, 14)
    _one(scene, make_code(rng, 20), look)
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
    finders = [(_QUIET, _QUIET), (side - _QUIET - 7, _QUIET), (_QUIET, side - _QUIET - 7)]
    if kind == "dots":
        away = np.hypot(xs % 1 - 0.5, ys % 1 - 0.5)
        is_finder = np.zeros_like(xs, bool)
        for left, top in finders:
            is_finder |= (xs >= left) & (xs < left + 7) & (ys >= top) & (ys < top + 7)
        drawn[(away > 0.42) & ~is_finder] = _PAPER
    elif kind == "rounded":
        for left, top in finders:
            away = np.hypot(xs - left - 3.5, ys - top - 3.5)
            box = (xs >= left) & (xs < left + 7) & (ys >= top) & (ys < top + 7)
            dark = ((away < 3.6) & (away > 2.6)) | (away < 1.6)
            drawn[box] = np.where(dark, _INK, _PAPER)[box]
    elif kind == "crowded":
        outside = (xs < _QUIET) | (ys < _QUIET) | (xs > side - _QUIET) | (ys > side - _QUIET)
        drawn[outside] = rng.choice((_INK, 110))
    elif kind == "inverted":
        drawn[:] = _INK + _PAPER - drawn
    else:
        drawn[:] = np.where(drawn < 100, rng.uniform(150, 190), _PAPER)
    _one(scene, code, _usual(scene))
    scene.blur(1)


def _pathological(scene: Scene) -> None:
    rng = scene.rng
    # Finder patterns beside the code and of its size, that belong to nothing.
    look = _usual(scene)
    code = make_code(rng)
    _one(scene, code, look)
    for _ in range(rng.randint(3, 12)):
        half = round(3.5 * look.module)
        x = rng.randrange(half, scene.size[0] - half)
        y = rng.randrange(half, scene.size[1] - half)
        box = scene.pixels[y - half : y + half, x - half : x + half]
        if abs(float(box.mean()) - float(box[0, 0])) < 6 and box.std() < 10:
            ys, xs = np.mgrid[0 : 2 * half, 0 : 2 * half]
            ring = np.maximum(abs(xs - half + 0.5), abs(ys - half + 0.5)) / look.module
            box[:] = np.where((ring > 2.5) | (ring < 1.5), _INK, _PAPER)
    scene.blur(0.8)


def _perspective(scene: Scene) -> None:
    look, rng = _usual(scene, 5, 9), scene.rng
    strength, towards = rng.uniform(0.4, 0.9), rng.uniform(0, 2 * math.pi)
    look.tilt = (strength * math.cos(towards), strength * math.sin(towards))
    look.stretch = rng.uniform(0.55, 1)
    _one(scene, make_code(rng), look)
    scene.blur(1)


def _rotations(scene: Scene) -> None:
    look = _usual(scene, 3, 8)
    look.angle = scene.rng.uniform(0, 2 * math.pi)
    _one(scene, make_code(scene.rng), look)
    scene.blur(1)


def _shadows(scene: Scene) -> None:
    code, look = make_code(scene.rng), _usual(scene)
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


def make_photo(category: str, number: int, seed: int) -> tuple[Image.Image, list[str]]:
    """One picture and the text of every code in it."""
    size = (2000, 1500) if category == "close" else (1000, 750)
    scene = Scene(random.Random(f"{seed}/{category}/{number}"), size)
    _CATEGORIES[category](scene)
    return scene.image(), scene.texts


def make_phone_file(number: int, seed: int, readable_at: int = 4) -> tuple[bytes, str]:
    """A JPEG file of 12 megapixels and about 2 MB, as a phone writes it, and its one text.

    The code's modules have 2.6 to 5.5 pixels at 1/`readable_at` of the width, and are as sharp as
    that allows.
    """
    rng = random.Random(f"{seed}/phone/{number}")
    scene = Scene(rng, (4032 // readable_at, 3024 // readable_at))
    look = Look(rng.uniform(2.6, 5.5), rng.gauss(0, 0.25), (rng.uniform(-0.1, 0.1), 0))
    _one(scene, make_code(rng), look)
    photo = scene.image(0).resize((4032, 3024), Image.Resampling.BICUBIC)
    grain = scene.noise.normal(0, 2.6, (3024, 4032)).astype(np.float32)
    gray = Image.fromarray(np.clip(np.asarray(photo, np.float32) + grain, 0, 255).astype(np.uint8))
    tint = (gray.point(lambda v: min(255, v + 6)), gray, gray.point(lambda v: max(0, v - 9)))
    stream = io.BytesIO()
    Image.merge("RGB", tint).save(stream, "JPEG", quality=92)
    return stream.getvalue(), scene.texts[0]
