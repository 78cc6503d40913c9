"""What a model says in a validation pass, heard in the test step itself: no second pass, and no data handed over."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import keras
import numpy as np

_HEARD = ("x", "y", "y_pred")  # the first parameters of `compute_loss` and `compute_metrics`
_MOST_BYTES = 64_000_000  # of inputs, which are kept for pictures and layer outputs alone


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard in one validation pass.

    Args:
        inputs: Of the first samples ``[k, ...]``, as many as there was room for; None where a sample is not one array.
        labels: As the model was given them ``[n, ...]``.
        outputs: As the model gave them ``[n, ...]``.
        samples: How many there were in all.
    """

    inputs: np.ndarray | None
    labels: np.ndarray
    outputs: np.ndarray
    samples: int


class ValidationTap:
    """Listens where Keras computes loss and metrics of a test step; install before the test function is made.

    Args:
        model: A compiled model; its own `test_step` is heard as well, as long as it calls one of the two.
        keep: Samples to keep, the first ones.
        on_fault: Told of an exception of the listening, which then does not reach the step.
    """

    def __init__(self, model: keras.Model, keep: int, on_fault: Callable[[Exception], None]) -> None:
        self._model, self._keep, self._on_fault = model, keep, on_fault
        self._place = threading.local()  # under a strategy each replica is traced in a thread of its own
        self._is_listening = False
        self._rows: list[tuple[np.ndarray | None, np.ndarray, np.ndarray]] = []
        self._samples = 0
        self._variables: _Variables | None = None
        self._before: dict[str, Any] = {}
        self._found_missing = ""  # in the step, which is traced in the first pass alone
        self.missing = ""
        """Why nothing was heard of the last pass, or ``""``."""
        self.install()

    def install(self) -> None:
        """Listen to the model; safe to call again."""
        if self._before:
            return
        self._before = {name: vars(self._model).get(name) for name in ("test_step", "compute_loss", "compute_metrics")}
        self._model.test_step = self._around_step(self._model.test_step)
        self._model.compute_loss = self._listening(self._model.compute_loss)
        self._model.compute_metrics = self._listening(self._model.compute_metrics)

    def remove(self) -> None:
        """Give the model its own methods back; a test function that was traced tells on, and nobody listens."""
        for name, before in self._before.items():
            if before is None:
                vars(self._model).pop(name, None)
            else:
                setattr(self._model, name, before)
        self._before = {}

    def begin(self) -> None:
        """Listen to the pass that begins."""
        self._is_listening, self._rows, self._samples = True, [], 0
        self.missing = self._found_missing or "the model's own test step calls neither compute_loss nor compute_metrics"
        if self._variables is not None:
            self._variables.begin()

    def end(self) -> Heard | None:
        """Stop listening, and return what was heard; None where that is nothing, see ``missing``."""
        if not self._is_listening:
            return None
        _wait_for_callbacks()
        self._is_listening = False
        if self._variables is not None:
            self._rows, self._samples = self._variables.read()
        rows, self._rows = self._rows, []
        if not rows:
            return None
        self.missing = ""
        inputs, labels, outputs = zip(*rows, strict=True)
        kept = [part for part in inputs if part is not None]
        has_one_shape = len({part.shape[1:] for part in kept}) == 1
        return Heard(
            np.concatenate(kept) if has_one_shape else None,
            np.concatenate(labels)[: self._keep],
            np.concatenate(outputs)[: self._keep],
            self._samples,
        )

    def _around_step(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def test_step(*args: Any, **kwargs: Any) -> Any:
            self._place.is_waiting = True
            try:
                return step(*args, **kwargs)
            finally:
                self._place.is_waiting = False

        return test_step

    def _listening(self, compute: Callable[..., Any]) -> Callable[..., Any]:
        def heard(*args: Any, **kwargs: Any) -> Any:
            if getattr(self._place, "is_waiting", False):
                with self._guarded():
                    self._hear({**dict(zip(_HEARD, args, strict=False)), **kwargs})
            return compute(*args, **kwargs)

        return heard

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is, the step must go on
            self._on_fault(error)

    def _hear(self, given: dict[str, Any]) -> None:
        """Take the first that is told of a step: the loss comes before the metrics."""
        if given.get("y_pred") is None:
            return
        self._place.is_waiting = False
        labels, outputs = (keras.tree.flatten(given.get(name)) for name in ("y", "y_pred"))
        if len(outputs) != 1:
            self.missing = self._found_missing = f"the model has {len(outputs)} outputs"
        elif len(labels) != 1 or labels[0] is None:
            self.missing = self._found_missing = "the validation data has no labels"
        else:
            self._send(_only_array(given.get("x")), labels[0], outputs[0])

    def _send(self, inputs: Any, labels: Any, outputs: Any) -> None:
        """Bring the values of a batch out of the step, by the way that the step allows."""
        parts = [part for part in (inputs, labels, outputs) if part is not None]
        match keras.config.backend():
            case "tensorflow":
                self._send_by_tensorflow(parts)
            case "jax":
                jax = import_module("jax")
                jax.debug.callback(self._receive, *parts, ordered=jax.device_count() == 1)
            case _:
                self._receive(*map(keras.ops.convert_to_numpy, parts))

    def _send_by_tensorflow(self, parts: list[Any]) -> None:
        import tensorflow as tf

        tensors = [tf.convert_to_tensor(part) for part in parts]
        if tf.executing_eagerly():
            self._receive(*(tensor.numpy() for tensor in tensors))
        elif self._model.jit_compile:  # XLA calls no Python
            if len(tensors) == 3 and None in tensors[0].shape[1:]:
                del tensors[0]  # a variable has one size
            if self._variables is None:
                self._variables = _Variables(tensors, self._keep)
            self._variables.take(tensors)
        else:
            tf.numpy_function(self._receive, tensors, tf.int64)

    def _receive(self, *parts: Any) -> np.int64:
        """Keep the samples of a batch; return something, as TensorFlow wants it."""
        try:
            if self._is_listening:
                *inputs, labels, outputs = map(np.array, parts)  # copies: the memory is the step's
                if self._samples < self._keep:
                    self._rows.append((self._with_room(inputs[0]) if inputs else None, labels, outputs))
                self._samples += len(outputs)
                self.missing = ""
        except Exception as error:  # noqa: BLE001 - it would come out of the step
            self._on_fault(error)
        return np.int64(0)

    def _with_room(self, inputs: np.ndarray) -> np.ndarray | None:
        """Return the first samples of a batch, as far as there is room; never any behind one that had none."""
        most = count_inputs(inputs.shape[1:], inputs.itemsize, self._keep)
        return inputs[: most - self._samples] if self._samples < most else None


class _Variables:
    """Where a compiled step leaves what no Python can take from it: variables, of a size that is known beforehand."""

    def __init__(self, tensors: Sequence[Any], keep: int) -> None:
        import tensorflow as tf

        self._keep = [keep] * len(tensors)
        if len(tensors) == 3:
            self._keep[0] = count_inputs(tensors[0].shape[1:], tensors[0].dtype.size, keep)
        with tf.init_scope():
            self._columns = [
                # One row more, for all that is not kept.
                tf.Variable(tf.zeros((most + 1, *tensor.shape[1:]), tensor.dtype), trainable=False)
                for most, tensor in zip(self._keep, tensors, strict=True)
            ]
            self._count = tf.Variable(0, dtype=tf.int64, trainable=False)

    def begin(self) -> None:
        self._count.assign(0)

    def take(self, tensors: Sequence[Any]) -> None:
        import tensorflow as tf

        size = tf.shape(tensors[0], out_type=tf.int64)[0]
        for most, column, tensor in zip(self._keep, self._columns, tensors, strict=True):
            places = tf.minimum(self._count + tf.range(size), most)
            column.scatter_nd_update(places[:, None], tensor)
        self._count.assign_add(size)

    def read(self) -> tuple[list[tuple[np.ndarray | None, np.ndarray, np.ndarray]], int]:
        count = int(self._count.numpy())
        if not count:
            return [], 0
        columns = [column.numpy()[: min(count, most)] for most, column in zip(self._keep, self._columns, strict=True)]
        *inputs, labels, outputs = columns
        return [(inputs[0] if inputs else None, labels, outputs)], count


def count_inputs(shape: Sequence[int], item_bytes: int, most: int) -> int:
    """Return of how many samples the inputs are kept."""
    return min(most, _MOST_BYTES // max(1, item_bytes * math.prod(shape)))


def _only_array(inputs: Any) -> Any:
    """Return inputs that are one array of numbers; None of several, of text, and of those without one shape."""
    flat = keras.tree.flatten(inputs)
    if len(flat) != 1 or not (keras.ops.is_tensor(flat[0]) or isinstance(flat[0], np.ndarray)):
        return None
    kind = keras.backend.standardize_dtype(flat[0].dtype)
    return flat[0] if kind != "string" else None


def _wait_for_callbacks() -> None:
    if keras.config.backend() == "jax":
        import_module("jax").effects_barrier()
