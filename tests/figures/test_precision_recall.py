"""Precision, recall and their average are scikit-learn's, at every threshold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import average_precision_score, precision_recall_curve

from tbcli.figures.one_vs_rest import even_ticks
from tbcli.figures.precision_recall import Curve, curve_of, draw_precision_recall
from tbcli.figures.style import save_figure
from tbcli.runs.evidence import Predictions
from tests.fakes import make_run
from tests.runs.evidence import predictions

RANDOM = np.random.default_rng(4)


def drawn(place: Path, told: Predictions) -> Figure:
    figure = draw_precision_recall(make_run(place, files=False), told)
    save_figure(figure, place / "x.png", 40)
    return figure


def texts_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


def told_curve(positives: np.ndarray, scores: np.ndarray) -> Curve:
    curve = curve_of(positives, scores)
    assert curve is not None
    return curve


@pytest.mark.parametrize("decimals", [1, 9])  # with few decimals many scores are equal
@pytest.mark.parametrize("samples", [1, 7, 400])
def test_a_curve_and_its_average_are_scikit_learns(samples: int, decimals: int) -> None:
    positives = RANDOM.random(samples) < 0.4
    positives[0] = True
    scores = np.round(np.clip(RANDOM.normal(0.4 + 0.2 * positives, 0.2), 0, 1), decimals).astype(np.float32)
    curve = told_curve(positives, scores)
    precision, recall, _ = precision_recall_curve(positives, scores)
    assert curve.precision == pytest.approx(precision[:-1][::-1])
    assert curve.recall == pytest.approx(recall[:-1][::-1])
    assert curve.area == pytest.approx(average_precision_score(positives, scores))


def test_a_class_without_a_sample_has_no_curve() -> None:
    assert curve_of(np.zeros(3, bool), np.array([0.1, 0.2, 0.3])) is None


def test_what_is_drawn_has_the_area_that_is_written_beside_it() -> None:
    positives = RANDOM.random(4000) < 0.3
    curve = told_curve(positives, RANDOM.normal(positives * 1.0))
    corners = curve.drawn()
    area = np.sum(np.diff(corners[:, 0]) * corners[1:, 1])
    assert len(corners) <= 1000
    assert area == pytest.approx(curve.area, abs=2e-3)


def test_precision_at_a_recall_is_that_of_the_step_that_reaches_it() -> None:
    curve = Curve(precision=np.array([1.0, 0.5, 0.75]), recall=np.array([0.25, 0.25, 0.75]))
    assert curve.at(np.array([0.1, 0.25, 0.5, 0.75, 1.0])).tolist() == [1.0, 1.0, 0.75, 0.75, 0.75]
    assert curve.closest == 0.75


@pytest.mark.parametrize("classes", [2, 10])
def test_the_legend_tells_each_average_and_the_mean_of_all(tmp_path: Path, classes: int) -> None:
    told = predictions(RANDOM.integers(classes, size=300), classes)
    texts = texts_of(drawn(tmp_path, told))
    scores = [
        average_precision_score(told.labels == number, told.probabilities[:, number]) for number in range(classes)
    ]
    for number, score in enumerate(scores):
        assert texts[texts.index(f"class {number}") + 1] == f"{score:.4f}"
    assert texts[texts.index("mean of all") + 1] == f"{np.mean(scores):.4f}"


def test_of_two_hundred_classes_the_best_and_the_worst_are_named(tmp_path: Path) -> None:
    told = predictions(RANDOM.integers(200, size=3000), 200)
    scores = np.array(
        [average_precision_score(told.labels == number, told.probabilities[:, number]) for number in range(200)]
    )
    figure = drawn(tmp_path, told)
    named = [text for text in texts_of(figure) if text.startswith("class ")]
    ranked = np.argsort(-scores, kind="stable")
    assert named == [f"class {number}" for number in (*ranked[:5], *ranked[-5:])]
    assert "grey: 190 other classes" in texts_of(figure)
    assert f"{scores.mean():.4f}" in texts_of(figure)


def test_an_empty_class_is_left_out_and_counted(tmp_path: Path) -> None:
    texts = texts_of(drawn(tmp_path, predictions(np.array([0, 2] * 20), 3, names=["a", "$b$", "c"])))
    assert "1 class without a sample left out" in texts
    assert "$b$" not in texts


def test_a_single_sample_is_one_line_without_a_mean(tmp_path: Path) -> None:
    figure = drawn(tmp_path, predictions(np.array([1]), 3))
    assert texts_of(figure)[0].endswith("·  precision and recall")
    assert "1 test sample" in texts_of(figure)[1]
    assert "2 classes without a sample left out" in texts_of(figure)
    assert "mean of all" not in texts_of(figure)


def test_good_curves_get_a_closer_look_and_poor_ones_do_not(tmp_path: Path) -> None:
    labels = np.arange(600) % 3
    good, poor = (drawn(tmp_path, predictions(labels, 3, skill=skill)) for skill in (6.0, 0.5))
    assert [len(figure.axes) for figure in (good, poor)] == [2, 1]
    assert good.axes[1].get_xlim()[0] >= 0.3


@pytest.mark.parametrize("lowest", [0.0, 0.3, 0.35, 0.5, 0.7, 0.75, 0.9, 0.95])
def test_ticks_are_round_and_end_at_one(lowest: float) -> None:
    ticks = even_ticks(lowest)
    assert 3 <= len(ticks) <= 7
    assert lowest - 1e-9 <= ticks[0]
    assert ticks[-1] == 1
    assert ticks == pytest.approx(np.round(ticks, 2))


def test_samples_without_finite_probabilities_are_left_out_and_counted(tmp_path: Path) -> None:
    told = predictions(np.arange(60) % 3, 3)
    whole = texts_of(drawn(tmp_path, told))
    extra = np.full((5, 3), np.nan, np.float32)
    more = replace(
        told,
        indices=np.arange(65),
        labels=np.append(told.labels, [0, 1, 2, 0, 1]),
        outputs=np.concatenate([told.probabilities, extra]),
    )
    texts = texts_of(drawn(tmp_path, more))
    assert "60 test samples  ·  5 not finite left out" in texts[1]
    assert texts[2:] == whole[2:]
