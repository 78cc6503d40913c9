"""Find NaN and infinities in samples and weights, which the loss alone may not show.

One NaN in one image makes every weight of the first convolution NaN; what follows may cut that to zero, and the loss
stays where guessing puts it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tbcli.data.dataset import Dataset, Split
from tbcli.errors import Diverged
from tbcli.recorders.base import variable_path

_CHUNK_VALUES = 4_000_000  # looked at together: 16 MB of float32
_NAMES = {"train": "training", "validation": "validation", "test": "test"}


class Health:
    """Checks a dataset and the model trained on it for NaN and infinities.

    Args:
        dataset: What is learnt. Of arrays `check_inputs` looks at every sample; samples that stream are looked at as
            they are drawn, and `check_batches` says what was found.
        between: Called now and then while all are looked at; may raise to stop.
    """

    def __init__(self, dataset: Dataset, between: Callable[[], None] = lambda: None) -> None:
        self._between = between
        self._arrays = {name: split for name, split in _splits(dataset) if _is_array(split)}
        self._watched = {
            name: WatchedSource(split.inputs)
            for name, split in _splits(dataset)
            if not _is_array(split) and _may_hold_nan(split.inputs.dtype)
        }
        watched: Any = {
            name: replace(split, inputs=self._watched[name])
            for name, split in _splits(dataset)
            if name in self._watched
        }
        self.dataset = replace(dataset, **watched)
        """The dataset to use: the same, with its streams wrapped."""

    def check_inputs(self) -> None:
        """Check every sample of in-memory arrays.

        Raises:
            Diverged: A sample holds NaN or an infinity.
        """
        for name, split in self._arrays.items():
            if not _may_hold_nan(split.inputs.dtype):
                continue
            positions = np.sort(split.positions)  # from the disk or from memory, in its order
            rows = max(1, _CHUNK_VALUES // max(1, int(np.prod(split.inputs.shape[1:]))))
            for first in range(0, len(positions), rows):
                chunk = positions[first : first + rows]
                samples = split.inputs[chunk]
                self._between()
                row = first_not_finite(samples)
                if row is not None:
                    raise _bad_sample(name, int(chunk[row]), samples[row])

    def check_batches(self) -> None:
        """Check the samples drawn from streams so far.

        Raises:
            Diverged: One of them holds NaN or an infinity.
        """
        for name, source in self._watched.items():
            if source.found:
                raise _bad_sample(name, *source.found)

    def check_weights(self, model: keras.Model, step: int) -> None:
        """Check every weight, including those without a gradient.

        Raises:
            Diverged: A variable holds NaN or an infinity.
        """
        weights = [weight for weight in model.weights if keras.backend.is_float_dtype(weight.dtype)]
        if not weights or bool(tf.reduce_all([tf.reduce_all(tf.math.is_finite(weight.value)) for weight in weights])):
            return
        broken = [weight for weight in weights if not np.isfinite(np.asarray(weight.value)).all()]
        others = f" and of {len(broken) - 1} more" if len(broken) > 1 else ""
        raise Diverged(
            f"training diverged: weights of {variable_path(model, broken[0])}{others} hold {_kind(broken[0].value)} "
            f"at step {step}",
            hint="use a smaller `--learning-rate` or `--precision float32`",
        )


class WatchedSource:
    """Wraps a streaming source and remembers the first sample that is not finite.

    Training goes on until it asks: an exception from here would come out of TensorFlow's threads as one of its own.

    Args:
        source: Has ``shape`` and ``dtype`` and takes an integer array as index.
    """

    def __init__(self, source: Any) -> None:
        self._source = source
        self.shape, self.dtype = source.shape, source.dtype
        self.found: tuple[int, np.ndarray] | None = None
        """The position of that sample in the source, and the sample."""

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        samples: np.ndarray = self._source[positions]
        row = None if self.found else first_not_finite(samples)
        if row is not None:
            self.found = int(np.asarray(positions)[row]), samples[row]
        return samples


def first_not_finite(samples: np.ndarray) -> int | None:
    """Return the first row of ``[n, ...]`` that holds NaN or an infinity, or None where all is finite."""
    finite = np.isfinite(samples)
    if finite.all():
        return None
    return int(np.argmin(finite.reshape(len(samples), -1).all(axis=1)))


def _splits(dataset: Dataset) -> Iterator[tuple[str, Split]]:
    for name, split in (("train", dataset.train), ("validation", dataset.validation), ("test", dataset.test)):
        if split is not None:
            yield name, split


def _is_array(split: Split) -> bool:
    return isinstance(split.inputs, np.ndarray)


def _may_hold_nan(dtype: Any) -> bool:
    return np.dtype(dtype).kind in "fcV"  # V: bfloat16 and its kin are NumPy's guests


def _bad_sample(name: str, index: int, sample: np.ndarray) -> Diverged:
    return Diverged(
        f"training diverged: sample {index} of the {_NAMES[name]} data holds {_kind(sample)}",
        hint="fix or remove that sample",
    )


def _kind(values: Any) -> str:
    return "NaN" if np.isnan(np.asarray(values)).any() else "an infinity"
