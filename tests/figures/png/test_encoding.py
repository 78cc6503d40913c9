"""PNG of our own: other programs read the same pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tbcli.figures.png.encoding import encode_png


@pytest.mark.parametrize("level", [1, 3, 9])
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 7, 3), (31, 2, 1), (33, 64, 3)])
def test_pillow_reads_the_same_pixels(shape: tuple[int, int, int], level: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    with Image.open(io.BytesIO(encode_png(pixels, level))) as picture:
        picture.load()  # checks every checksum
        assert picture.mode == ("L" if shape[-1] == 1 else "RGB")
        assert np.array_equal(np.asarray(picture).reshape(shape), pixels)


def test_pixels_need_not_stand_side_by_side_in_memory() -> None:
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)[:, ::-2]
    with Image.open(io.BytesIO(encode_png(pixels))) as picture:
        assert np.array_equal(np.asarray(picture), pixels)
