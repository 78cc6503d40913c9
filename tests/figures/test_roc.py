"""ROC curves and their areas are scikit-learn's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score, roc_curve

from tbcli.errors import NotFound
from tbcli.figures.roc import RocCurve, draw_roc, read_ranked, roc_curve_of
from tbcli.figures.style import save_figure
from tbcli.runs.evidence import Predictions
from tests.fakes import make_run
from tests.runs.evidence import keep_evidence, predictions

RANDOM = np.random.default_rng(4)


def drawn(place: Path, told: Predictions) -> Figure:
    figure = draw_roc(make_run(place, files=False), told)
    save_figure(figure, place / "x.png", 40)
    return figure


def texts_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


def told_curve(positives: np.ndarray, scores: np.ndarray) -> RocCurve:
    curve = roc_curve_of(positives, scores)
    assert curve is not None
    return curve


@pytest.mark.parametrize("decimals", [1, 9])  # with few decimals many scores are equal
@pytest.mark.parametrize("samples", [2, 7, 400])
def test_a_curve_and_its_area_are_scikit_learns(samples: int, decimals: int) -> None:
    positives = RANDOM.random(samples) < 0.4
    positives[:2] = True, False
    scores = np.round(np.clip(RANDOM.normal(0.4 + 0.2 * positives, 0.2), 0, 1), decimals).astype(np.float32)
    curve = told_curve(positives, scores)
    false, true, _ = roc_curve(positives, scores, drop_intermediate=False)
    assert curve.false == pytest.approx(false)
    assert curve.true == pytest.approx(true)
    assert curve.area == pytest.approx(roc_auc_score(positives, scores))


def test_what_is_drawn_has_the_area_that_is_written_beside_it() -> None:
    positives = RANDOM.random(4000) < 0.3
    curve = told_curve(positives, RANDOM.normal(positives * 1.0))
    corners = curve.drawn()
    assert len(corners) <= 500
    assert np.trapezoid(corners[:, 1], corners[:, 0]) == pytest.approx(curve.area, abs=2e-3)
    assert corners[0].tolist() == [0, 0]
    assert corners[-1].tolist() == [1, 1]


def test_heights_between_the_thresholds_are_interpolated() -> None:
    curve = RocCurve(np.array([0.0, 0.0, 0.5, 1.0]), np.array([0.0, 0.6, 0.8, 1.0]))
    assert curve.at(np.array([0.0, 0.25, 0.5, 1.0])).tolist() == pytest.approx([0.6, 0.7, 0.8, 1.0])
    assert curve.closest == pytest.approx(0.6)


@pytest.mark.parametrize("positives", [[True, True], [False, False]])
def test_a_class_without_positives_or_negatives_has_no_curve(positives: list[bool]) -> None:
    assert roc_curve_of(np.array(positives), np.array([0.1, 0.2])) is None


@pytest.mark.parametrize("classes", [2, 10])
def test_the_legend_tells_each_area_and_the_mean_of_all(tmp_path: Path, classes: int) -> None:
    told = predictions(np.arange(300) % classes, classes)
    texts = texts_of(drawn(tmp_path, told))
    scores = [roc_auc_score(told.labels == number, told.probabilities[:, number]) for number in range(classes)]
    for number, score in enumerate(scores):
        assert texts[texts.index(f"class {number}") + 1] == f"{score:.4f}"
    assert texts[texts.index("mean of all") + 1] == f"{np.mean(scores):.4f}"
    assert texts[0].endswith("ROC curves")


def test_of_two_hundred_classes_the_best_and_the_worst_are_named(tmp_path: Path) -> None:
    figure = drawn(tmp_path, predictions(np.arange(2000) % 200, 200))
    assert len([text for text in texts_of(figure) if text.startswith("class ")]) == 10
    assert "grey: 190 other classes" in texts_of(figure)


def test_a_missing_class_is_left_out_and_counted(tmp_path: Path) -> None:
    texts = texts_of(drawn(tmp_path, predictions(np.array([0, 2] * 20), 3)))
    assert "1 class without positives or negatives left out" in texts


def test_good_curves_get_a_closer_look_at_the_upper_left_corner(tmp_path: Path) -> None:
    axes = drawn(tmp_path, predictions(np.arange(600) % 3, 3, skill=6.0)).axes
    assert len(axes) == 2
    assert axes[1].get_xlim()[1] == pytest.approx(1 - axes[1].get_ylim()[0])


def test_samples_of_one_class_are_not_found(tmp_path: Path) -> None:
    run = make_run(tmp_path, files=False)
    keep_evidence(run, replace(predictions(np.zeros(5, np.int64), 3)))
    with pytest.raises(NotFound, match="samples of one class"):
        read_ranked(run)
