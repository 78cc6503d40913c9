"""What predictions are worth, counted: which classes are taken for which, and the worst mistakes."""

from __future__ import annotations

import numpy as np

from tbcli.figures.colours import Theme, as_rgb, blended


def count_confusions(labels: np.ndarray, guesses: np.ndarray, classes: int) -> np.ndarray:
    """Count sample pairs as ``[true class, guessed class]``, int64; agrees with scikit-learn's ``confusion_matrix``."""
    pairs = labels.astype(np.int64) * classes + guesses
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def count_outcomes(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Count the samples that have each label and are predicted to ``[labels, 4]``, int64.

    The four are: has it and is predicted to, has it and is not, has it not but is predicted to, neither.

    Args:
        labels: 1 where a sample has a label ``[n, labels]``.
        predictions: 1 where it is predicted ``[n, labels]``.
    """
    has, said = labels > 0, predictions > 0
    parts = (has & said, has & ~said, ~has & said, ~has & ~said)
    return np.stack([part.sum(axis=0) for part in parts], axis=1).astype(np.int64)


def outcome_colours(outcomes: np.ndarray, theme: Theme) -> np.ndarray:
    """Return the colour of each count ``[labels, 4, 3]``, uint8; see `count_outcomes`.

    As in a confusion matrix: what is right is blue by its share, what is wrong is orange by the root of it, and where
    there is no sample it is grey.
    """
    pairs = outcomes.reshape(-1, 2)
    shares = shares_of_rows(pairs).reshape(-1, 4)
    colours = blended(theme.paper, theme.train, shares)
    colours[:, 1:3] = blended(theme.paper, theme.validation, np.sqrt(shares[:, 1:3]))
    colours.reshape(-1, 2, 3)[pairs.sum(axis=1) == 0] = as_rgb(theme.empty)
    return colours


def memberships(labels: np.ndarray, classes: int) -> np.ndarray:
    """Return whether each sample is of each class, or has each label ``[n, classes]``.

    Args:
        labels: Class numbers ``[n]``, or 1 where a sample has a label ``[n, classes]``.
        classes: How many there are.
    """
    members: np.ndarray = labels > 0 if labels.ndim == 2 else labels[:, np.newaxis] == np.arange(classes)
    return members


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
