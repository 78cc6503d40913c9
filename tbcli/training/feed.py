"""From a split to batches: raw values until the step, in an order that is a function of seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tbcli.data.dataset import Split, count_steps, epoch_order

EVALUATION_BATCH = 500


class TrainingFeed:
    """The batches of one epoch after the other.

    Args:
        split: What to draw from.
        batch_size: Samples a step; the last batch of an epoch may be smaller.
        steps_per_epoch: So many steps at most; 0 for the whole split.
        seed: With the epoch, decides the order.
    """

    def __init__(self, split: Split, batch_size: int, steps_per_epoch: int, seed: int) -> None:
        self._split = split
        self._seed = seed
        self.batch_size = batch_size
        self.steps = count_steps(len(split), batch_size, steps_per_epoch)
        with tf.device("CPU"):
            self._order = tf.Variable(split.positions, trainable=False)
            self._samples = _Gather(split)

    def begin_epoch(self, epoch: int) -> None:
        """Set the order of an epoch, counted from 1; call before its first batch is drawn."""
        self._order.assign(self._split.positions[epoch_order(len(self._split), self._seed, epoch)])

    def batches(self) -> tf.data.Dataset:
        """Return the current epoch's batches; the dataset is iterated anew for each epoch."""
        drawn = tf.data.Dataset.range(self.steps).map(self._draw, num_parallel_calls=1, deterministic=True)
        # A few batches ahead hide the gathering; more would only hold memory.
        return drawn.prefetch(4)

    def _draw(self, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        first = step * self.batch_size
        return self._samples(self._order[first : first + self.batch_size])


class _Gather:
    """Draws samples by position inside a graph: from memory at once, from anything else through NumPy."""

    def __init__(self, split: Split) -> None:
        self._inputs = split.inputs
        self._in_memory = isinstance(split.inputs, np.ndarray) and not isinstance(split.inputs, np.memmap)
        self._tensor: Any = tf.convert_to_tensor(split.inputs) if self._in_memory else None
        self._labels = tf.convert_to_tensor(split.labels)

    def __call__(self, positions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        labels = tf.gather(self._labels, positions)
        if self._in_memory:
            return tf.gather(self._tensor, positions), labels
        samples = tf.numpy_function(self._inputs.__getitem__, [positions], self._inputs.dtype)
        return tf.ensure_shape(samples, (None, *self._inputs.shape[1:])), labels


def evaluation_batches(split: Split, size: int = EVALUATION_BATCH) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield inputs ``[size, ...]`` and labels ``[size]`` in the split's own order."""
    for first in range(0, len(split), size):
        yield split.batch(slice(first, first + size))
