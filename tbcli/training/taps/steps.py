"""The values of every single optimizer step, although Python runs only once per execution.

Keras hands a callback the running mean of the epoch, once for several steps. Here the graph itself writes each step's
own values into a buffer, which is read after each execution.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

_WIDTH = 32  # columns of the buffer: loss, learning rate and metrics; settled before the metrics are known


class StepTape:
    """Taps a compiled model's training step; install before its training function is made.

    Args:
        model: A compiled model.
        steps_per_execution: Rows to keep between two reads.
    """

    def __init__(self, model: keras.Model, steps_per_execution: int) -> None:
        self._model = model
        self._rows = steps_per_execution
        self._buffer = tf.Variable(tf.zeros((steps_per_execution, _WIDTH)), trainable=False, name="step_tape")
        self._names: list[str] = []
        self._loss: Any = None
        self._compute_loss, self._train_step = model.compute_loss, model.train_step
        model.compute_loss, model.train_step = self._kept_loss, self._taped_step

    def read(self, first: int, last: int) -> dict[str, np.ndarray]:
        """Return ``{name: [last - first + 1]}``: loss, metrics and learning rate of each of the latest steps."""
        rows = self._buffer.numpy()[[(step - 1) % self._rows for step in range(first, last + 1)]]
        return {name: rows[:, column] for column, name in enumerate(self._names)}

    def remove(self) -> None:
        """Restore the model's own methods."""
        self._model.compute_loss, self._model.train_step = self._compute_loss, self._train_step

    def _kept_loss(self, *args: Any, **kwargs: Any) -> Any:
        self._loss = self._compute_loss(*args, **kwargs)
        return self._loss

    def _taped_step(self, data: Any) -> Any:
        means = {name: metric for name, metric in _named_metrics(self._model).items() if hasattr(metric, "total")}
        before = {name: (tf.identity(metric.total), tf.identity(metric.count)) for name, metric in means.items()}
        # The step's own rate is the one before the step is counted.
        rate = tf.cast(self._model.optimizer.learning_rate, tf.float32)
        logs = self._train_step(data)
        values = {"loss": tf.cast(self._loss, tf.float32)}
        for name, running in logs.items():
            if name in means:
                metric, (total, count) = means[name], before[name]
                values[name] = (metric.total - total) / (metric.count - count)
            elif name != "loss":
                values[name] = running  # not a mean: the epoch's value so far is all there is
        values["learning_rate"] = rate
        self._names = list(values)
        row = tf.stack([tf.cast(value, tf.float32) for value in values.values()])
        position = (tf.cast(self._model.optimizer.iterations, tf.int64) - 1) % self._rows
        self._buffer.scatter_nd_update([[position]], [tf.pad(row, [[0, _WIDTH - len(values)]])])
        return logs


def _named_metrics(model: keras.Model) -> dict[str, Any]:
    """Return the innermost metrics by the names that the logs use."""
    found: dict[str, Any] = {}
    for metric in model.metrics:
        inner = getattr(metric, "metrics", None)  # compiled metrics come in one container
        for each in inner or [metric]:
            found.setdefault(each.name, each)
    found.pop("loss", None)  # measured itself, not from the running mean
    return found
