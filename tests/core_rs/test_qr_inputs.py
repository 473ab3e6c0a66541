"""Every kind of JPEG and PNG that phones, scanners and office programs write, and hostile ones."""

import io
import struct
import time
import zlib

import pytest
from PIL import Image

import core_rs
from tests.core_rs.test_qr_decode import CARD, code_of, file_of, picture, texts_of

_PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


def chunk(kind: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)


def png(width: int, height: int, depth: int, color: int, rows: bytes, interlace: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )


def interlaced(image: Image.Image) -> bytes:
    """Adam7, which Pillow reads but does not write."""
    samples = image.load()
    depth = len(image.getbands())
    rows = bytearray()
    for left, top, step_x, step_y in _PASSES:
        for y in range(top, image.height, step_y):
            row = [samples[x, y] for x in range(left, image.width, step_x)]
            if row:
                rows += b"\0" + bytes(row if depth == 1 else [v for pixel in row for v in pixel])
    return png(image.width, image.height, 8, {1: 0, 2: 4, 3: 2, 4: 6}[depth], bytes(rows), 1)


@pytest.mark.parametrize(
    "options",
    [
        {"progressive": True},
        {"quality": 40, "subsampling": "4:2:0"},
        {"subsampling": "4:4:4", "optimize": True},
        {"restart_marker_rows": 1},
    ],
)
@pytest.mark.parametrize("colors", ["L", "RGB", "CMYK"])
def test_every_kind_of_jpeg_is_read(colors, options):
    data = file_of(picture(CARD).convert(colors), "JPEG", **options)
    assert texts_of(core_rs.decode_image(data)) == [CARD]


@pytest.mark.parametrize("colors", ["L", "LA", "RGB", "RGBA"])
def test_interlaced_files_are_read(colors):
    image = picture(CARD, scale=3)
    data = interlaced(image.convert(colors))
    assert Image.open(io.BytesIO(data)).convert("L").tobytes() == image.tobytes()
    assert texts_of(core_rs.decode_image(data)) == [CARD]


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_few_bits_a_pixel_are_read(depth):
    image = picture(CARD, scale=4)
    per_byte = 8 // depth
    rows = bytearray()
    for y in range(image.height):
        line = [image.getpixel((x, y)) >> (8 - depth) for x in range(image.width)]
        line += [0] * (-len(line) % per_byte)
        rows.append(0)
        for at in range(0, len(line), per_byte):
            value = 0
            for part in line[at : at + per_byte]:
                value = value << depth | part
            rows.append(value)
    data = png(image.width, image.height, depth, 0, bytes(rows))
    assert texts_of(core_rs.decode_image(data)) == [CARD]


@pytest.mark.parametrize("factor", [4, 8, 16])
def test_codes_of_a_phone_photo_are_found_at_the_scale_that_shows_them(factor):
    # 12 megapixels: modules of 4 pixels are lost at 1/4, where the search begins.
    image = picture(CARD, scale=factor)
    photo = Image.new("L", (4000, 3000), 180)
    photo.paste(image, (1500, 900))
    for mode in ("fast", "thorough"):
        [symbol] = core_rs.decode_image(file_of(photo, "JPEG"), mode=mode)
        assert symbol.text == CARD
        assert symbol.corners[0] == pytest.approx((1500 + 4 * factor, 900 + 4 * factor), abs=8)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_file_cut_off_anywhere_is_read_or_refused(kind):
    whole = file_of(picture(CARD), kind)
    for end in range(1, len(whole), max(1, len(whole) // 60)):
        [answer] = core_rs.decode_many([whole[:end]])
        if isinstance(answer, core_rs.QrError):
            assert answer.code in ("qr.unknown_format", f"qr.damaged_{kind.lower()}")
        else:
            assert set(texts_of(answer)) <= {CARD}


@pytest.mark.parametrize(("width", "height"), [(0, 10), (10, 0)])
def test_a_picture_without_pixels_is_refused(width, height):
    with pytest.raises(core_rs.QrError) as raised:
        core_rs.decode_image(png(width, height, 8, 0, b""))
    assert code_of(raised) in ("qr.no_pixels", "qr.damaged_png")


def test_giant_sizes_are_refused_before_anything_is_decoded():
    jpeg = bytearray(file_of(Image.new("L", (8, 8)), "JPEG"))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 65_500, 65_500)
    for data in (png(2**31 - 1, 2**31 - 1, 8, 6, b""), png(2**31 - 1, 1, 8, 0, b""), bytes(jpeg)):
        with pytest.raises(core_rs.QrError) as raised:
            core_rs.decode_image(data)
        assert code_of(raised) in ("qr.too_many_pixels", "qr.damaged_png", "qr.damaged_jpeg")


def test_a_small_file_of_many_pixels_costs_a_bounded_time():
    # 49 million pixels of four channels in a few kilobytes: within the limit of pixels.
    row = b"\0" + bytes(7000 * 4)
    stream = zlib.compressobj(9)
    packed = b"".join(stream.compress(row) for _ in range(7000)) + stream.flush()
    header = struct.pack(">IIBBBBB", 7000, 7000, 8, 6, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed)
    start = time.thread_time()
    assert core_rs.decode_image(data + chunk(b"IEND", b"")) == []
    assert time.thread_time() - start < 10


def test_a_progressive_file_of_endless_scans_is_refused_soon():
    whole = file_of(Image.effect_noise((1500, 1500), 40), "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    scan = whole[last:-2]
    start = time.thread_time()
    [answer] = core_rs.decode_many([whole[:-2] + scan[: len(scan) // 50] * 3000 + b"\xff\xd9"])
    assert time.thread_time() - start < 10
    assert isinstance(answer, (list, core_rs.QrError))
