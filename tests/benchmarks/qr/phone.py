"""Files as a phone writes them: JPEG of 12 megapixels."""

import io
import random

import numpy as np
from PIL import Image

from tests.benchmarks.qr.scene import Look, Scene, make_code, place_whole


def make_phone_file(number: int, seed: int, readable_at: int = 4) -> tuple[bytes, str]:
    """A JPEG file of 12 megapixels and about 2 MB, as a phone writes it, and its one text.

    The code's modules have 2.6 to 5.5 pixels at 1/`readable_at` of the width, and are as sharp as
    that allows.
    """
    rng = random.Random(f"{seed}/phone/{number}")
    scene = Scene(rng, (4032 // readable_at, 3024 // readable_at))
    look = Look(rng.uniform(2.6, 5.5), rng.gauss(0, 0.25), (rng.uniform(-0.1, 0.1), 0))
    place_whole(scene, make_code(rng), look)
    photo = scene.image(0).resize((4032, 3024), Image.Resampling.BICUBIC)
    grain = scene.noise.normal(0, 2.6, (3024, 4032)).astype(np.float32)
    gray = Image.fromarray(np.clip(np.asarray(photo, np.float32) + grain, 0, 255).astype(np.uint8))
    tint = (gray.point(lambda v: min(255, v + 6)), gray, gray.point(lambda v: max(0, v - 9)))
    stream = io.BytesIO()
    Image.merge("RGB", tint).save(stream, "JPEG", quality=92)
    return stream.getvalue(), scene.texts[0]
