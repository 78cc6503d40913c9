"""A picture is upright, on white, in 8 bits, and of the size asked for, whatever its file is like."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tbcli.data.pixels import BrokenImage, decode_image, is_image, read_header
from tests.data.pictures import encoded, picture

FORMS = {"PNG": {}, "BMP": {}, "GIF": {}, "JPEG": {"quality": 95}, "WEBP": {"lossless": True}}
LOSSLESS = ("PNG", "BMP", "WEBP")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_format_gives_its_pixels(form: str, channels: int) -> None:
    content = encoded(picture(1), form, **FORMS[form])
    pixels = decode_image(content, None, channels)
    assert is_image(content[:16])
    assert pixels.shape == (12, 16, channels)
    assert pixels.dtype == np.uint8
    expected = np.asarray(picture(1, grey=channels == 1)).reshape(12, 16, channels).astype(int)
    assert np.abs(pixels - expected).mean() <= (0 if form in LOSSLESS else 16)


@pytest.mark.parametrize("form", FORMS)
def test_a_part_of_a_file_is_broken(form: str) -> None:
    content = encoded(picture(1, (80, 90)), form, **FORMS[form])
    with pytest.raises(BrokenImage):
        decode_image(content[: len(content) // 2], None, 3)


@pytest.mark.parametrize(("content", "reason"), [(b"", "it is empty"), (b"hello", "it is not an image")])
def test_what_is_no_image_says_so(content: bytes, reason: str) -> None:
    with pytest.raises(BrokenImage, match=reason):
        read_header(io.BytesIO(content))
    assert not is_image(content)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("size", [None, (12, 16), (6, 8)])
def test_a_photo_is_turned_as_the_camera_was_held(orientation: int, form: str, size: tuple[int, int] | None) -> None:
    upright = picture(1)
    undo = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT], 3: [Image.Transpose.ROTATE_180], 4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE], 6: [Image.Transpose.ROTATE_90], 7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }  # fmt: skip
    stored = upright
    for operation in undo.get(orientation, []):
        stored = stored.transpose(operation)
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(stored, form, exif=exif, **FORMS[form])
    header = read_header(io.BytesIO(content))
    assert (header.height, header.width) == (12, 16)
    turned, expected = decode_image(content, size, 3), decode_image(encoded(upright), size, 3)
    assert turned.shape == expected.shape
    assert np.abs(turned.astype(int) - expected).mean() < 16  # JPEG alone
    height, width = turned.shape[:2]
    assert turned[: height // 2, : width // 2, 1].mean() > 150  # the quarter that has a colour


def test_what_is_transparent_shows_white_and_not_the_colour_under_it() -> None:
    image = picture(1).convert("RGBA")
    image.putalpha(0)
    assert (decode_image(encoded(image), None, 3) == 255).all()
    assert (decode_image(encoded(image.convert("LA")), None, 1) == 255).all()
    half = Image.new("RGBA", (4, 4), (255, 0, 0, 128))
    assert decode_image(encoded(half), None, 3)[0, 0].tolist() == [255, 127, 127]


def test_a_palette_with_a_transparent_colour_is_on_white() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([10, 20, 30, 200, 100, 50])
    assert decode_image(encoded(image), None, 3)[0, 0].tolist() == [200, 100, 50]
    for form in ("PNG", "GIF"):
        assert decode_image(encoded(image, form, transparency=1), None, 3)[0, 0].tolist() == [255, 255, 255]


def test_sixteen_bits_of_grey_are_scaled() -> None:
    values = np.array([[0, 30_000], [65_535, 257]], np.uint16)
    content = encoded(Image.fromarray(values))
    assert decode_image(content, None, 1)[..., 0].tolist() == [[0, 117], [255, 1]]
    assert decode_image(content, None, 3)[0, 1].tolist() == [117, 117, 117]
    assert read_header(io.BytesIO(content)).is_grey


def test_one_bit_and_cmyk_are_read() -> None:
    assert set(decode_image(encoded(picture(1).convert("1")), None, 1).ravel().tolist()) <= {0, 255}
    cmyk = decode_image(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"), None, 3)
    assert cmyk[0, 0, 0] > 200 > 60 > cmyk[0, 0, 1]
    grey = decode_image(encoded(Image.new("CMYK", (8, 8), (0, 0, 0, 0)), "JPEG"), (4, 4), 1)
    assert grey.min() > 250


def test_a_photo_with_a_second_picture_in_its_file_is_the_first() -> None:
    content = encoded(picture(1), "MPO", save_all=True, append_images=[picture(2)], quality=95)
    assert is_image(content)
    assert np.abs(decode_image(content, (12, 16), 3).astype(int) - np.asarray(picture(1))).mean() < 16


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_taken(form: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    content = encoded(frames[0], form, save_all=True, append_images=frames[1:])
    assert decode_image(content, None, 3)[0, 0, 0] > 240
    assert decode_image(content, None, 3)[0, 0, 2] < 15


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_big_image_is_scaled_without_dropping_pixels(form: str) -> None:
    pattern = np.indices((640, 640)).sum(axis=0) % 2 * 255  # a chessboard of pixels: grey from afar
    content = encoded(Image.fromarray(pattern.astype(np.uint8)).convert("RGB"), form)
    small = decode_image(content, (16, 24), 3)
    assert small.shape == (16, 24, 3)
    assert np.abs(small.astype(int) - 127).max() < 12


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")  # as whoever decodes many does
def test_damaged_exif_data_do_not_spoil_a_picture() -> None:
    content = encoded(picture(1), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    assert decode_image(content, None, 3).shape == (12, 16, 3)
