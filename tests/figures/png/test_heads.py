"""Attention is drawn head by head, rows over columns."""

from __future__ import annotations

import numpy as np
import pytest

from tbcli.figures.png.heads import MOST_HEADS, draw_heads, drawn_matrix, told
from tbcli.figures.png.overlays import heat_colours
from tbcli.figures.png.sheet import THUMBNAIL_WIDTH
from tests.recorders.pictures import pixels_of

RANDOM = np.random.default_rng(9)
DARK, LIGHT = (heat_colours(np.array(value)).round().astype(np.uint8).tolist() for value in (0.0, 1.0))


@pytest.mark.parametrize("heads", [1, 4, 5, 8, 16])
@pytest.mark.parametrize(("asking", "looked_at"), [(1, 1), (5, 7), (16, 16), (197, 197), (3, 500)])
@pytest.mark.parametrize("has_images", [True, False])
def test_heads_fit_a_thumbnail(heads: int, asking: int, looked_at: int, has_images: bool) -> None:
    scores = RANDOM.random((3, heads, asking, looked_at))
    images = RANDOM.integers(0, 256, (3, 6, 8, 3)).astype(np.uint8) if has_images else None
    png, size = draw_heads(scores, images, ("cat", "日本" * 50, "日本" * 50), np.arange(3), "t" * 300)
    pixels = pixels_of(png)
    assert (pixels.shape[1], pixels.shape[0]) == size
    assert size[0] == THUMBNAIL_WIDTH


def test_a_score_stands_at_its_row_and_column() -> None:
    matrix = np.zeros((4, 2), np.float32)
    matrix[3, 0] = 0.2
    pixels = drawn_matrix(matrix, 40)
    assert pixels.shape == (40, 40, 3)
    assert (pixels[30:, :20] == LIGHT).all()
    assert (pixels[:30] == DARK).all()
    assert (pixels[:, 20:] == DARK).all()


def test_of_more_scores_than_pixels_the_mean_is_shown() -> None:
    matrix = np.zeros((80, 80), np.float32)
    matrix[:40] = 1.0
    pixels = drawn_matrix(matrix, 20)
    assert (pixels[:10] == LIGHT).all()
    assert (pixels[10:] == DARK).all()
    assert np.array_equal(
        drawn_matrix(np.tile(np.eye(2, dtype=np.float32), (40, 40)), 40)[0, 0], heat_colours(0.5).round()
    )


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_a_head_that_looks_everywhere_alike_is_of_one_colour(value: float) -> None:
    pixels = drawn_matrix(np.full((5, 5), value, np.float32), 25)
    assert np.unique(pixels.reshape(-1, 3), axis=0).tolist() == [LIGHT if value else DARK]


def test_it_is_said_how_many_heads_there_are_and_how_many_are_shown() -> None:
    assert told((4, 1, 3, 5)) == "1 head; rows: 3 positions, columns: the 5 they look at"
    assert told((4, 12, 3, 5)).startswith(f"{MOST_HEADS} of 12 heads;")
