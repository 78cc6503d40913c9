"""Thumbnails keep what a picture shows; a sprite has each in its place."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tbcli.figures.png.thumbnails import as_thumbnails, draw_sprite, sprite_columns

RANDOM = np.random.default_rng(3)


def test_small_images_stay_as_they_are() -> None:
    images = RANDOM.integers(0, 256, (5, 20, 32, 3)).astype(np.uint8)
    assert np.array_equal(as_thumbnails(images, 32), images)


@pytest.mark.parametrize(("shape", "expected"), [((64, 32), (32, 16)), ((10, 320), (1, 32)), ((33, 33), (32, 32))])
@pytest.mark.parametrize("channels", [1, 3])
def test_large_images_are_averaged_and_keep_their_proportions(
    shape: tuple[int, int], expected: tuple[int, int], channels: int
) -> None:
    images = np.full((2, *shape, channels), (10, 90, 200)[:channels], np.uint8)
    small = as_thumbnails(images, 32)
    assert (small.shape, small.dtype) == ((2, *expected, channels), np.uint8)
    assert np.array_equal(small[0, 0, 0], images[0, 0, 0])


def test_values_that_are_no_pixels_are_cut() -> None:
    images = np.array([-5.0, 300.0, np.nan, 17.9]).reshape(1, 2, 2, 1)
    assert as_thumbnails(images, 32).ravel().tolist() == [0, 255, 0, 17]


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (4, 2), (5, 3), (2000, 45)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_sprite_is_a_square_grid_row_by_row(count: int, columns: int, channels: int) -> None:
    thumbnails = RANDOM.integers(0, 256, (count, 4, 6, channels)).astype(np.uint8)
    with Image.open(io.BytesIO(draw_sprite(thumbnails))) as picture:
        pixels = np.asarray(picture).reshape(columns * 4, columns * 6, channels)
    assert sprite_columns(count) == columns
    for number in {0, count // 2, count - 1}:
        row, column = divmod(number, columns)
        assert np.array_equal(pixels[row * 4 : row * 4 + 4, column * 6 : column * 6 + 6], thumbnails[number])
    assert not pixels[-4:, -6:].any() or count == columns**2
