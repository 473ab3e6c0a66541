"""Seeded frames of a queue's camera: an ID card's QR code, 640 × 480, in four levels of damage.

The levels are calibrated so that the zxing-cpp 3.1.1 wheel reads 99, 95, 43 and 3 % of them (± 3);
`calibration` in docs/qr.md has the figures. Everything random comes from one seed a frame, so a
frame is the same on every machine with the same Pillow.
"""

import io
import math
import random
from dataclasses import dataclass

import segno
from PIL import Image, ImageChops, ImageDraw, ImageFilter

SIZE = (640, 480)
SEED = 20_260_801
_MODULE = 10  # pixels a module in the drawing, before the camera

_SURNAMES = ("Thử", "Mẫu", "Giả", "Thí")
_MIDDLES = ("Nghiệm", "Thị Ví", "Văn Dụ", "Ngọc Bản", "Đức Phép")
_GIVENS = ("Một", "Hai", "Bảy", "Tám", "Chín", "Ưu", "Ổn", "Ý", "Quyền")
_PLACES = ("Thôn Mẫu", "Tổ dân phố Ví Dụ", "Khu phố 3", "Xóm Thử")
_COMMUNES = ("Hải Lăng", "Đông Hà", "Cam Lộ", "Triệu Phong", "Vĩnh Linh", "Hướng Hóa")


@dataclass(frozen=True)
class Level:
    """Ranges of the damage, each drawn evenly: blur in modules, the others in gray levels."""

    module_px: tuple[float, float]
    blur: tuple[float, float]
    motion: tuple[float, float]
    noise: tuple[float, float]
    contrast: tuple[float, float]
    shadow: tuple[float, float]
    tilt: tuple[float, float]
    jpeg_quality: tuple[int, int]


LEVELS = (
    Level((2.8, 6), (0.1, 0.37), (0, 0.3), (1, 5), (110, 200), (0, 0.3), (0, 0.1), (78, 95)),
    Level((2.2, 6), (0.15, 0.44), (0, 0.6), (2, 7), (90, 190), (0, 0.55), (0, 0.15), (60, 92)),
    Level((2.0, 4), (0.27, 0.55), (0, 0.8), (2, 7), (80, 170), (0.2, 0.6), (0, 0.2), (50, 85)),
    Level((2.0, 3.4), (0.38, 0.64), (0.1, 1.0), (3, 8), (70, 150), (0.3, 0.7), (0, 0.25), (45, 80)),
)


@dataclass(frozen=True)
class Frame:
    """One picture of the camera, and the text it shows."""

    level: int
    image: Image.Image
    text: str


def make_frames(count: int, level: int, seed: int = SEED) -> list[Frame]:
    """The first `count` frames of a level."""
    return [make_frame(level, number, seed) for number in range(count)]


def make_frame(level: int, number: int, seed: int = SEED) -> Frame:
    """One frame: a card on a table, then light, lens, movement, sensor and JPEG."""
    rng = random.Random(f"{seed}/{level}/{number}")
    damage = LEVELS[level]
    text = card_text(rng)
    module_px = rng.uniform(*damage.module_px)
    error = rng.choice("lmq")
    code = segno.make(text, error=error, micro=False, mode="byte", boost_error=False)
    while not 6 <= code.version <= 12:
        error = rng.choice("lmq")
        code = segno.make(text, error=error, micro=False, mode="byte", boost_error=False)
    image = _photograph(_card(code, rng), module_px, code.symbol_size(border=4)[0], damage, rng)
    image = _light(image, damage, rng)
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(*damage.blur) * module_px))
    image = _move(image, rng.uniform(*damage.motion) * module_px, rng.uniform(0, math.pi))
    image = _noise(image, rng.uniform(*damage.noise), rng)
    return Frame(level, _jpeg(image, rng.randint(*damage.jpeg_quality)), text)


def card_text(rng: random.Random) -> str:
    """The text of a card in the form of 2021, of a person who does not exist."""
    name = " ".join(rng.choice(part) for part in (_SURNAMES, _MIDDLES, _GIVENS))
    born = f"{rng.randint(1, 28):02}{rng.randint(1, 12):02}{rng.randint(1940, 2020)}"
    issued = f"{rng.randint(1, 28):02}{rng.randint(1, 12):02}2021"
    old_id = f"{rng.randint(0, 10**9 - 1):09}" if rng.random() < 0.6 else ""
    place = ", ".join((rng.choice(_PLACES), rng.choice(_COMMUNES), "Quảng Trị"))
    if rng.random() < 0.4:
        place = f"Số {rng.randint(1, 400)} đường Thử Nghiệm, {place}"
    number = f"045{rng.randint(0, 10**9 - 1):09}"
    return f"{number}|{old_id}|{name}|{born}|{rng.choice(('Nam', 'Nữ'))}|{place}|{issued}"


