"""Looking at a model without a trace: what random numbers are drawn from, and what layers remember, stays as it was."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np


@contextmanager
def undisturbed(model: Any = None) -> Iterator[None]:
    """Put back afterwards Python's and NumPy's random state and the state of a model's layers.

    A layer that draws random numbers also when it does not train moves its seed on with every look at it, and the
    training that follows would be another one.

    Args:
        model: A built `keras.Model`.
    """
    python, numpy = random.getstate(), np.random.get_state()
    states = [(variable, value_of(variable)) for variable in _states(model)]
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        for variable, before in states:
            if not np.array_equal(value_of(variable), before, equal_nan=before.dtype.kind in "fc"):
                variable.assign(before)


def value_of(variable: Any) -> np.ndarray:
    """Return a copy of what a variable of any backend holds, under a strategy that of its first replica."""
    return np.array(keras.ops.convert_to_numpy(keras.ops.copy(variable)))


def _states(model: Any) -> list[Any]:
    return list(model.non_trainable_variables) if model is not None and model.built else []
