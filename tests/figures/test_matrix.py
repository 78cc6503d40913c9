"""The confusion matrix counts what scikit-learn counts, and can be read with 2 classes as with 200."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix, f1_score

from tbcli.figures.confusions import count_confusions
from tbcli.figures.matrix import cell_colours, draw_confusion, mean_f1, most_confused
from tbcli.figures.style import save_figure
from tbcli.runs.evidence import Predictions
from tests.fakes import make_run
from tests.runs.evidence import predictions

RANDOM = np.random.default_rng(2)


def texts_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


def drawn(place: Path, told: Predictions, title: str = "") -> Figure:
    figure = draw_confusion(make_run(place, files=False), told, title=title)
    save_figure(figure, place / "x.png", 40)
    return figure


@pytest.mark.parametrize(("classes", "samples"), [(2, 100), (10, 500), (200, 1000), (3, 1)])
def test_cells_and_scores_are_scikit_learns(tmp_path: Path, classes: int, samples: int) -> None:
    told = predictions(RANDOM.integers(classes, size=samples), classes)
    counts = count_confusions(told.labels, told.guesses, classes)
    assert np.array_equal(counts, confusion_matrix(told.labels, told.guesses, labels=range(classes)))
    expected = f1_score(told.labels, told.guesses, labels=range(classes), average="macro", zero_division=0)
    assert mean_f1(counts) == pytest.approx(expected)
    figure = drawn(tmp_path, told)
    accuracy = np.mean(told.labels == told.guesses)
    assert f"accuracy {accuracy:.4f}  ·  mean F1 {expected:.4f}" in texts_of(figure)[1]
    if classes <= 20:
        cells = [text.get_text().split("\n")[0] for text in figure.axes[0].texts if "\n" in text.get_text()]
        assert cells == [f"{count:,}" for count in counts[counts > 0]]


def test_an_empty_class_is_grey_and_costs_nothing_else() -> None:
    colours = cell_colours(np.array([[4, 0, 0], [0, 0, 0], [1, 0, 3]]))
    assert (colours[1] == 236).all()
    assert tuple(colours[0, 0]) == (0x00, 0x67, 0xA5)
    assert (colours[0, 1:] == 255).all()


def test_pairs_are_listed_with_the_most_frequent_first_and_what_is_right_never() -> None:
    counts = np.array([[9, 2, 0], [5, 9, 1], [0, 2, 9]])
    assert most_confused(counts, 3) == [(1, 0), (0, 1), (2, 1)]
    assert most_confused(np.diag([3, 4]), 5) == []


def test_the_list_tells_names_counts_and_shares_of_the_true_class(tmp_path: Path) -> None:
    told = predictions(np.repeat([0, 1], 500), 2, names=["cat", "dog"], skill=2)
    counts = count_confusions(told.labels, told.guesses, 2)
    listed = texts_of(drawn(tmp_path, told))
    for true, guess in ((0, 1), (1, 0)):
        row = [("cat", "dog")[true], "→", ("cat", "dog")[guess], f"{counts[true, guess]:,}"]
        start = next(place for place in range(len(listed)) if listed[place : place + 4] == row)
        assert listed[start + 4] == f"{counts[true, guess] / 5:.1f} %"


def test_a_perfect_model_has_a_sentence_and_no_list(tmp_path: Path) -> None:
    listed = texts_of(drawn(tmp_path, predictions(np.arange(30) % 3, 3, skill=99)))
    assert listed[2:] == ["all predictions are correct"]


def test_two_hundred_long_names_in_any_script_stay_on_the_page(tmp_path: Path) -> None:
    names = [f"$x_{number}$ 漢字 \n {'long name ' * 5}" for number in range(200)]
    figure = drawn(tmp_path, predictions(np.arange(200), 200, names=names), title="<b> | $")  # a warning is an error
    assert texts_of(figure)[0] == "<b> | $  ·  confusion matrix"
    page = figure.bbox
    for text in (*figure.texts, *figure.axes[0].texts):
        box = text.get_window_extent()
        assert page.x0 <= box.x0
        assert box.x1 <= page.x1
        assert page.y0 <= box.y0


def test_a_small_matrix_leaves_room_for_what_is_told_of_it(tmp_path: Path) -> None:
    run = make_run(tmp_path, name="binary", files=False)
    figure = draw_confusion(run, predictions(np.arange(40) % 2, 2))
    assert texts_of(figure)[1].partition("mean F1 ")[2].startswith("0.")
