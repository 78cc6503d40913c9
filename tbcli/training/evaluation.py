"""Evaluate a split in one pass: metrics, outputs and features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tbcli.data.dataset import Dataset, Split
from tbcli.models import FEATURES
from tbcli.recorders.base import Evidence
from tbcli.training.feed import evaluation_batches
from tbcli.training.taps.activations import is_functional


class Evaluator:
    """Evaluates splits with one compiled model.

    Args:
        model: A compiled model.
        dataset: Source of the splits; also gives the shape of a sample, and the task.
        between_batches: Called after every batch; may raise to stop.
    """

    def __init__(self, model: keras.Model, dataset: Dataset, between_batches: Callable[[], None]) -> None:
        self._model = model
        self._between_batches = between_batches
        self.has_features = is_functional(model) and any(layer.name == FEATURES for layer in model.layers)
        """Whether evidence holds the output of the penultimate layer."""
        self._outputs = (
            keras.Model(model.inputs, [model.get_layer(FEATURES).output, *model.outputs])
            if self.has_features
            else model
        )
        inputs = tf.TensorSpec((None, *dataset.input_shape), dataset.train.inputs.dtype)
        targets = dataset.train.labels
        labels = tf.TensorSpec((None, *targets.shape[1:]), targets.dtype)
        self._task = dataset.task
        self._from_logits = bool(getattr(model.loss, "from_logits", False))
        self._look = tf.function(self._look_at_batch, input_signature=[inputs, labels])
        self._predict = tf.function(self._forward, input_signature=[inputs])

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
        metrics = {name: float(value) for name, value in logs.items()}
        metrics["loss"] = float(np.average(losses, weights=sizes))
        self._model.reset_metrics()
        return self._evidence(split.first(keep) if keep else split, parts, metrics)

    def predict(self, split: Split) -> Evidence:
        """Return the predictions for every sample, without metrics."""
        parts = []
        for inputs, _ in evaluation_batches(split):
            parts.append(self._predict(tf.constant(inputs)))
            self._between_batches()
        return self._evidence(split, parts, {})

    def _forward(self, inputs: tf.Tensor) -> tuple[tf.Tensor | None, tf.Tensor]:
        if not self.has_features:
            return None, tf.cast(self._outputs(inputs, training=False), tf.float32)
        features, outputs = self._outputs(inputs, training=False)
        return tf.cast(features, tf.float32), tf.cast(outputs, tf.float32)

    def _look_at_batch(self, inputs: tf.Tensor, labels: tf.Tensor) -> tuple[Any, ...]:
        features, outputs = self._forward(inputs)
        loss = self._model.compute_loss(inputs, labels, outputs, training=False)
        logs = self._model.compute_metrics(inputs, labels, outputs)
        return features, outputs, loss, logs

    def _evidence(self, split: Split, parts: list[Any], metrics: dict[str, float]) -> Evidence:
        count = len(split)
        features = np.concatenate([part[0].numpy() for part in parts])[:count] if self.has_features else None
        outputs = np.concatenate([part[1].numpy() for part in parts])[:count]
        return Evidence(
            indices=split.positions,
            labels=split.labels[split.positions],
            outputs=self._task.read(outputs, from_logits=self._from_logits),
            features=features,
            metrics=metrics,
            task=self._task,
        )
