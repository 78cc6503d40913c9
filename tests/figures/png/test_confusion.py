"""A confusion matrix shows every pair in its place, from one class to hundreds, whatever they are called."""

from __future__ import annotations

import numpy as np
import pytest

from tbcli.figures.png.confusion import cell_colours, count_text, draw_confusions, percent_text
from tbcli.figures.png.sheet import EMPTY, THUMBNAIL_WIDTH
from tests.recorders.pictures import count_pixels, pixels_of

RANDOM = np.random.default_rng(2)
ODD = ("<b>x</b>", "日本語クラス", "ünïcode näme", "a\nb", "", "🐱", "x" * 300)
WHITE = (255, 255, 255)


def draw(counts: np.ndarray, names: list[str] | tuple[str, ...] | None = None, title: str = "title") -> np.ndarray:
    names = names or [str(number) for number in range(len(counts))]
    png, size = draw_confusions(counts, count_text, names, title)
    pixels = pixels_of(png)
    assert (pixels.shape[1], pixels.shape[0]) == size
    return pixels


@pytest.mark.parametrize("classes", [1, 2, 3, 10, 28])
def test_up_to_28_classes_fit_a_thumbnail(classes: int) -> None:
    assert draw(RANDOM.integers(0, 50, (classes, classes))).shape[1] == THUMBNAIL_WIDTH


@pytest.mark.parametrize("classes", [29, 100, 200])
def test_more_classes_are_drawn_at_twice_the_size(classes: int) -> None:
    assert draw(RANDOM.integers(0, 50, (classes, classes))).shape[1] == 2 * THUMBNAIL_WIDTH


@pytest.mark.parametrize("classes", [400, 1000])
def test_every_class_has_a_pixel(classes: int) -> None:
    pixels = draw(np.eye(classes, dtype=np.int64))
    assert pixels.shape[1] >= classes
    assert count_pixels(pixels, tuple(cell_colours(np.eye(2))[0, 0])) >= classes


@pytest.mark.parametrize("classes", [3, 10, 100])
def test_cells_stand_at_their_row_and_column(classes: int) -> None:
    counts = np.zeros((classes, classes), np.int64)
    counts[classes - 1, 0] = 7  # the last class, taken for the first: bottom left
    counts[range(classes - 1), range(classes - 1)] = 7
    pixels = draw(counts)
    wrong, right = (tuple(cell_colours(counts)[place]) for place in ((classes - 1, 0), (0, 0)))
    rows, columns = np.nonzero((pixels == wrong).all(axis=-1))
    assert rows.min() > pixels.shape[0] / 2
    assert columns.max() < pixels.shape[1] * 0.75
    hits = np.argwhere((pixels == right).all(axis=-1))
    assert np.corrcoef(hits.T)[0, 1] > 0.4  # from top left to bottom right
    assert rows.min() > hits[:, 0].max()


def test_right_is_blue_wrong_is_orange_and_an_empty_class_grey() -> None:
    counts = np.array([[9, 1, 0], [0, 0, 0], [0, 10, 0]])
    colours = cell_colours(counts).astype(int)
    assert colours[0, 0, 2] > colours[0, 0, 0]
    assert colours[0, 1, 0] > colours[0, 1, 2]
    assert colours[0, 2].tolist() == list(WHITE)
    assert colours[1].tolist() == [list(EMPTY)] * 3
    assert colours[2, 1, 2] < colours[0, 1, 2]  # all of a class is more than a tenth


def test_one_mistake_in_a_thousand_can_be_seen() -> None:
    assert cell_colours(np.array([[999, 1], [0, 1000]]))[0, 1].min() < 250


@pytest.mark.parametrize("count", [0, 1])
def test_next_to_no_samples_make_a_matrix_too(count: int) -> None:
    counts = np.zeros((10, 10), np.int64)
    counts[3, 4] = count
    assert count_pixels(draw(counts), EMPTY) > 1000


@pytest.mark.parametrize("repeats", [1, 10])
def test_odd_and_long_names_neither_break_nor_push_the_cells_out(repeats: int) -> None:
    names = ODD * repeats
    pixels = draw(np.eye(len(names), dtype=np.int64) * 3, names, title="t" * 200)
    assert pixels.shape[1] == THUMBNAIL_WIDTH * (2 if repeats > 1 else 1)
    assert count_pixels(pixels, tuple(cell_colours(np.eye(2))[0, 0])) > 300


def test_many_long_names_give_way_to_numbers() -> None:
    counts = np.eye(40, dtype=np.int64)
    by_name, by_number = draw(counts, [f"a long name {number}" for number in range(40)]), draw(counts)
    assert np.array_equal(by_name[100:, 30:], by_number[100:, 30:])  # but for the words 'true' and 'predicted'
    assert not np.array_equal(by_name, by_number)


def test_a_number_in_a_cell_changes_only_that_cell() -> None:
    counts = np.diag([10, 10, 10])
    others = np.diag([10, 10, 99])
    changed = np.argwhere((draw(counts) != draw(others)).any(axis=-1))
    assert len(changed)
    assert np.ptp(changed[:, 0]) < 84
    assert np.ptp(changed[:, 1]) < 84


def test_numbers_that_have_no_room_are_left_out() -> None:
    small, large = np.full((20, 20), 1), np.full((20, 20), 1_000_000)
    assert not np.array_equal(draw(small), draw(large))
    assert len(np.unique(draw(large)[150:, 100:].reshape(-1, 3), axis=0)) <= 3  # right, wrong, the lines between


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100"), (0.99999, "99.9"), (0.9994, "99.9"), (0.5, "50.0"), (0.001, "0.1"), (0.0009, "<0.1")],
)
def test_percent_never_looks_like_all_or_none_when_it_is_not(share: float, text: str) -> None:
    assert percent_text(1, share) == text
    assert count_text(12345, share) == "12345"
