"""A picture that is being made: codes, light, lens, hand and sensor, all from one seed."""

import math
import random
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import segno
from PIL import Image, ImageFilter

Pixels = npt.NDArray[np.float32]

INK, PAPER = 30.0, 235.0
QUIET = 4  # modules


@dataclass
class Look:
    """How one code lies in the picture; lengths in pixels, angles in radians."""

    module: float
    angle: float = 0.0
    tilt: tuple[float, float] = (0.0, 0.0)  # change of depth over the symbol's width and height
    bend: float = 0.0  # radians of a cylinder that the symbol's width covers
    axis: float = 0.0  # of the cylinder, from the symbol's columns
    lean: float = 0.0  # of the cylinder's axis towards the camera
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
            u, v = _unrolled(u, v, side, look)
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
    modules = np.array([list(row) for row in made.matrix_iter(border=QUIET)], np.uint8)
    return Code(text, modules, _print(modules))


def _unrolled(u: Pixels, v: Pixels, side: int, look: Look) -> tuple[Pixels, Pixels]:
    """Places on the paper around a cylinder of what is seen there, in modules from the middle."""
    cos, sin = math.cos(look.axis), math.sin(look.axis)
    across, along = u * cos + v * sin, v * cos - u * sin
    radius = side / look.bend
    angle = np.arcsin(np.clip(across / radius, -0.999, 0.999))
    across = radius * angle
    along = (along + radius * (1 - np.cos(angle)) * math.sin(look.lean)) / math.cos(look.lean)
    return across * cos - along * sin, along * cos + across * sin


def _print(modules: npt.NDArray[np.uint8], scale: int = 8) -> Pixels:
    tones = np.where(modules, INK, PAPER).astype(np.float32)
    return np.repeat(np.repeat(tones, scale, 0), scale, 1)


def place_whole(scene: Scene, code: Code, look: Look) -> tuple[float, float]:
    """Puts a code where it is whole, and says where that is."""
    half = code.modules.shape[0] * look.module * 0.72 * max(1.0, look.stretch)
    width, height = scene.size
    slack_x, slack_y = max(0.0, width / 2 - half), max(0.0, height / 2 - half)
    x = width / 2 + scene.rng.uniform(-slack_x, slack_x)
    y = height / 2 + scene.rng.uniform(-slack_y, slack_y)
    scene.put(code, (x, y), look)
    return x, y


def usual_look(scene: Scene, low: float = 4.0, high: float = 9.0) -> Look:
    rng = scene.rng
    tilt = (rng.uniform(-0.12, 0.12), rng.uniform(-0.12, 0.12))
    return Look(rng.uniform(low, high), rng.gauss(0, 0.2), tilt)
