"""A heat map lies over its image, warm where it is warm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tbcli.figures.png.overlays import covered, draw_overlays, heat_colours
from tbcli.figures.png.sheet import RIGHT, THUMBNAIL_WIDTH, WRONG
from tests.recorders.pictures import count_pixels, pixels_of

RANDOM = np.random.default_rng(6)
NAMES = ("cat", "dog", "日本語" * 30, "")


def draw(images: np.ndarray, heats: np.ndarray, names: Sequence[str] = NAMES) -> np.ndarray:
    count = len(images)
    labels, guesses = np.arange(count) % len(names), np.arange(count) // 2 % len(names)
    probabilities = np.eye(len(names), dtype=np.float32)[guesses]
    png, size = draw_overlays(images, heats, labels, probabilities, names, np.arange(count), "title")
    pixels = pixels_of(png)
    assert (pixels.shape[1], pixels.shape[0]) == size
    return pixels


@pytest.mark.parametrize("count", [1, 2, 7, 8])
@pytest.mark.parametrize("shape", [(28, 28, 1), (16, 24, 3), (40, 8, 3)])
def test_pairs_fit_a_thumbnail(count: int, shape: tuple[int, ...]) -> None:
    images = RANDOM.integers(0, 256, (count, *shape)).astype(np.uint8)
    assert draw(images, RANDOM.random((count, 5, 6))).shape[1] == THUMBNAIL_WIDTH


def test_each_image_stands_unchanged_beside_itself_under_heat() -> None:
    pixels = draw(np.full((2, 8, 8, 1), 128, np.uint8), RANDOM.random((2, 4, 4)))
    side = int(np.sqrt(count_pixels(pixels, (128, 128, 128)) / 2))
    assert 70 < side < THUMBNAIL_WIDTH / 4


def test_hits_and_mistakes_have_their_colours() -> None:
    images = np.zeros((2, 8, 8, 1), np.uint8)
    pixels = draw(images, np.ones((2, 2, 2)))  # the first is right, the second wrong
    assert count_pixels(pixels, RIGHT) > 5
    assert count_pixels(pixels, WRONG) > 5


def test_the_warmest_place_is_where_the_heat_is() -> None:
    heat = np.zeros((3, 3))
    heat[0, 2] = 5.0
    under = covered(np.full((30, 30, 3), 100, np.uint8), heat).astype(int).sum(axis=-1)
    row, column = np.unravel_index(under.argmax(), under.shape)
    assert row < 10
    assert column >= 20
    assert under[-1, 0] == under.min()


def test_the_size_of_the_heat_does_not_matter() -> None:
    pixels, heat = np.full((9, 9, 3), 50, np.uint8), RANDOM.random((4, 4))
    assert np.array_equal(covered(pixels, heat * 1024), covered(pixels, heat))


@pytest.mark.parametrize("heat", [np.zeros((2, 2)), np.full((2, 2), np.nan), np.zeros((1, 1))])
def test_without_heat_the_image_is_dimmed_evenly(heat: np.ndarray) -> None:
    under = covered(np.full((5, 5, 3), 200, np.uint8), heat)
    assert len(np.unique(under.reshape(-1, 3), axis=0)) == 1
    assert under.max() < 200


def test_colours_grow_lighter_with_heat() -> None:
    brightness = heat_colours(np.linspace(0, 1, 50)) @ (0.3, 0.6, 0.1)
    assert (np.diff(brightness) > 0).all()
    assert heat_colours(np.array([-1.0, 2.0])).tolist() == heat_colours(np.array([0.0, 1.0])).tolist()
