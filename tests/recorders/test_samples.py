"""The grid of sample predictions is a picture in which mistakes stand out."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tbcli.plots.samples import draw_samples

NAMES = ("cat", "a rather long name", "ünïcode")
RED = (198, 40, 40)


def drawn(count: int, *, channels: int = 1, guesses: list[int] | None = None) -> tuple[Image.Image, tuple[int, int]]:
    images = np.full((count, 8, 8, channels), 128, np.uint8)
    labels = np.zeros(count, np.int64)
    probabilities = np.eye(3, dtype=np.float32)[guesses or [0] * count]
    png, size = draw_samples(images, labels, probabilities, NAMES, np.arange(count))
    picture = Image.open(io.BytesIO(png))
    picture.load()
    return picture, size


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (7, 3, 3), (25, 5, 5)])
@pytest.mark.parametrize("channels", [1, 3])
def test_samples_stand_in_a_square_grid(count: int, columns: int, rows: int, channels: int) -> None:
    picture, size = drawn(count, channels=channels)
    cell = drawn(1)[1]
    assert picture.size == size == (columns * cell[0], rows * cell[1])


def test_mistakes_are_outlined_and_hits_are_not() -> None:
    right, _ = drawn(1, guesses=[0])
    wrong, _ = drawn(1, guesses=[1])

    def reds(picture: Image.Image) -> int:
        return int((np.asarray(picture) == RED).all(axis=-1).sum())

    assert reds(right) == 0
    assert reds(wrong) > 500


def test_values_outside_of_pixels_are_shown_as_far_as_they_go() -> None:
    images = np.array([-50.0, 300.0]).reshape(1, 2, 1, 1)
    png, _ = draw_samples(images, np.array([0]), np.eye(3, dtype=np.float32)[:1], NAMES, np.array([0]))
    colours = Image.open(io.BytesIO(png)).convert("L").getextrema()
    assert colours == (0, 255)
