"""Image → QR symbols: files, gray arrays, many at a time, limits and errors."""

import io
import json
import random
import struct

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import core_rs
from tests.shared_data import shared_data

CARD = "045090000011|191000011|Thử Nghiệm Một|02011990|Nam|Thôn Mẫu, Hải Lăng, Quảng Trị|15042021"


def picture(*texts: str, scale: int = 5, error: str = "m") -> Image.Image:
    """The codes of the texts side by side, dark on light, with their quiet zones."""
    codes = []
    for text in texts:
        stream = io.BytesIO()
        code = segno.make(text, error=error, micro=False, mode="byte")
        code.save(stream, kind="png", scale=scale)
        codes.append(Image.open(stream).convert("L"))
    size = (sum(c.width for c in codes), max(c.height for c in codes))
    whole = Image.new("L", size, 255)
    left = 0
    for code in codes:
        whole.paste(code, (left, 0))
        left += code.width
    return whole


def file_of(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def gray_of(image: Image.Image) -> memoryview:
    return memoryview(image.tobytes()).cast("B", (image.height, image.width))


def texts_of(symbols: list[core_rs.Symbol]) -> list[str | None]:
    return [symbol.text for symbol in symbols]


@pytest.mark.parametrize("mode", ["fast", "thorough"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_card_is_read_with_its_vietnamese_text_and_raw_bytes(kind, mode):
    [symbol] = core_rs.decode_image(file_of(picture(CARD), kind), mode=mode)
    assert symbol.text == CARD
    assert symbol.raw == CARD.encode()
    assert CARD not in repr(symbol)


@pytest.mark.parametrize("image_mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_is_read(image_mode):
    image = picture(CARD)
    image = image.convert("I").point(lambda v: v * 257) if image_mode == "I;16" else image
    data = file_of(image.convert(image_mode))
    assert texts_of(core_rs.decode_image(data)) == [CARD]


def test_a_see_through_background_counts_as_white_paper():
    image = picture(CARD)
    ink = Image.new("RGBA", image.size, (0, 0, 0, 0))
    ink.paste((0, 0, 0, 255), mask=image.point(lambda v: 255 - v))
    assert texts_of(core_rs.decode_image(file_of(ink))) == [CARD]


def test_all_codes_of_an_image_are_read():
    texts = {"QTI2108150001234", CARD, "https://qr.example.gov.vn/v/7K3M9P2Q"}
    symbols = core_rs.decode_gray(gray_of(picture(*texts)), mode="thorough")
    assert sorted(texts_of(symbols)) == sorted(texts)


def test_two_codes_of_the_same_text_are_two_symbols():
    symbols = core_rs.decode_gray(gray_of(picture("ống 7", "ống 7")), mode="thorough")
    assert texts_of(symbols) == ["ống 7", "ống 7"]


@pytest.mark.parametrize("quarter_turns", range(4))
def test_corners_start_at_the_symbols_own_top_left_and_go_clockwise(quarter_turns):
    image = picture("A" * 20, scale=6)
    left, right = 4 * 6, image.width - 4 * 6
    square = [(left, left), (right, left), (right, right), (left, right)]
    turned = image.rotate(-90 * quarter_turns)
    [symbol] = core_rs.decode_gray(gray_of(turned))
    expected = square[quarter_turns:] + square[:quarter_turns]
    for got, wanted in zip(symbol.corners, expected, strict=True):
        assert got == pytest.approx(wanted, abs=6)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_the_corners_upright(orientation):
    image = picture("B" * 20, scale=6)
    wide = Image.new("L", (image.width * 2, image.height), 255)
    wide.paste(image, (0, 0))
    back = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = wide.transpose(back) if back is not None else wide
    exif = Image.Exif()
    exif[0x0112] = orientation
    [symbol] = core_rs.decode_image(file_of(stored, "JPEG", exif=exif.tobytes()))
    left, right = 4 * 6, image.width - 4 * 6
    square = [(left, left), (right, left), (right, right), (left, right)]
    for got, wanted in zip(symbol.corners, square, strict=True):
        assert got == pytest.approx(wanted, abs=6)


def test_a_large_photo_is_read_at_a_coarse_scale_with_corners_of_the_full_one():
    image = picture(CARD, scale=12)
    photo = Image.new("L", (3000, 2000), 200)
    photo.paste(image, (1200, 400))
    [symbol] = core_rs.decode_image(file_of(photo, "JPEG"))
    assert symbol.text == CARD
    assert symbol.corners[0] == pytest.approx((1200 + 48, 400 + 48), abs=8)


def test_an_image_without_a_code_has_no_symbols():
    assert core_rs.decode_gray(gray_of(Image.new("L", (64, 48), 128)), mode="thorough") == []
    assert core_rs.decode_gray(gray_of(Image.new("L", (1, 1), 0))) == []


def test_rows_of_a_view_are_respected():
    image = picture(CARD)
    padded = Image.new("L", (image.width + 13, image.height), 255)
    padded.paste(image, (0, 0))
    rows = gray_of(padded)
    assert texts_of(core_rs.decode_gray(rows)) == [CARD]
    with pytest.raises(TypeError, match="two dimensions"):
        core_rs.decode_gray(b"123")
    with pytest.raises(TypeError, match="decode_gray"):
        core_rs.decode_image(rows)


def code_of(raised: pytest.ExceptionInfo) -> str:
    assert isinstance(raised.value, core_rs.CoreError)
    return raised.value.code


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "qr.empty_file"),
        (b"GIF89a", "qr.unknown_format"),
        (b"\xff\xd8\xff\xe0", "qr.damaged_jpeg"),
        (b"\x89PNG\r\n\x1a\n", "qr.damaged_png"),
    ],
)
def test_a_file_that_is_no_image_is_a_clear_error(data, code):
    with pytest.raises(core_rs.QrError) as raised:
        core_rs.decode_image(data)
    assert code_of(raised) == code


def test_a_small_file_that_claims_many_pixels_is_refused_before_they_are_decoded():
    data = bytearray(file_of(Image.new("L", (8, 8), 255)))
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    crc = struct.pack(">I", __import__("zlib").crc32(data[12:29]))
    data[29:33] = crc
    with pytest.raises(core_rs.QrError, match="60000 × 60000") as raised:
        core_rs.decode_image(bytes(data))
    assert code_of(raised) == "qr.too_many_pixels"
    with pytest.raises(core_rs.QrError) as raised:
        core_rs.decode_image(file_of(picture(CARD)), max_pixels=100)
    assert code_of(raised) == "qr.too_many_pixels"


def test_no_time_is_a_clear_error():
    with pytest.raises(core_rs.QrError) as raised:
        core_rs.decode_image(file_of(picture(CARD)), deadline_ms=0)
    assert code_of(raised) == "qr.deadline"


def test_many_images_keep_their_order_and_a_bad_one_stays_alone():
    texts = [f"ống số {n}" for n in range(12)]
    images: list = [file_of(picture(text)) for text in texts]
    images[3] = gray_of(picture(texts[3]))
    images.insert(5, b"not an image")
    for threads in (None, 1, 2, 40):
        answers = core_rs.decode_many(images, threads=threads)
        refused = answers.pop(5)
        assert isinstance(refused, core_rs.QrError)
        assert refused.code == "qr.unknown_format"
        assert [texts_of(symbols) for symbols in answers] == [[text] for text in texts]
    assert core_rs.decode_many([]) == []


def test_a_mode_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="thorough"):
        core_rs.decode_image(b"", mode="best")


