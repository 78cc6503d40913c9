"""Keras' losses and metrics on labels and outputs in another form: one-hot class numbers, probabilities of logits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from tbcli.tasks import Task
from tbcli.tasks.measures import NUMBERS, POSITIVES


@dataclass(frozen=True, slots=True)
class Encoding:
    """How labels and outputs reach a loss or a metric.

    Args:
        task: What is learnt.
        classes: How many classes, labels or values there are.
        compares: What is compared: see `tbcli.tasks.measures`.
        from_logits: Whether the outputs are logits, of which probabilities are made.
        leaves_outputs: Whether outputs are passed as they are: to what a user made for them.
    """

    task: Task
    classes: int
    compares: str
    from_logits: bool = False
    leaves_outputs: bool = False

    def __call__(self, labels: Any, outputs: Any) -> tuple[Any, Any]:
        """Return labels and outputs as they are compared."""
        if not self.task.has_classes:
            return labels, ops.sigmoid(outputs) if self.from_logits and not self.leaves_outputs else outputs
        numbers = ops.reshape(ops.cast(labels, "int32"), (-1,))
        if not self.leaves_outputs:
            outputs = self._distributions(outputs)
            if self.compares == POSITIVES and self.classes == 2:  # the second class is the positive one
                outputs = outputs[:, 1:]
        if self.compares == NUMBERS:
            return numbers, outputs
        if outputs.shape[-1] == 1:
            return ops.cast(ops.expand_dims(numbers, -1), outputs.dtype), outputs
        return ops.one_hot(numbers, self.classes, dtype=outputs.dtype), outputs

    def _distributions(self, outputs: Any) -> Any:
        """Return probabilities ``[n, classes]``."""
        if outputs.shape[-1] > 1:
            return ops.softmax(outputs) if self.from_logits else outputs
        second = ops.sigmoid(outputs) if self.from_logits else outputs
        return ops.concatenate([1 - second, second], axis=-1)


class EncodedLoss(keras.losses.Loss):  # type: ignore[misc] # Keras has no types
    """A loss on encoded labels and outputs."""

    def __init__(self, loss: keras.losses.Loss, encode: Callable[[Any, Any], tuple[Any, Any]]) -> None:
        super().__init__(name=loss.name, reduction=loss.reduction)
        self.loss, self.encode = loss, encode

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample."""
        return self.loss.call(*self.encode(y_true, y_pred))


class EncodedMetric(keras.metrics.Metric):  # type: ignore[misc] # the same
    """A metric on encoded labels and outputs."""

    def __init__(self, metric: keras.metrics.Metric, encode: Callable[[Any, Any], tuple[Any, Any]]) -> None:
        super().__init__(name=metric.name)
        self.metric, self.encode = metric, encode

    def __getattr__(self, name: str) -> Any:
        """Return sum and count of a mean, from which the value of a single step is told."""
        if name in ("total", "count") and "metric" in self.__dict__:
            return getattr(self.metric, name)
        raise AttributeError(name)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Take a batch."""
        return self.metric.update_state(*self.encode(y_true, y_pred), sample_weight=sample_weight)

    def result(self) -> Any:
        """Return the value over all batches."""
        return self.metric.result()

    def reset_state(self) -> None:
        """Begin anew."""
        self.metric.reset_state()
