"""Keep the weights of the best epoch, and stop early when there is no improvement."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from tbcli.naming.direction import NO_OVERRIDES, Overrides, lower_is_better


class BestEpoch:
    """Watches one metric.

    Args:
        metric: The name in the logs, as ``val_loss``.
        patience: Epochs without a better value after which to stop; 0 never stops.
        directions: The user's ``[direction]`` section.
    """

    def __init__(self, metric: str, patience: int, directions: Overrides = NO_OVERRIDES) -> None:
        self.metric = metric
        self.is_low_best = lower_is_better(metric, directions)
        self.patience = patience
        self.epoch = 0
        self.value = math.nan
        self._weights: list[np.ndarray] = []

    def state(self) -> Mapping[str, Any]:
        """Return the best epoch, its value and its weights."""
        return {"metric": self.metric, "epoch": self.epoch, "value": self.value, "weights": self._weights}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with the best epoch so far; of another metric there is none."""
        if state["metric"] == self.metric:
            self.epoch, self.value, self._weights = state["epoch"], state["value"], state["weights"]

    def update(self, model: keras.Model, epoch: int, logs: Mapping[str, float]) -> bool:
        """Record an epoch; return whether training should stop."""
        value = logs[self.metric]
        better = value < self.value if self.is_low_best else value > self.value
        if math.isfinite(value) and (better or not self.epoch):
            self.epoch, self.value, self._weights = epoch, value, model.get_weights()
        return bool(self.patience) and epoch - self.epoch >= self.patience

    def give_back(self, model: keras.Model) -> int:
        """Restore the best weights; return their epoch, or 0 if no epoch was recorded."""
        if self.epoch:
            model.set_weights(self._weights)
        return self.epoch
