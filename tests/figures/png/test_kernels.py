"""Kernels are drawn to one scale around zero, each in its place."""

from __future__ import annotations

import numpy as np
import pytest

from tbcli.figures.png.kernels import (
    MOST_CHANNELS,
    MOST_KERNELS,
    MOST_ROWS,
    draw_kernels,
    kernel_tiles,
    signed_colours,
)
from tbcli.figures.png.sheet import EMPTY, THUMBNAIL_WIDTH
from tests.recorders.pictures import count_pixels, pixels_of

RANDOM = np.random.default_rng(4)
LINE = (150, 150, 150)


def count_tiles(pixels: np.ndarray) -> tuple[int, int]:
    """Count rows and columns of tiles, by the lines around them."""
    lines = (pixels == LINE).all(axis=-1)
    return tuple(
        int((np.diff((lines.sum(axis=axis) > 0).astype(int), prepend=0) == 1).sum())  # type: ignore[return-value]
        for axis in (1, 0)
    )


@pytest.mark.parametrize("kernel", [(3, 3), (7, 7), (1, 5), (1, 1)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("count", "rows", "columns"), [(1, 1, 2), (8, 2, 4), (32, 4, 8), (64, 6, 12), (500, 6, 12)])
def test_kernels_over_grey_and_rgb_stand_in_a_grid(
    kernel: tuple[int, int], channels: int, count: int, rows: int, columns: int
) -> None:
    png, (width, _) = draw_kernels(RANDOM.normal(size=(*kernel, channels, count)).astype(np.float32), "conv")
    assert width == THUMBNAIL_WIDTH
    found = count_tiles(pixels_of(png))
    assert found == (rows, min(columns, count))


@pytest.mark.parametrize(("channels", "count"), [(2, 4), (8, 16), (64, 256)])
def test_kernels_over_other_channels_have_a_row_each_and_a_column_a_channel(channels: int, count: int) -> None:
    png, _ = draw_kernels(RANDOM.normal(size=(3, 3, channels, count)).astype(np.float32), "conv")
    assert count_tiles(pixels_of(png)) == (min(count, MOST_ROWS), min(channels, MOST_CHANNELS))


def test_tiles_come_kernel_by_kernel_and_in_them_channel_by_channel() -> None:
    kernels = np.zeros((2, 2, 2, 3), np.float32)
    kernels[0, 1, 1, 2] = -1  # top right of the last kernel's second channel
    tiles = kernel_tiles(kernels, 1.0)
    assert tiles.shape == (6, 2, 2, 3)
    assert np.argwhere((tiles != 255).any(axis=-1)).tolist() == [[5, 0, 1]]


def test_zero_is_white_negative_is_blue_and_positive_orange() -> None:
    low, zero, high = signed_colours(np.array([-1.0, 0.0, 1.0]))
    assert zero.tolist() == [255, 255, 255]
    assert low[2] > low[0]
    assert high[0] > high[2]
    faint = signed_colours(np.array([-0.1, 0.1]))
    assert (faint > 220).all()


def test_over_rgb_zero_is_mid_grey_and_each_channel_is_its_own_colour() -> None:
    kernels = np.zeros((1, 1, 3, 2), np.float32)
    kernels[0, 0, 0, 1], kernels[0, 0, 2, 1] = 0.5, -0.5
    grey, coloured = kernel_tiles(kernels, 0.5)[:, 0, 0].tolist()
    assert grey == [128, 128, 128]
    assert coloured == [255, 128, 0]


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_not_finite_is_grey_and_does_not_spoil_the_scale(channels: int) -> None:
    kernels = np.full((1, 2, channels, 1), 0.5, np.float32)
    kernels[0, 1, 0, 0] = np.nan
    assert kernel_tiles(kernels, 0.5)[0, 0, 1].tolist() == list(EMPTY)
    kernels[0, 1, 0, 0] = np.inf
    whole, _ = draw_kernels(kernels, "conv")
    kernels[0, 1, 0, 0] = 0.5
    finite, _ = draw_kernels(kernels, "conv")
    assert np.array_equal(pixels_of(whole)[-20:], pixels_of(finite)[-20:])  # the scale and its numbers


def test_kernels_that_are_all_zero_are_white() -> None:
    png, _ = draw_kernels(np.zeros((3, 3, 1, 1), np.float32), "conv")
    assert count_pixels(pixels_of(png), LINE) == 4 * 65


def test_only_the_first_of_very_many_kernels_are_drawn_to_the_scale_of_all() -> None:
    kernels = RANDOM.normal(size=(3, 3, 1, MOST_KERNELS + 1)).astype(np.float32)
    kernels[..., -1] = 100
    png, _ = draw_kernels(kernels, "n" * 500)
    others, _ = draw_kernels(kernels[..., :-1], "n" * 500)
    assert pixels_of(png)[60:-30].min() > pixels_of(others)[60:-30].min()
