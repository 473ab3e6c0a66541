"""Photographs and what is hard about them: bent paper, light on dark, finders left over."""

import numpy as np
import pytest
from PIL import Image, ImageOps

import core_rs
from tests.benchmarks.qr.photos import make_photo
from tests.core_rs.test_qr_decode import CARD, gray_of, picture, texts_of


def test_an_image_after_a_larger_one_is_read_alone():
    texts = ["một " * 30, "hai", "ba " * 60, "bốn"]
    images = [gray_of(picture(text)) for text in texts] * 5
    for threads in (1, 2):
        answers = core_rs.decode_many(images, threads=threads)
        assert [texts_of(symbols) for symbols in answers] == [[text] for text in texts] * 5


def test_pixels_apart_in_memory_are_read():
    wide = np.asarray(ImageOps.expand(picture(CARD), 20, 255))
    between = np.repeat(wide, 3, axis=1)[:, 1::3]
    assert not between.flags["C_CONTIGUOUS"]
    [alone] = core_rs.decode_gray(between)
    [[among_many]] = core_rs.decode_many([between])
    assert alone.text == among_many.text == CARD


def test_light_on_dark_is_read_on_a_photo_in_the_fast_mode_too():
    whole = Image.new("L", (1400, 1000), 60)
    whole.paste(ImageOps.invert(picture(CARD, scale=6)), (300, 200))
    assert texts_of(core_rs.decode_gray(gray_of(whole))) == [CARD]


def test_finders_left_over_on_a_large_photo_give_no_symbol_twice():
    """They are reason to ask the other decoder, which reads the same symbol at half the size."""
    photo = Image.new("L", (3000, 2000), 220)
    photo.paste(picture(CARD, scale=6), (300, 300))
    scale = 12
    finder = Image.new("L", (9 * scale, 9 * scale), 255)
    finder.paste(0, (scale, scale, 8 * scale, 8 * scale))
    finder.paste(255, (2 * scale, 2 * scale, 7 * scale, 7 * scale))
    finder.paste(0, (3 * scale, 3 * scale, 6 * scale, 6 * scale))
    for place in ((1500, 200), (1900, 1400), (2500, 700), (700, 1500)):
        photo.paste(finder, place)
    [symbol] = core_rs.decode_gray(gray_of(photo), mode="thorough")
    assert symbol.text == CARD
    assert symbol.corners[0] == pytest.approx((300 + 24, 300 + 24), abs=8)


def test_codes_around_bottles_are_read_in_the_thorough_mode():
    pictures = [make_photo("bottle", number, 11) for number in range(16)]
    read = [texts_of(core_rs.decode_gray(gray_of(image), mode="thorough")) for image, _ in pictures]
    assert all(set(texts) <= set(known) for texts, (_, known) in zip(read, pictures, strict=True))
    # Without the curve: 7.
    assert sum(map(bool, read)) >= 12


@pytest.mark.parametrize("mode", ["fast", "thorough"])
@pytest.mark.parametrize("shape", [(1, 1_500_000), (3, 700_000), (1_500_000, 1), (700_000, 3)])
def test_lines_of_pixels_are_no_code(shape, mode):
    pixels = np.random.default_rng(5).integers(0, 256, shape, np.uint8)
    assert core_rs.decode_gray(pixels, mode=mode) == []
