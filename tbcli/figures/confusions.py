"""What predictions are worth, counted: which classes are taken for which, and the worst mistakes."""

from __future__ import annotations

import numpy as np


def count_confusions(labels: np.ndarray, guesses: np.ndarray, classes: int) -> np.ndarray:
    """Count sample pairs as ``[true class, guessed class]``, int64; agrees with scikit-learn's ``confusion_matrix``."""
    pairs = labels.astype(np.int64) * classes + guesses
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def finite_rows(probabilities: np.ndarray) -> np.ndarray:
    """Return which rows of ``[n, classes]`` are finite numbers throughout ``[n]``: others predict nothing."""
    finite: np.ndarray = np.isfinite(probabilities).all(axis=1)
    return finite


def shares_of_rows(counts: np.ndarray) -> np.ndarray:
    """Return each count as a share, from 0 to 1, of its row ``[true class, guessed class]``; an empty row is all 0."""
    totals = counts.sum(axis=1, keepdims=True)
    shares: np.ndarray = counts / np.maximum(totals, 1)
    return shares


def worst_mistakes(errors: np.ndarray, count: int) -> np.ndarray:
    """Return positions of wrong predictions ``[at most count]``, the worst first; ties in order of position.

    Args:
        errors: How wrong each sample is ``[n]``, 0 where it is right: of classes the confidence of the wrong answer.
            One that is NaN comes last.
        count: So many at most.
    """
    wrong = np.flatnonzero(errors != 0)
    chosen: np.ndarray = wrong[np.argsort(-np.nan_to_num(errors[wrong], nan=-1.0), kind="stable")[:count]]
    return chosen