@given(st.binary(max_size=400), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]))
def test_any_bytes_give_symbols_or_a_qr_error(tail, head):
    [answer] = core_rs.decode_many([head + tail])
    assert isinstance(answer, list) or answer.code.startswith("qr.")


FOLDERS = ["zxing-1", "zxing-3", "zxing-5", "boof-pathological"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_real_photos_are_never_read_wrongly(folder):
    photos = shared_data("qr_photos") / folder
    for entry in json.loads((photos / "manifest.json").read_text()):
        data = (photos / entry["file"]).read_bytes()
        read = texts_of(core_rs.decode_image(data, mode="thorough"))
        unexpected = [text for text in read if text not in entry["expected"]]
        unknown_count = entry["codes"] - len(entry["expected"])
        assert len(unexpected) <= unknown_count, entry["file"]
        if folder.startswith("zxing"):
            assert set(entry["expected"]) <= set(read), entry["file"]


def rack(near: int, far: int) -> Image.Image:
    """Two rows of codes: the near one with modules of `near` pixels, the far one of `far`."""
    codes = [picture(f"ONG {n}", scale=near if n < 4 else far) for n in range(8)]
    whole = Image.new("L", (3200, 2400), 235)
    for n, code in enumerate(codes):
        whole.paste(code, (150 + n % 4 * 750, 1500 if n < 4 else 500))
    return whole


def test_the_far_tubes_of_a_large_photo_are_read_in_the_fast_mode_too():
    # At a quarter of its size the photo shows the near row with two pixels a module, the far row
    # with one.
    data = file_of(rack(8, 4), "JPEG")
    texts = sorted(texts_of(core_rs.decode_image(data)))
    assert texts == sorted(f"ONG {n}" for n in range(8))


def finders_of(image: Image.Image, scale: int) -> list[tuple[int, int]]:
    """The top left pixel of each finder of the one code of a picture."""
    far = image.width - (4 + 7) * scale
    return [(4 * scale, 4 * scale), (far, 4 * scale), (4 * scale, far)]


@pytest.mark.parametrize("kind", ["pale middles", "no corners", "dark beside", "half a finder"])
def test_finders_that_are_not_as_they_should_be_are_found_in_the_thorough_mode(kind):
    scale = 7
    image = picture(CARD, scale=scale, error="h")
    for left, top in finders_of(image, scale):
        if kind == "pale middles":
            box = (left + 2 * scale, top + 2 * scale, left + 5 * scale, top + 5 * scale)
            image.paste(140, box)
        if kind == "no corners":
            for x in (left, left + 6 * scale):
                for y in (top, top + 6 * scale):
                    image.paste(255, (x, y, x + scale, y + scale))
    if kind == "dark beside":
        image.paste(0, (image.width - 4 * scale, 0, image.width, image.height))
        image.paste(0, (0, image.height - 4 * scale, image.width, image.height))
    if kind == "half a finder":
        left, top = finders_of(image, scale)[1]
        image.paste(255, (left, top, left + 7 * scale, top + 3 * scale))
    whole = Image.new("L", (1400, 1000), 90)
    whole.paste(image, (300, 200))
    assert texts_of(core_rs.decode_gray(gray_of(whole), mode="thorough")) == [CARD]


@pytest.mark.parametrize("mode", ["fast", "thorough"])
def test_a_micro_code_is_none_of_ours(mode):
    """One finder and little redundancy: random modules would pass for one."""
    stream = io.BytesIO()
    segno.make_micro("48").save(stream, kind="png", scale=6, border=12)
    assert core_rs.decode_image(stream.getvalue(), mode=mode) == []


def modules_between_true_finders(seed: int) -> Image.Image:
    """Random modules where a symbol has its data, in a frame of a symbol of versions 1 to 5."""
    rng = random.Random(seed)
    size, scale = rng.choice([21, 25, 29, 33, 37]), rng.randint(4, 7)
    dark = [[rng.random() < 0.5 for _ in range(size)] for _ in range(size)]
    for top, left in ((0, 0), (0, size - 7), (size - 7, 0)):
        for y in range(max(top - 1, 0), min(top + 8, size)):
            for x in range(max(left - 1, 0), min(left + 8, size)):
                away = max(abs(y - top - 3), abs(x - left - 3))
                dark[y][x] = away in (0, 1, 3)
    for at in range(8, size - 8):
        dark[6][at] = dark[at][6] = at % 2 == 0
    code = Image.new("L", (size, size))
    code.putdata([20 if module else 230 for row in dark for module in row])
    frame = Image.new("L", (400, 400), 230)
    frame.paste(code.resize((size * scale, size * scale), Image.Resampling.NEAREST), (60, 60))
    return frame


@pytest.mark.parametrize("mode", ["fast", "thorough"])
def test_random_modules_between_true_finders_are_no_code(mode):
    for seed in range(120):
        frame = modules_between_true_finders(seed)
        assert core_rs.decode_gray(gray_of(frame), mode=mode) == [], seed
