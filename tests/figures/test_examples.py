"""A grid of samples shows each as it is, with its caption."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tbcli.figures.png.examples import as_bytes, draw_examples


@pytest.mark.parametrize("count", [1, 2, 7, 60])
@pytest.mark.parametrize("shape", [(28, 28, 1), (40, 100, 3), (300, 20, 3), (1, 1, 1)])
def test_a_grid_has_room_for_all(count: int, shape: tuple[int, int, int]) -> None:
    images = np.full((count, *shape), 77, np.uint8)
    png, size = draw_examples(images, [f"class {number % 3}" for number in range(count)], "photos: 3 classes")
    picture = Image.open(io.BytesIO(png))
    assert picture.size == size
    assert picture.width < 1000
    assert (np.asarray(picture) == 77).all(axis=-1).sum() >= count


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([0, 7, 255], np.uint8), [0, 7, 255]),
        (np.array([0.0, 0.5, 1.0]), [0, 128, 255]),
        (np.array([-1.0, 0.0, 1.0]), [0, 128, 255]),
        (np.array([0.0, 7.0, 200.0]), [0, 7, 200]),
        (np.array([0, 7, 255]), [0, 7, 255]),
        (np.array([-2.0, 0.0, 6.0]), [0, 64, 255]),
        (np.array([0, 65_535], np.uint16), [0, 255]),
        (np.array([np.nan, 1.0]), [0, 255]),
        (np.zeros(2), [0, 0]),
    ],
)
def test_values_of_any_range_are_shown(values: np.ndarray, expected: list[int]) -> None:
    assert as_bytes(values).tolist() == expected
