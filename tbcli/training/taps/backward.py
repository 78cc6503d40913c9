"""Gradients and updates of the training step's own backward pass, tapped where the optimizer applies them.

Nothing is computed twice: the graph that trains also measures, every few steps, and Python reads after each execution.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
        model: A compiled model. What it trains may be known no sooner than in its first step.
        rows: Optimizer steps to keep between two reads, at least.
        every: Optimizer steps between two measurements.
        on_fault: Told of an exception of the measuring, which then does not reach the step.
    """

    def __init__(
        self, model: keras.Model, rows: int, every: int, on_fault: Callable[[Exception], None] | None = None
    ) -> None:
        self._on_fault = on_fault
        self._model = model
        # Behind loss scaling, where gradients have their true size.
        self._optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
        self._apply = self._optimizer.apply
        self._size = rows
        self._every = every
        self.names: list[str] = []
        """What is measured; empty before the step was traced."""
        self._paths: list[str] = []
        self._layers: list[str] = []
        self._rows: tf.Variable | None = None
        self._copies: list[tf.Variable] = []
        self._step: Any = None
        self._has_stepped = False
        self.graph: Any = None
        """The `tf.Graph` of the training step as it runs, taps included; None before it was traced."""
        self.install()

    def install(self) -> None:
        """Listen to the optimizer."""
        self._optimizer.apply = self._tapped

    def remove(self) -> None:
        """Give the optimizer its own method back; a step that was traced goes on to measure."""
        vars(self._optimizer).pop("apply", None)

    def read(self, first: int, last: int) -> dict[str, np.ndarray]:
        """Return ``{name: [last - first + 1]}`` of each of the latest steps; nothing where none was measured.

        A step that was not, among others that were, has NaN.

        Steps are counted by the optimizer.

        ``gradients/<layer>`` is the Euclidean norm of the loss' gradient before any clipping, over all variables of the
        layer; ``updates/<layer>`` the norm of what the optimizer changed, as a share of the norm of the weights before.
        """
        if self._rows is None or not self._has_measured(first, last):
            return {}
        rows = self._rows.numpy()[[(step - 1) % self._size for step in range(first, last + 1)]]
        return {name: rows[:, column] for column, name in enumerate(self.names)}

    def gradients(self) -> Mapping[str, np.ndarray]:
        """Return ``{variable path: array of its shape}``: the gradients of the latest measured step when looked at."""
        return _Gradients(dict(zip(self._paths, self._copies, strict=False)))

    def copies(self) -> list[np.ndarray]:
        """Return the gradients of the latest measured step, in an order of their own."""
        return [copy.numpy() for copy in self._copies]

    def restore(self, copies: Sequence[np.ndarray]) -> None:
        """Take up gradients that were measured in another process."""
        for copy, gradient in zip(self._copies, copies, strict=False):
            copy.assign(gradient)

    def measures(self, first: int, last: int) -> bool:
        """Return whether one of these steps is to be measured."""
        return first <= last and self._has_measured(first, last)

    def _has_measured(self, first: int, last: int) -> bool:
        """Return whether one of these steps was to be measured: the first of all was, and then every so many."""
        return -(first - 1) % self._every <= last - first

    def _tapped(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        if (
            not _is_first_share()
            or trainable_variables is None
            or (self._has_stepped and len(trainable_variables) != len(self._paths))
        ):
            # Those of another model, or nobody knows whose; or of a further device, which says the same.
            self._apply(grads, trainable_variables)
            return
        grads, variables = list(grads), list(trainable_variables)
        before: list[Any] = []
        with self._guarded():
            before = self._prepare(variables)
        with tf.name_scope("optimizer"):
            self._apply(grads, trainable_variables)
        with self._guarded():
            self._keep(grads, variables, before)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Let a fault of the measuring be somebody's concern, who is told of it, and not that of the step."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a sparse gradient that is made dense to be looked at
                yield
        except Exception as error:
            if self._on_fault is None:
                raise
            self._on_fault(error)

    def _prepare(self, variables: list[Any]) -> list[Any]:
        """Return the weights before the step, and the step's number."""
        self.graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()  # Keras keeps no other way
        if self._rows is None or len(variables) != len(self._paths):
            self.make_room(variables)
        self._has_stepped = True
        self._step = tf.cast(self._optimizer.iterations, tf.int64)  # steps done before this one
        with tf.name_scope("measurements/"):  # one box in the drawing of the graph, which has hundreds of nodes
            return [tf.identity(variable.value) for variable in variables]

    def _keep(self, grads: list[Any], variables: list[Any], before: list[Any]) -> None:
        if self._rows is None or len(before) != len(variables):
            return  # the preparation failed

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
            values = tf.cond(tf.equal(self._step % self._every, 0), measure, nothing)
            self._rows.scatter_nd_update([[self._step % self._size]], [values])

    def make_room(self, variables: Sequence[Any]) -> None:
        """Make what is measured into, outside of the graph that is being traced.

        Done by itself in the first step, which TensorFlow then traces a second time: before it where the variables that
        the optimizer is given are known.
        """
        with tf.init_scope():
            self._paths = [variable_path(self._model, variable) for variable in variables]
            self._layers = list(dict.fromkeys(map(layer_of, self._paths)))
            self.names = [
                tags.GLOBAL_NORM,
                *(tags.GRADIENTS + name for name in self._layers),
                *(tags.UPDATES + name for name in self._layers),
            ]
            shape = (self._size, len(self.names))
            self._rows = tf.Variable(tf.fill(shape, np.float32(np.nan)), trainable=False)
            if sum(math.prod(variable.shape) for variable in variables) <= _LARGEST_COPY:
                zeros = [tf.zeros(variable.shape, tf.float32) for variable in variables]
                self._copies = [tf.Variable(zero, trainable=False) for zero in zeros]

    def _measurements(self, grads: list[Any], changes: list[Any], weights: list[Any]) -> tf.Tensor:
        """Return the values of one step in the order of ``names``."""
        gradient, change, weight = (self._by_layer(tensors) for tensors in (grads, changes, weights))
        total = tf.reduce_sum(gradient, keepdims=True)
        return tf.sqrt(tf.concat([total, gradient, tf.math.divide_no_nan(change, weight)], axis=0))

    def _by_layer(self, tensors: list[Any]) -> tf.Tensor:
        """Return the sum of squares over all variables of each layer ``[layers]``."""
        halves: dict[str, list[tf.Tensor]] = {name: [] for name in self._layers}
        for path, tensor in zip(self._paths, tensors, strict=True):
            if tensor is not None:
                halves[layer_of(path)].append(tf.nn.l2_loss(tf.cast(tensor, tf.float32)))
        return 2 * tf.stack([tf.add_n(parts) if parts else tf.constant(0.0) for parts in halves.values()])


class _Gradients(Mapping[str, np.ndarray]):
    """Reads a copy when it is asked for: most epochs of a long training have no histograms."""

    def __init__(self, copies: dict[str, tf.Variable]) -> None:
        self._copies = copies

    def __getitem__(self, path: str) -> np.ndarray:
        gradient: np.ndarray = self._copies[path].numpy()
        return gradient

    def __iter__(self) -> Iterator[str]:
        return iter(self._copies)

    def __len__(self) -> int:
        return len(self._copies)


def _is_first_share() -> bool:
    """Return whether the step is traced for the first device of this process, or for the only one."""
    context = tf.distribute.get_replica_context()
    if context is None or context.strategy.num_replicas_in_sync == 1:
        return True
    return bool(tf.get_static_value(context.replica_id_in_sync_group) == 0)


def layer_of(path: str) -> str:
    """Return the layer a variable belongs to: its path without its own name, as ``conv1`` of ``conv1/kernel``."""
    return path.rpartition("/")[0] or path
