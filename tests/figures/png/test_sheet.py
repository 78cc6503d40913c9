"""A sheet holds what is put on it where it is put, and survives what reaches over its edge."""

from __future__ import annotations

import numpy as np
import pytest

from tbcli.figures.png.letters import letters_for
from tbcli.figures.png.sheet import INK, WHITE, WRONG, Sheet, as_colours, fitted_size
from tests.recorders.pictures import count_pixels, pixels_of


def blank(width: int = 60, height: int = 30) -> Sheet:
    return Sheet(width, height, letters_for(()))


def inked(sheet: Sheet) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and the columns with ink."""
    dark = (sheet.pixels < 255).any(axis=-1)
    return np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))


def test_the_picture_is_the_sheet_pixel_by_pixel() -> None:
    sheet = blank()
    sheet.paste(5, 7, np.full((3, 4, 3), WRONG, np.uint8))
    png, size = sheet.png()
    assert size == (60, 30)
    assert np.array_equal(pixels_of(png), sheet.pixels)
    assert (sheet.pixels[7:10, 5:9] == WRONG).all()
    assert count_pixels(sheet.pixels, WRONG) == 12
    assert count_pixels(sheet.pixels, WHITE) == 60 * 30 - 12


def test_a_frame_stands_around_its_area_and_not_in_it() -> None:
    sheet = blank()
    sheet.frame(10, 10, 6, 4, WRONG, 2)
    assert count_pixels(sheet.pixels, WRONG) == 10 * 8 - 6 * 4
    assert (sheet.pixels[10:14, 10:16] == 255).all()


@pytest.mark.parametrize(("align", "first", "last"), [("left", 30, 60), ("centre", 20, 40), ("right", 0, 30)])
def test_a_text_begins_is_centred_or_ends_at_its_place(align: str, first: int, last: int) -> None:
    sheet = blank()
    sheet.text(30, 5, "cat", INK, 10, align=align)
    columns = inked(sheet)[1]
    assert first <= columns.min() < columns.max() <= last


def test_an_upright_text_reads_from_its_lower_end_upwards() -> None:
    level, upright = blank(60, 60), blank(60, 60)
    level.text(20, 20, "cat", INK, 10)
    upright.text(20, 50, "cat", INK, 10, upright=True)
    ink = level.letters.pixels("cat", 10)
    there = upright.pixels[50 - ink.shape[1] : 50, 20 : 20 + ink.shape[0]]
    assert np.array_equal(np.rot90(level.pixels[20 : 20 + ink.shape[0], 20 : 20 + ink.shape[1]]), there)


@pytest.mark.parametrize(("x", "y"), [(50, 5), (-5, 5), (5, 25), (5, -5), (500, 500)])
def test_what_reaches_over_the_edge_is_cut(x: int, y: int) -> None:
    sheet = blank()
    sheet.text(x, y, "a long text", INK, 10)
    assert sheet.pixels.shape == (30, 60, 3)


@pytest.mark.parametrize("channels", [1, 3])
def test_an_enlarged_image_has_each_pixel_in_its_place(channels: int) -> None:
    image = np.arange(2 * 3 * channels, dtype=np.uint8).reshape(2, 3, channels) * 10
    block = as_colours(image, 4, 9)
    assert np.array_equal(block, np.broadcast_to(image.repeat(2, axis=0).repeat(3, axis=1), (4, 9, 3)))


def test_values_outside_of_pixels_are_cut_and_no_number_is_black() -> None:
    image = np.array([-50.0, 300.0, np.nan, 17.9]).reshape(1, 4, 1)
    assert as_colours(image, 1, 4)[0, :, 0].tolist() == [0, 255, 0, 17]


@pytest.mark.parametrize(
    ("shape", "size"), [((28, 28, 1), (80, 80)), ((100, 50), (80, 40)), ((1, 1000), (1, 80)), ((3, 4), (60, 80))]
)
def test_an_image_fills_its_room_in_its_own_proportions(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    assert fitted_size(shape, 80) == size
