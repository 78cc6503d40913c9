"""What pictures of predicted values share: which values, which samples, and how far their axes reach."""

from __future__ import annotations

import numpy as np

from tbcli.tasks.value_report import ValueReport

_WIDEST = 0.99  # share of the errors that the axis of a histogram holds; the others stand in its last bins


def poorest_values(report: ValueReport, most: int) -> list[int]:
    """Return the positions of the values with the lowest R2, at most so many, in their own order."""
    known = np.nan_to_num(report.r2, nan=-np.inf, neginf=-np.inf)
    return sorted(np.argsort(known, kind="stable")[:most].tolist())


def finite_pairs(true: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the true and predicted values of the samples where both are finite, as float64 ``[m]``."""
    true, predicted = true.astype(np.float64), predicted.astype(np.float64)
    finite = np.isfinite(true) & np.isfinite(predicted)
    return true[finite], predicted[finite]


def shared_span(true: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    """Return the smallest and the largest of all values, never the same; for both axes, so that they compare."""
    low, high = float(min(true.min(), predicted.min())), float(max(true.max(), predicted.max()))
    if low == high:
        room = abs(low) * 0.5 or 1.0
        return low - room, high + room
    return low, high


def error_span(errors: np.ndarray) -> float:
    """Return how far from 0 the axis of errors reaches: to all of them, but for a few outliers."""
    sizes = np.abs(errors)
    most, usual = float(sizes.max()), float(np.quantile(sizes, _WIDEST)) * 1.5
    return (most if most <= 2 * usual else usual) or 1.0
