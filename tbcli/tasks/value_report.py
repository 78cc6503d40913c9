"""How far off predicted values are, value by value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True)
class ValueReport:
    """What the errors of each value come to; an error is what was predicted less what is true.

    Args:
        samples: Those whose label and prediction of the value are finite; the others are left out ``[values]``.
        mae: Mean absolute error ``[values]``; NaN, as all others, where no sample is left.
        rmse: Root of the mean squared error ``[values]``.
        r2: Share of the variance that is explained ``[values]``; NaN where the true value is always the same.
        bias: Mean error ``[values]``.
        quantiles: Of the error, at `QUANTILES` ``[values, 5]``.
        largest: The largest absolute error ``[values]``.
    """

    samples: np.ndarray
    mae: np.ndarray
    rmse: np.ndarray
    r2: np.ndarray
    bias: np.ndarray
    quantiles: np.ndarray
    largest: np.ndarray


def report_values(labels: np.ndarray, outputs: np.ndarray) -> ValueReport:
    """Return how far off each value is.

    Args:
        labels: True values ``[n, values]``.
        outputs: Predicted values ``[n, values]``.
    """
    columns = [_of_value(*pair) for pair in zip(labels.T.astype(np.float64), outputs.T.astype(np.float64), strict=True)]
    samples, mae, rmse, r2, bias, quantiles, largest = (np.array(part) for part in zip(*columns, strict=True))
    return ValueReport(samples, mae, rmse, r2, bias, quantiles, largest)


def _of_value(true: np.ndarray, predicted: np.ndarray) -> tuple[int, float, float, float, float, np.ndarray, float]:
    finite = np.isfinite(true) & np.isfinite(predicted)
    true, error = true[finite], predicted[finite] - true[finite]
    if not len(error):
        return 0, np.nan, np.nan, np.nan, np.nan, np.full(len(QUANTILES), np.nan), np.nan
    squares, spread = float((error**2).sum()), float(((true - true.mean()) ** 2).sum())
    return (
        len(error),
        float(np.abs(error).mean()),
        float(np.sqrt(squares / len(error))),
        1 - squares / spread if spread > 0 else np.nan,
        float(error.mean()),
        np.quantile(error, QUANTILES),
        float(np.abs(error).max()),
    )
