"""Confusions and mistakes are counted as scikit-learn, or a plain loop, would count them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from tbcli.figures.confusions import count_confusions, shares_of_rows, worst_mistakes
from tbcli.tasks import CLASSIFICATION

RANDOM = np.random.default_rng(8)


@pytest.mark.parametrize(("classes", "samples"), [(2, 50), (10, 1000), (200, 5000), (10, 1), (3, 0)])
def test_confusions_are_those_of_scikit_learn(classes: int, samples: int) -> None:
    labels, guesses = RANDOM.integers(0, classes, (2, samples))
    found = count_confusions(labels, guesses, classes)
    expected = confusion_matrix(labels, guesses, labels=range(classes)) if samples else np.zeros((classes, classes))
    assert found.dtype == np.int64
    assert np.array_equal(found, expected)


def test_a_class_without_samples_has_an_empty_row() -> None:
    labels, guesses = np.array([0, 2, 2]), np.array([0, 1, 2])
    counts = count_confusions(labels, guesses, 3)
    assert counts.tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 1]]
    assert shares_of_rows(counts).tolist() == [[1, 0, 0], [0, 0, 0], [0, 0.5, 0.5]]


def test_shares_are_those_of_scikit_learn() -> None:
    labels, guesses = RANDOM.integers(0, 5, (2, 400))
    expected = confusion_matrix(labels, guesses, normalize="true")
    assert np.allclose(shares_of_rows(count_confusions(labels, guesses, 5)), expected)


@pytest.mark.parametrize("classes", [2, 10, 200])
@pytest.mark.parametrize("count", [1, 16, 10_000])
def test_mistakes_come_in_the_order_of_their_confidence(classes: int, count: int) -> None:
    labels = RANDOM.integers(0, classes, 300)
    probabilities = RANDOM.dirichlet(np.ones(classes), 300).astype(np.float32)
    wrong = []
    for position in range(300):
        guess = max(range(classes), key=lambda number: float(probabilities[position, number]))
        if guess != labels[position]:
            wrong.append((-float(probabilities[position, guess]), position))
    expected = [position for _, position in sorted(wrong)[:count]]
    assert worst_mistakes(CLASSIFICATION.errors(labels, probabilities), count).tolist() == expected


def test_equal_confidence_keeps_the_order_and_no_number_comes_last() -> None:
    half, nan = [0.5, 0.25, 0.25], [np.nan] * 3
    probabilities = np.array([nan, half, [0.9, 0.1, 0.0], half, [1.0, 0.0, 0.0]], np.float32)
    assert worst_mistakes(CLASSIFICATION.errors(np.array([1, 1, 1, 1, 0]), probabilities), 9).tolist() == [2, 1, 3, 0]


def test_no_mistake_is_no_position() -> None:
    assert worst_mistakes(CLASSIFICATION.errors(np.array([0, 1]), np.eye(2, dtype=np.float32)), 5).tolist() == []
