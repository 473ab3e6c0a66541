"""Seeded pictures of what is rare and hard, beside the look-alikes of known photos.

Every family is one difficulty, taken to where reading just ends: it shows what a change gains or
loses.
"""

import math
from collections.abc import Callable

import numpy as np
from PIL import Image

from tests.benchmarks.qr.scene import INK, PAPER, QUIET, Look, Scene, make_code, place_whole


def _bottle(scene: Scene) -> None:
    """Around a bottle seen from above or below, its axis anywhere."""
    rng = scene.rng
    look = Look(rng.uniform(4, 8), rng.uniform(0, 2 * math.pi))
    look.bend = rng.uniform(0.8, 1.9)
    look.axis = rng.choice((0, math.pi / 2, rng.uniform(0, math.pi)))
    look.lean = rng.uniform(-0.6, 0.6)
    place_whole(scene, make_code(rng, rng.choice((4, 20, 60, 120))), look)
    scene.blur(1)


def _large_bent(scene: Scene) -> None:
    """Versions 25 to 40 on paper that does not lie flat."""
    rng = scene.rng
    code = make_code(rng, version=rng.randint(25, 40))
    look = Look(0, rng.gauss(0, 0.3), (rng.uniform(-0.2, 0.2), rng.uniform(-0.2, 0.2)))
    look.module = min(5.0, scene.size[1] / code.modules.shape[0] / 1.25)
    look.bend, look.axis = rng.uniform(0.2, 0.9), rng.uniform(0, math.pi)
    look.lean = rng.uniform(-0.4, 0.4)
    place_whole(scene, code, look)
    scene.blur(0.6)


def _minute(scene: Scene) -> None:
    """Modules of 1.4 to 2 pixels."""
    rng = scene.rng
    place_whole(scene, make_code(rng, 12), Look(rng.uniform(1.4, 2), rng.gauss(0, 0.3)))
    scene.blur(0.5)


def _cornered(scene: Scene) -> None:
    """At the picture's edges, without a quiet zone there."""
    rng, code = scene.rng, make_code(scene.rng)
    look = Look(rng.uniform(3, 8), rng.choice((0, 1, 2, 3)) * math.pi / 2)
    half = (code.modules.shape[0] / 2 - QUIET + rng.uniform(0, 0.6)) * look.module
    x = rng.choice((half, scene.size[0] - half))
    y = rng.choice((half, scene.size[1] - half))
    scene.put(code, (x, y), look)
    scene.blur(0.8)


def _on_texture(scene: Scene) -> None:
    """Printed on cloth, without a quiet zone of its own."""
    rng, code = scene.rng, make_code(scene.rng)
    weave = scene.noise.normal(0, rng.uniform(10, 40), (scene.size[1] // 2, scene.size[0] // 2))
    cloth = Image.fromarray(weave.astype(np.float32)).resize(scene.size, Image.Resampling.BICUBIC)
    bare = code.drawing.shape[0] * QUIET // code.modules.shape[0]
    code.drawing = code.drawing[bare:-bare, bare:-bare]
    code.modules = code.modules[QUIET:-QUIET, QUIET:-QUIET]
    scene.pixels += 60
    place_whole(scene, code, Look(rng.uniform(3, 8), rng.uniform(0, 2 * math.pi)))
    scene.pixels = scene.pixels + np.asarray(cloth)
    scene.blur(1)


def _mirrored(scene: Scene) -> None:
    """Seen from behind, light on dark, or both, and not square."""
    rng, code = scene.rng, make_code(scene.rng)
    kind = rng.choice(("mirrored", "light", "both", "oblong"))
    if kind in {"mirrored", "both"}:
        code.drawing = code.drawing[:, ::-1]
    if kind in {"light", "both"}:
        code.drawing = INK + PAPER - code.drawing
    look = Look(rng.uniform(3, 8), rng.gauss(0, 0.3))
    if kind == "oblong":
        look.stretch = rng.choice((0.5, 0.6, 1.6, 1.9))
    place_whole(scene, code, look)
    scene.blur(1)


def _sun(scene: Scene) -> None:
    """The sun on glossy paper: light that swallows a part, and streaks and sparks around."""
    rng, code = scene.rng, make_code(scene.rng)
    look = Look(rng.uniform(5, 10), rng.gauss(0, 0.3), (rng.uniform(-0.2, 0.2), 0))
    x, y = place_whole(scene, code, look)
    side = code.modules.shape[0] * look.module
    scene.pixels *= rng.uniform(0.35, 0.7)
    for _ in range(rng.randint(1, 3)):
        place = (x + rng.uniform(-0.5, 0.5) * side, y + rng.uniform(-0.5, 0.5) * side)
        scene.spot(place, (side * rng.uniform(0.2, 0.6), side * rng.uniform(0.04, 0.12)), 300)
    for _ in range(rng.randint(5, 40)):
        place = (x + rng.uniform(-0.6, 0.6) * side, y + rng.uniform(-0.6, 0.6) * side)
        scene.spot(place, (look.module * rng.uniform(0.2, 0.8),) * 2, 350)
    scene.spot((x, y), (side, side), rng.uniform(0, 60))
    scene.blur(1)


def _torn(scene: Scene) -> None:
    """One finder gone: torn off, covered or blinded."""
    rng, code = scene.rng, make_code(scene.rng)
    drawn = code.drawing
    scale, side = drawn.shape[0] // code.modules.shape[0], code.modules.shape[0]
    reach = rng.uniform(3, 7.5)
    corner = rng.choice(
        ((QUIET, QUIET), (side - QUIET - reach, QUIET), (QUIET, side - QUIET - reach))
    )
    left, top = (round(c * scale) for c in corner)
    end = round(reach * scale)
    drawn[top : top + end, left : left + end] = rng.choice((INK, 130, PAPER))
    place_whole(scene, code, Look(rng.uniform(4, 9), rng.uniform(0, 2 * math.pi)))
    scene.blur(1)


def _rack(scene: Scene) -> None:
    """Tubes in a rack seen askew: the far ones are small."""
    rng = scene.rng
    width, height = scene.size
    y, module = height * 0.9, rng.uniform(3.2, 4.5)
    while y > height * 0.12 and module > 1.5:
        pitch = 29 * module * 1.5
        x = width / 2 % pitch + rng.uniform(-0.1, 0.1) * pitch
        while x < width - pitch * 0.6:
            if x > pitch * 0.6:
                scene.put(make_code(rng, 1), (x, y), Look(module, rng.gauss(0, 0.1)))
            x += pitch
        module *= 0.86
        y -= 29 * module * 1.7
    scene.blur(0.5)


FAMILIES: dict[str, Callable[[Scene], None]] = {
    "bottle": _bottle,
    "large_bent": _large_bent,
    "minute": _minute,
    "cornered": _cornered,
    "on_texture": _on_texture,
    "mirrored": _mirrored,
    "sun": _sun,
    "torn": _torn,
    "rack": _rack,
}
