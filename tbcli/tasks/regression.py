"""Regression: each sample has a value, or several."""

from __future__ import annotations

import numpy as np

from tbcli.naming.judges import MEASURED
from tbcli.tasks.task import Task


class Regression(Task):
    """Labels are values ``[n, values]``, float32, as are outputs, in the targets' own units."""

    name = "regression"
    metrics = MEASURED["regression"]
    labels_are = "values [n, values]"
    outputs_are = "values"
    names_are = "values"
    has_classes = False

    def loss(self, outputs: int) -> str:
        """Return the mean squared error."""
        return "mean_squared_error"

    def activation(self) -> str:
        """Return none: a value can be any number."""
        return "linear"

    def read(self, raw: np.ndarray, *, from_logits: bool = False) -> np.ndarray:
        """Return the values."""
        return np.asarray(raw, np.float32)

    def predictions(self, outputs: np.ndarray) -> np.ndarray:
        """Return the values: they are the prediction."""
        return outputs

    def errors(self, labels: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Return the largest absolute error of each sample's values."""
        errors: np.ndarray = np.abs(np.asarray(outputs) - labels).max(axis=-1).astype(np.float32)
        return errors

    def measure(self, labels: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
        """Return nothing: training measures MAE, RMSE and R2 over the whole split."""
        return {}

    def fits(self, labels: np.ndarray, outputs: np.ndarray, classes: int) -> bool:
        """Return whether labels and outputs are both ``[n, values]``."""
        return bool(labels.shape == outputs.shape == (len(labels), classes) and len(labels) > 0)
