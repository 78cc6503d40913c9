"""The values of every single optimizer step, although Python runs only once per execution.

Keras hands a callback the running mean of the epoch, once for several steps. Here the graph itself writes each step's
own values into a buffer, which is read after each execution.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

_WIDTH = 128  # columns of the buffer: loss, learning rate and metrics; settled before the metrics are known


class StepTape:
    """Taps a compiled model's training step; install before its training function is made.

    Args:
        model: A compiled model.
        rows: Optimizer steps to keep between two reads, at least.
        on_fault: Told of an exception of the measuring, which then does not reach the step.
    """

    def __init__(self, model: keras.Model, rows: int, on_fault: Callable[[Exception], None] | None = None) -> None:
        self._model = model
        self._rows = rows
        self._on_fault = on_fault
        self._buffer = tf.Variable(tf.zeros((rows, _WIDTH)), trainable=False, name="step_tape")
        self._names: list[str] = []
        self._loss: Any = None
        self._before: dict[str, Any] = {}
        self.install()

    def install(self) -> None:
        """Listen to the model; safe to call again."""
        if self._before:
            return
        model = self._model
        self._before = {name: vars(model).get(name) for name in ("compute_loss", "train_step")}
        self._compute_loss, self._train_step = model.compute_loss, model.train_step
        model.compute_loss, model.train_step = self._kept_loss, self._taped_step

    def read(self, first: int, last: int) -> dict[str, np.ndarray]:
        """Return ``{name: [last - first + 1]}``: loss, metrics and learning rate of each of the latest steps."""
        rows = self._buffer.numpy()[[(step - 1) % self._rows for step in range(first, last + 1)]]
        return {name: rows[:, column] for column, name in enumerate(self._names)}

    def remove(self) -> None:
        """Restore the model's own methods."""
        for name, before in self._before.items():
            if before is None:
                vars(self._model).pop(name, None)
            else:
                setattr(self._model, name, before)
        self._before = {}

    def _kept_loss(self, *args: Any, **kwargs: Any) -> Any:
        self._loss = self._compute_loss(*args, **kwargs)
        return self._loss

    def _taped_step(self, data: Any) -> Any:
        self._loss = None
        means = {name: metric for name, metric in _named_metrics(self._model).items() if hasattr(metric, "total")}
        before = {name: (tf.identity(metric.total), tf.identity(metric.count)) for name, metric in means.items()}
        # The step's own rate is the one before the step is counted.
        rate = tf.cast(self._model.optimizer.learning_rate, tf.float32)
        logs = self._train_step(data)
        try:
            self._keep(logs, means, before, rate)
        except Exception as error:
            if self._on_fault is None:
                raise
            self._on_fault(error)
        return logs

    def _keep(self, logs: Any, means: dict[str, Any], before: dict[str, Any], rate: Any) -> None:
        """Write the row of a step."""
        # Of a step that several devices share, what was computed last is the loss of a part; it knows that of all.
        loss = getattr(self._train_step, "loss", self._loss)
        values = {} if loss is None else {"loss": tf.cast(loss, tf.float32)}
        for name, running in logs.items():
            if name in means:
                metric, (total, count) = means[name], before[name]
                values[name] = (metric.total - total) / (metric.count - count)
            elif name not in values:
                values[name] = running  # not a mean: the epoch's value so far is all there is
        values["learning_rate"] = rate
        self._names = list(values)
        row = tf.stack([tf.cast(value, tf.float32) for value in values.values()])
        position = (tf.cast(self._model.optimizer.iterations, tf.int64) - 1) % self._rows
        self._buffer.scatter_nd_update([[position]], [tf.pad(row, [[0, _WIDTH - len(values)]])])


def _named_metrics(model: keras.Model) -> dict[str, Any]:
    """Return the innermost metrics by the names that the logs use."""
    found: dict[str, Any] = {}
    for metric in model.metrics:
        inner = getattr(metric, "metrics", None)  # compiled metrics come in one container
        for each in inner or [metric]:
            found.setdefault(each.name, each)
    found.pop("loss", None)  # measured itself, not from the running mean
    return found
