"""The most confident mistakes show the right picture above the right words."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from tbcli.figures.gallery import draw_mistakes
from tbcli.figures.style import save_figure
from tbcli.runs.evidence import Mistakes, read_mistakes
from tests.fakes import make_run
from tests.runs.evidence import keep_evidence, predictions

RANDOM = np.random.default_rng(6)


def kept(place: Path, *, classes: int = 5, samples: int = 200, shape: tuple[int, ...] = (8, 8, 1), skill: float = 1.0,
         names: tuple[str, ...] = ()) -> tuple[Figure, Mistakes, np.ndarray]:  # fmt: skip
    run, told = (
        make_run(place, files=False),
        predictions(np.arange(samples) % classes, classes, names=names, skill=skill),
    )
    pictures = RANDOM.integers(0, 256, (samples, *shape)).astype(np.uint8) if shape else None
    keep_evidence(run, told, pictures=pictures)
    mistakes = read_mistakes(run)
    figure = draw_mistakes(run, mistakes)
    save_figure(figure, place / "x.png", 40)
    return figure, mistakes, np.zeros(0) if pictures is None else pictures


def texts_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 20, 3), (16, 96, 3), (1, 1, 1)])
def test_each_picture_stands_above_its_words(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    figure, mistakes, pictures = kept(tmp_path, shape=shape)
    (axes,) = figure.axes
    canvas = np.asarray(axes.images[0].get_array())
    left, bottom, width, height = axes.get_position().bounds
    told = mistakes.predictions
    guesses = [text for text in figure.texts if text.get_text().startswith("guess ")]
    assert len(guesses) == len(mistakes.rows) == 24
    for text, sample in zip(guesses, mistakes.rows, strict=True):
        assert text.get_text() == f"guess class {told.guesses[sample]}"
        x, y = text.get_position()
        column = round((x - left) / width * canvas.shape[1])
        row = (bottom + height - y) / height * canvas.shape[0]  # of the words; the picture ends just above
        times = -(-32 // max(shape[:2]))
        whole = pictures[sample].repeat(times, axis=0).repeat(times, axis=1)
        line = 0.165 * canvas.shape[0] / (height * figure.get_figheight())
        top = round(row - line - whole.shape[0])
        assert np.array_equal(
            canvas[top : top + whole.shape[0], column : column + whole.shape[1]],
            np.broadcast_to(whole, (*whole.shape[:2], 3)),
        )


def test_words_are_guess_truth_confidence_and_index_of_the_most_confident_first(tmp_path: Path) -> None:
    figure, mistakes, _ = kept(tmp_path)
    told = mistakes.predictions
    wrong = np.flatnonzero(told.guesses != told.labels)
    sure = told.probabilities.max(axis=1)
    first = wrong[np.argmax(sure[wrong])]
    assert texts_of(figure)[2:5] == [
        f"guess class {told.guesses[first]}",
        f"true class {told.labels[first]}",
        f"{100 * sure[first]:.1f} %  #{3 * first}",
    ]
    assert f"{len(wrong)} mistakes among 200 test samples" in texts_of(figure)[1]
    assert texts_of(figure)[1].endswith("the 24 most confident")


def test_samples_that_are_no_images_are_told_in_words(tmp_path: Path) -> None:
    figure, mistakes, _ = kept(tmp_path, shape=())
    assert not figure.axes
    assert len([text for text in texts_of(figure) if text.startswith("guess ")]) == len(mistakes.rows)


def test_no_mistake_at_all_is_a_sentence(tmp_path: Path) -> None:
    figure, _, _ = kept(tmp_path, skill=99)
    assert texts_of(figure)[-1] == "All predictions are correct."
    assert "0 mistakes among 200 test samples (0 %)" in texts_of(figure)[1]


def test_a_single_sample_that_is_wrong(tmp_path: Path) -> None:
    figure, _, _ = kept(tmp_path, samples=1, skill=-99)
    assert texts_of(figure)[1].endswith("1 mistake among 1 test sample (100 %)")


@pytest.mark.parametrize("count", [2, 5])
def test_long_names_have_wider_columns_and_never_touch_the_next(tmp_path: Path, count: int) -> None:
    names = tuple(f"{number} $x$ 漢字 {'name ' * (2 + 4 * (count == 5))}" for number in range(count))
    figure, _, _ = kept(tmp_path, classes=count, names=names, skill=0.3)
    words = [text for text in figure.texts if text.get_text().startswith(("guess ", "true "))]
    by_line: dict[float, list[tuple[float, float]]] = {}
    for text in words:
        box = text.get_window_extent()
        by_line.setdefault(round(text.get_position()[1], 4), []).append((box.x0, box.x1))
    for boxes in by_line.values():
        ordered = sorted(boxes)
        assert all(before[1] < after[0] for before, after in itertools.pairwise(ordered))
        assert ordered[-1][1] <= figure.bbox.x1