def _card(code: segno.QRCode, rng: random.Random) -> Image.Image:
    """The drawing: the code on a light card with print around it, on a textured table."""
    stream = io.BytesIO()
    code.save(stream, kind="png", scale=_MODULE, border=4)
    symbol = Image.open(stream).convert("L")
    side = symbol.width
    table = rng.randint(30, 160)
    drawing = Image.new("L", (side * 3, side * 3), table)
    pen = ImageDraw.Draw(drawing)
    for _ in range(60):
        x, y = rng.randint(0, side * 3), rng.randint(0, side * 3)
        tone = max(0, min(255, table + rng.randint(-30, 30)))
        pen.line((x, y, x + rng.randint(-side, side), y + rng.randint(-60, 60)), tone, 6)
    margin = rng.randint(side // 12, side // 3)
    pen.rectangle((side - margin * 2, side - margin, side * 2 + margin, side * 2 + margin), 245)
    for row in range(side, side * 2, 60):
        x = side * 2 + 10
        while x < side * 2 + margin - 30:
            width = rng.randint(6, 30)
            pen.rectangle((x, row, x + width, row + rng.randint(15, 35)), rng.randint(20, 120))
            x += width + rng.randint(5, 20)
    drawing.paste(symbol, (side, side))
    return drawing


def _photograph(
    drawing: Image.Image, module_px: float, modules: int, damage: Level, rng: random.Random
) -> Image.Image:
    """The drawing seen by a tilted camera, at about `module_px` pixels a module."""
    angle = rng.gauss(0, 0.35) if rng.random() < 0.7 else rng.uniform(0, 2 * math.pi)
    tilt, towards = rng.uniform(*damage.tilt), rng.uniform(0, 2 * math.pi)
    spread = (abs(math.cos(angle)) + abs(math.sin(angle))) * (1 + tilt)
    half = min(modules * module_px / 2, SIZE[1] / 2 / spread)  # the whole code is in the frame
    scale = half * 2 / modules / _MODULE
    room_x, room_y = SIZE[0] / 2 - half * spread, SIZE[1] / 2 - half * spread
    centre_x = SIZE[0] / 2 + rng.uniform(-1, 1) * room_x
    centre_y = SIZE[1] / 2 + rng.uniform(-1, 1) * room_y
    # From a pixel of the frame to the drawing: turn about the centre, divide by the depth.
    depth_x = tilt * math.cos(towards) / (half * 2)
    depth_y = tilt * math.sin(towards) / (half * 2)
    cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
    middle = drawing.width / 2
    a, b, d, e = cos, sin, -sin, cos
    g, h = depth_x, depth_y
    fine = 3  # the camera's pixels are areas: sample finely, then take means
    base = 1 - g * centre_x - h * centre_y
    rows = (
        (a + middle * g) / fine,
        (b + middle * h) / fine,
        -a * centre_x - b * centre_y + middle * base,
        (d + middle * g) / fine,
        (e + middle * h) / fine,
        -d * centre_x - e * centre_y + middle * base,
        g / fine,
        h / fine,
    )
    rows = tuple(value / base for value in rows)
    size = (SIZE[0] * fine, SIZE[1] * fine)
    seen = drawing.transform(size, Image.Transform.PERSPECTIVE, rows, Image.Resampling.BILINEAR)
    return seen.resize(SIZE, Image.Resampling.BOX)


def _light(image: Image.Image, damage: Level, rng: random.Random) -> Image.Image:
    """Less contrast, another brightness, and a soft shadow across the frame."""
    contrast = rng.uniform(*damage.contrast)
    floor = rng.uniform(5, 245 - contrast)
    image = image.point([round(floor + value * contrast / 255) for value in range(256)])
    strength = rng.uniform(*damage.shadow)
    mask = Image.new("L", (SIZE[0] // 8, SIZE[1] // 8), 255)
    pen = ImageDraw.Draw(mask)
    x, slope = rng.uniform(10, 70), rng.uniform(-40, 40)
    dark = round(255 * (1 - strength))
    pen.polygon([(x, 0), (x + slope, 60), (80, 60), (80, 0)], dark)
    mask = mask.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 8))).resize(SIZE)
    if rng.random() < 0.5:
        mask = mask.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return ImageChops.multiply(image, mask)


def _move(image: Image.Image, length: float, angle: float) -> Image.Image:
    """The mean of the frame along a short straight path."""
    steps = max(1, math.ceil(length * 2))
    mean = image
    for step in range(1, steps):
        shift = (step / (steps - 1) - 0.5) * length
        matrix = (1, 0, shift * math.cos(angle), 0, 1, shift * math.sin(angle))
        moved = image.transform(SIZE, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
        mean = Image.blend(mean, moved, 1 / (step + 1))
    return mean


def _noise(image: Image.Image, sigma: float, rng: random.Random) -> Image.Image:
    """Normal noise: each random byte stands for a quantile of the normal distribution."""
    quantiles = [_normal_quantile((value + 0.5) / 256) for value in range(256)]
    grain = Image.frombytes("L", SIZE, rng.randbytes(SIZE[0] * SIZE[1]))
    grain = grain.point([round(128 + q * sigma) for q in quantiles])
    return ImageChops.add(image, grain, 1, -128)


def _normal_quantile(p: float) -> float:
    low, high = -6.0, 6.0
    for _ in range(40):
        middle = (low + high) / 2
        if 0.5 * math.erfc(-middle / math.sqrt(2)) < p:
            low = middle
        else:
            high = middle
    return low


def _jpeg(image: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("L")
