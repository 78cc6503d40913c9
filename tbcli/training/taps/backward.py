"""Gradients and updates of the training step's own backward pass, tapped where the optimizer applies them.

Nothing is computed twice: the graph that trains also measures, every few steps, and Python reads after each execution.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tbcli.naming import tags
from tbcli.recorders.base import variable_path

_LARGEST_COPY = 50_000_000  # parameters; above it a copy of all gradients would cost more memory than it tells


class BackwardTap:
    """Taps a compiled model's optimizer; install before its training function is made.

    Args:
        model: A compiled, built model.
        steps_per_execution: Rows to keep between two reads.
        every: Optimizer steps between two measurements.
    """

    def __init__(self, model: keras.Model, steps_per_execution: int, every: int) -> None:
        # Behind loss scaling, where gradients have their true size.
        self._optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
        self._apply = self._optimizer.apply
        self._every = every
        self._paths = [variable_path(model, variable) for variable in model.trainable_variables]
        self._layers = list(dict.fromkeys(map(layer_of, self._paths)))
        self.names = [
            tags.GLOBAL_NORM,
            *(tags.GRADIENTS + name for name in self._layers),
            *(tags.UPDATES + name for name in self._layers),
        ]
        self._rows = tf.Variable(
            tf.fill((steps_per_execution, len(self.names)), np.nan), trainable=False, dtype=tf.float32
        )
        self._copies: list[tf.Variable] = []
        if model.count_params() <= _LARGEST_COPY:
            shapes = [variable.shape for variable in model.trainable_variables]
            self._copies = [tf.Variable(tf.zeros(shape), trainable=False, dtype=tf.float32) for shape in shapes]
        self.graph: Any = None
        """The `tf.Graph` of the training step as it runs, taps included; None before it was traced."""
        self._optimizer.apply = self._tapped

    def read(self, first: int, last: int) -> dict[str, np.ndarray]:
        """Return ``{name: [last - first + 1]}`` of each of the latest steps; NaN where a step was not measured.

        ``gradients/<layer>`` is the Euclidean norm of the loss' gradient before any clipping, over all variables of the
        layer; ``updates/<layer>`` the norm of what the optimizer changed, as a share of the norm of the weights before.
        """
        size = self._rows.shape[0]
        rows = self._rows.numpy()[[(step - 1) % size for step in range(first, last + 1)]]
        return {name: rows[:, column] for column, name in enumerate(self.names)}

    def gradients(self) -> dict[str, np.ndarray]:
        """Return ``{variable path: array of its shape}``: the gradients of the latest measured step."""
        return {path: copy.numpy() for path, copy in zip(self._paths, self._copies, strict=False)}

    def _tapped(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        self.graph = tf.compat.v1.get_default_graph()  # Keras keeps no other way to it
        variables = list(trainable_variables or self._optimizer.variables)
        step = tf.cast(self._optimizer.iterations, tf.int64)  # steps done before this one
        measured = tf.equal(step % self._every, 0)
        with tf.name_scope("measurements/"):  # one box in the drawing of the graph, which has hundreds of nodes
            before = [tf.identity(variable.value) for variable in variables]
        with tf.name_scope("optimizer"):
            self._apply(grads, trainable_variables)
        position = step % self._rows.shape[0]

        def measure() -> tf.Tensor:
            dense = [None if grad is None else tf.cast(tf.convert_to_tensor(grad), tf.float32) for grad in grads]
            for copy, grad in zip(self._copies, dense, strict=False):
                if grad is not None:
                    copy.assign(grad)
            changes = [variable.value - old for variable, old in zip(variables, before, strict=True)]
            return self._measurements(dense, changes, before)

        def nothing() -> tf.Tensor:
            return tf.fill((len(self.names),), np.float32(np.nan))

        with tf.name_scope("measurements/"):
            self._rows.scatter_nd_update([[position]], [tf.cond(measured, measure, nothing)])

    def _measurements(self, grads: list[Any], changes: list[Any], weights: list[Any]) -> tf.Tensor:
        """Return the values of one step in the order of ``names``."""
        gradient, change, weight = (self._by_layer(tensors) for tensors in (grads, changes, weights))
        total = tf.sqrt(tf.add_n(list(gradient.values())))
        norms = [tf.sqrt(gradient[name]) for name in self._layers]
        ratios = [tf.sqrt(tf.math.divide_no_nan(change[name], weight[name])) for name in self._layers]
        return tf.stack([total, *norms, *ratios])

    def _by_layer(self, tensors: list[Any]) -> dict[str, tf.Tensor]:
        """Return the sum of squares over all variables of each layer."""
        sums = {name: tf.constant(0.0) for name in self._layers}
        for path, tensor in zip(self._paths, tensors, strict=True):
            if tensor is not None:
                sums[layer_of(path)] += tf.reduce_sum(tf.square(tf.cast(tensor, tf.float32)))
        return sums


def layer_of(path: str) -> str:
    """Return the layer a variable belongs to: its path without its own name, as ``conv1`` of ``conv1/kernel``."""
    return path.rpartition("/")[0] or path
