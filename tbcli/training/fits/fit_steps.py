"""Which optimizer step a `fit` is at, what the taps measured of each, and what an epoch came to."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from tbcli.training.fits.fit_settings import rate_now
from tbcli.training.fits.undisturbed import value_of
from tbcli.training.taps.fit import FitTaps

_SECONDS = 1.0  # between two readings, at least, while steps take their time


class FitSteps:
    """Counts by the optimizer, which alone knows; in between by the batches that Keras tells of.

    Args:
        model: A compiled model.
        taps: Their values are read now and then.
    """

    def __init__(self, model: keras.Model, taps: FitTaps) -> None:
        self.done = 0
        """Optimizer steps since the run began."""
        self.in_epoch = 0
        """Of these, those of the epoch."""
        self._recorded = 0
        self.go_on(model, taps)

    def go_on(self, model: keras.Model, taps: FitTaps) -> None:
        """Count on, with a further fit."""
        self._taps = taps
        self._per_execution = int(model.steps_per_execution or 1)
        self._offset = _iterations(model) - self.done  # the optimizer has counted more where it trained before
        self._epoch_first = self.done
        self._read_at = time.perf_counter()
        self._timed_from: tuple[float, int] | None = None

    def begin_epoch(self) -> None:
        """Note the beginning of an epoch."""
        self._epoch_first, self.in_epoch = self.done, 0
        self._timed_from = (time.perf_counter(), self.done) if self.done else None

    def count_to(self, batch: int) -> bool:
        """Take a count of the epoch's steps; return whether it is time to read the taps."""
        self.in_epoch = batch
        self.done = self._epoch_first + batch
        now = time.perf_counter()
        if self._timed_from is None and batch:  # most of the first execution was compilation
            self._timed_from = now, self.done
        is_due = self.done - self._recorded + self._per_execution > self._taps.rows or now - self._read_at > _SECONDS
        return is_due and self.done > self._recorded

    def settle(self, model: keras.Model, steps: int | None) -> None:
        """Take the optimizer's own count at the end of an epoch, which Keras tells nobody.

        Args:
            model: In the state after the epoch.
            steps: Of an epoch, where Keras knows them: for a step that leaves the optimizer alone.
        """
        counted = _iterations(model) - self._offset
        if counted <= self._epoch_first:  # nor is the end of the last execution known
            counted = self._epoch_first + (steps or self.in_epoch + self._per_execution)
            self._offset = _iterations(model) - counted
        self.done = counted
        self.in_epoch = self.done - self._epoch_first

    def read(self) -> tuple[int, int, dict[str, np.ndarray]]:
        """Return first and last of the steps since the last reading, and what was measured: ``{tag: [steps]}``."""
        first, last = self._recorded + 1, self.done
        self._recorded, self._read_at = self.done, time.perf_counter()
        oldest = max(first, last - self._taps.rows + 1)
        if last < oldest:
            return first, last, {}
        return oldest, last, self._taps.read(oldest + self._offset, last + self._offset)

    def speed(self) -> dict[str, float]:
        """Return the epoch's ``steps_per_second``; nothing where all its steps were one execution with compilation."""
        if self._timed_from is None or self.done <= self._timed_from[1]:
            return {}
        seconds = time.perf_counter() - self._timed_from[0]
        return {"steps_per_second": (self.done - self._timed_from[1]) / max(seconds, 1e-9)}

    def epoch_values(self, model: keras.Model, logs: Mapping[str, Any]) -> dict[str, float]:
        """Return what is known of an epoch: its logs as far as they are numbers, speed and learning rate.

        Args:
            model: In the state after the epoch.
            logs: What Keras tells callbacks.
        """
        values = {**({"loss": math.nan} if "loss" in logs else {}), **_as_numbers(logs), **self.speed()}
        rate = rate_now(model)
        return {**values, "learning_rate": rate} if math.isfinite(rate) else values

    def batch_size(self, model: keras.Model) -> int | None:
        """Return the samples per step, by those that Keras' own step counted; None where that does not tell.

        Args:
            model: In the middle of an epoch, for the last batch of one may be smaller than the others.
        """
        if not self.in_epoch or not str(type(model).train_step.__module__).startswith("keras."):
            return None  # whatever a step of their own counts in a metric called loss
        tracker = next((metric for metric in model.metrics if metric.name == "loss" and hasattr(metric, "count")), None)
        samples = 0 if tracker is None else round(float(value_of(tracker.count)))
        return samples // self.in_epoch if samples and samples % self.in_epoch == 0 else None


def _iterations(model: keras.Model) -> int:
    """Return the steps that an optimizer has counted; 0 without one."""
    iterations = getattr(model.optimizer, "iterations", None)
    return 0 if iterations is None else int(value_of(iterations))


def _as_numbers(logs: Mapping[str, Any]) -> dict[str, float]:
    """Return the logs that are numbers; a custom step may log anything."""
    numbers = {}
    for name, value in logs.items():
        try:
            numbers[str(name)] = float(value)
        except (TypeError, ValueError):
            continue
    return numbers
