"""Evaluate a split in one pass: metrics, outputs and features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tbcli.config import RecordConfig
from tbcli.data.dataset import Dataset, Split
from tbcli.recorders.base import Evidence
from tbcli.training.feed import evaluation_batches
from tbcli.training.taps.features import FeatureTap


class Evaluator:
    """Evaluates splits with one compiled model.

    Args:
        model: A compiled model.
        dataset: Source of the splits; also gives the shape of a sample, and the task.
        between_batches: Called after every batch; may raise to stop.
        record: Which layer gives the features, and of how many samples of a split.
        from_logits: Whether the outputs are logits, which the evidence does not show.

    Raises:
        ConfigError: The model has no such layer.
    """

    def __init__(
        self,
        model: keras.Model,
        dataset: Dataset,
        between_batches: Callable[[], None],
        record: RecordConfig,
        *,
        from_logits: bool = False,
    ) -> None:
        self._model = model
        self._between_batches = between_batches
        self._tap = FeatureTap(model, record.projector_layer)
        self._most_features = record.projector_points
        inputs = tf.TensorSpec((None, *dataset.input_shape), dataset.train.inputs.dtype)
        targets = dataset.train.labels
        labels = tf.TensorSpec((None, *targets.shape[1:]), targets.dtype)
        self._task = dataset.task
        self._from_logits = from_logits
        self._look = tf.function(self._look_at_batch, input_signature=[inputs, labels], autograph=False)
        self._predict = tf.function(self._tap.look, input_signature=[inputs], autograph=False)

    @property
    def has_features(self) -> bool:
        """Whether evidence holds features."""
        return self._tap.has_features

    def evaluate(self, split: Split, keep: int | None = None) -> Evidence:
        """Return the predictions for every sample, and the metrics over all of them.

        Args:
            split: What to evaluate.
            keep: Keep the evidence of so many samples only, the first ones; the metrics are of all.
        """
        # Keras resets the metrics at the start of an epoch; at its end, where this is called, they are free.
        self._model.reset_metrics()
        parts: list[Any] = []
        losses: list[float] = []
        sizes: list[int] = []
        logs: dict[str, Any] = {}
        for inputs, labels in evaluation_batches(split):
            features, outputs, loss, logs = self._look(tf.constant(inputs), tf.constant(labels))
            if keep is None or sum(sizes) < keep:
                parts.append((features, outputs))
            losses.append(float(loss))
            sizes.append(len(labels))
            self._between_batches()
        loss = float(np.average(losses, weights=sizes))
        metrics = {"loss": loss, **{name: float(logs[name]) for name in sorted(logs) if name != "loss"}}
        self._model.reset_metrics()
        return self._evidence(split.first(keep) if keep else split, parts, metrics)

    def predict(self, split: Split) -> Evidence:
        """Return the predictions for every sample, without metrics."""
        parts = []
        for inputs, _ in evaluation_batches(split):
            parts.append(self._predict(tf.constant(inputs)))
            self._between_batches()
        return self._evidence(split, parts, {})

    def _look_at_batch(self, inputs: tf.Tensor, labels: tf.Tensor) -> tuple[Any, ...]:
        features, outputs = self._tap.look(inputs)
        loss = self._model.compute_loss(inputs, labels, outputs, training=False)
        logs = self._model.compute_metrics(inputs, labels, outputs)
        return features, outputs, loss, logs

    def _evidence(self, split: Split, parts: list[Any], metrics: dict[str, float]) -> Evidence:
        count = len(split)
        features = _first_rows([part[0] for part in parts], min(count, self._most_features))
        outputs = np.concatenate([part[1].numpy() for part in parts])[:count]
        return Evidence(
            indices=split.positions,
            labels=split.labels[split.positions],
            outputs=self._task.read(outputs, from_logits=self._from_logits),
            features=features,
            metrics=metrics,
            task=self._task,
        )


def _first_rows(parts: list[tf.Tensor | None], most: int) -> np.ndarray | None:
    """Return the features of the first samples ``[n, width]``: those of all, of a wide layer, would fill the memory."""
    rows: list[np.ndarray] = []
    for part in parts:
        if part is None:
            return None
        missing = most - sum(map(len, rows))
        if missing > 0:
            rows.append(part[:missing].numpy())
    return np.concatenate(rows) if rows else None
