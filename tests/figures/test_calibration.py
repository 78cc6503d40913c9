"""The expected calibration error is what a plain loop finds, and the bins say how many samples stand behind them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from tbcli.errors import NotFound
from tbcli.figures.calibration import BINS, draw_calibration, reliability_of
from tbcli.figures.one_vs_rest import read_scored
from tbcli.figures.style import save_figure
from tests.fakes import make_run
from tests.runs.evidence import keep_evidence, predictions


def plain_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the error as Guo et al. write it: bins ((m - 1) / M, m / M]."""
    confidence, right = probabilities.max(axis=1).astype(float), probabilities.argmax(axis=1) == labels
    total = 0.0
    for number in range(BINS):
        inside = (confidence > number / BINS) & (confidence <= (number + 1) / BINS)
        if inside.any():
            total += inside.sum() * abs(right[inside].mean() - confidence[inside].mean())
    return total / len(labels)


@pytest.mark.parametrize(("classes", "samples"), [(2, 300), (10, 500), (200, 400), (3, 1)])
def test_the_error_is_that_of_its_definition(classes: int, samples: int) -> None:
    told = predictions(np.arange(samples) % classes, classes)
    found = reliability_of(told.labels, told.probabilities)
    assert found.error == pytest.approx(plain_error(told.labels, told.probabilities))
    assert found.counts.sum() == samples


def test_the_bins_are_scikit_learns() -> None:
    told = predictions(np.arange(500) % 4, 4)
    found = reliability_of(told.labels, told.probabilities)
    right = told.guesses == told.labels
    accuracy, confidence = calibration_curve(right, told.probabilities.max(axis=1), n_bins=BINS)
    met = found.counts > 0
    assert found.accuracy[met] == pytest.approx(accuracy)
    assert found.confidence[met] == pytest.approx(confidence)


def test_sure_and_right_is_no_error_and_sure_and_wrong_is_all() -> None:
    sure = np.eye(2, dtype=np.float32)[[0, 1]]
    assert reliability_of(np.array([0, 1]), sure).error == 0
    wrong = reliability_of(np.array([1, 0]), sure)
    assert (wrong.error, wrong.overconfidence) == (1, 1)


def test_the_figure_says_the_error_its_definition_and_the_counts(tmp_path: Path) -> None:
    told = predictions(np.arange(200) % 3, 3)
    told.probabilities[:7] = np.nan
    figure = draw_calibration(make_run(tmp_path, files=False), told)
    save_figure(figure, tmp_path / "x.png", 40)
    texts = [text.get_text() for text in figure.texts]
    found = reliability_of(told.labels, told.probabilities)
    assert texts[0].endswith("calibration")
    assert f"ECE {found.error:.4f}" in texts[1]
    assert "7 not finite left out" in texts[1]
    assert any("arXiv:1706.04599" in text for text in texts)
    counted = [int(text.get_text().replace(",", "")) for text in figure.axes[1].texts]
    assert sum(counted) == 193


def test_probabilities_that_are_no_numbers_are_not_found(tmp_path: Path) -> None:
    run, told = make_run(tmp_path, files=False), predictions(np.arange(6) % 3, 3)
    keep_evidence(run, replace(told, outputs=np.full_like(told.probabilities, np.nan)))
    with pytest.raises(NotFound, match="no finite probability"):
        read_scored(run)
