"""The grid of sample predictions is a picture in which mistakes stand out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tbcli.figures.png.samples import draw_samples
from tbcli.figures.png.sheet import RIGHT, THUMBNAIL_WIDTH, WRONG
from tests.recorders.pictures import count_pixels, pixels_of

NAMES = ("cat", "a rather long name of a class", "ünïcode 日本", "<b>\n</b>")
GREY = (128, 128, 128)


def draw(
    count: int,
    *,
    shape: tuple[int, ...] = (8, 8, 1),
    guesses: Sequence[int] | None = None,
    names: Sequence[str] = NAMES,
    title: str = "",
) -> np.ndarray:
    images = np.full((count, *shape), 128, np.uint8)
    labels = np.zeros(count, np.int64)
    probabilities = np.eye(len(names), dtype=np.float32)[list(guesses or [0] * count)]
    png, size = draw_samples(images, labels, probabilities, names, np.arange(count) * 1000, title)
    pixels = pixels_of(png)
    assert (pixels.shape[1], pixels.shape[0]) == size
    return pixels


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (7, 3, 3), (25, 5, 5)])
@pytest.mark.parametrize("channels", [1, 3])
def test_samples_stand_in_a_square_grid(count: int, columns: int, rows: int, channels: int) -> None:
    is_image = (draw(count, shape=(8, 8, channels)) == GREY).all(axis=-1)
    found_rows, found_columns = (np.diff(is_image.any(axis=axis).astype(int), prepend=0) for axis in (1, 0))
    assert (found_rows == 1).sum() == rows
    assert (found_columns == 1).sum() == columns


@pytest.mark.parametrize("count", [1, 4, 9, 16, 25])
def test_up_to_25_samples_fit_a_thumbnail(count: int) -> None:
    assert draw(count).shape[1] == THUMBNAIL_WIDTH


def test_400_samples_stay_large_enough_to_see() -> None:
    pixels = draw(400)
    assert pixels.shape[1] == 20 * 70
    assert count_pixels(pixels, GREY) == 400 * 62 * 62


@pytest.mark.parametrize(("shape", "pixels"), [((8, 4, 1), 108 * 54), ((4, 8, 3), 54 * 108), ((8, 8, 1), 108 * 108)])
def test_images_keep_their_proportions(shape: tuple[int, ...], pixels: int) -> None:
    assert count_pixels(draw(1, shape=shape), GREY) == pixels


def test_mistakes_are_outlined_and_hits_are_not() -> None:
    right, wrong = draw(1), draw(1, guesses=[1])
    assert count_pixels(right, WRONG) == 0
    assert count_pixels(right, RIGHT) > 5
    assert count_pixels(wrong, WRONG) > 500
    assert count_pixels(wrong, RIGHT) == 0


def test_odd_names_stay_in_their_cell() -> None:
    names = ("x" * 300, "日本語" * 50, "a\nb", "")
    pixels = draw(4, guesses=[0, 1, 2, 3], names=names)
    assert pixels.shape[1] == THUMBNAIL_WIDTH
    assert (pixels[:, -3:] == 255).all()


def test_a_title_stands_above_and_alone_where_there_is_no_sample() -> None:
    assert draw(4, title="title").shape[0] > draw(4).shape[0]
    alone = draw(0, title="no mistake")
    assert alone.shape[1] == THUMBNAIL_WIDTH
    assert (alone < 100).any()


def test_values_outside_of_pixels_are_shown_as_far_as_they_go() -> None:
    images = np.array([-50.0, 300.0]).reshape(1, 1, 2, 1)
    png, _ = draw_samples(images, np.array([0]), np.eye(4, dtype=np.float32)[:1], NAMES, np.array([0]))
    pixels = pixels_of(png)
    assert (pixels[6, 4:50] == 0).all()
    assert count_pixels(pixels, (0, 0, 0)) == 54 * 54
