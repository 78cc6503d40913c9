"""What a model in training consists of: weights, seeds, optimizer and the epoch's own metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from tbcli.errors import DoesNotFit


class ModelState:
    """The variables of a compiled model, its optimizer and its metrics.

    Args:
        model: The variables of its optimizer and its metrics are there by the time that it is asked.
    """

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self.anew: tuple[str, ...] = ()
        """Of ``optimizer`` and ``metrics`` what the restored state did not fit."""

    @property
    def steps(self) -> int:
        """Optimizer steps done."""
        return int(self._model.optimizer.iterations.numpy())

    @property
    def bytes(self) -> int:
        """Size of all variables."""
        variables = [variable for group in self._variables().values() for variable in group]
        return sum(
            int(np.prod(one.shape)) * np.dtype(keras.backend.standardize_dtype(one.dtype)).itemsize for one in variables
        )

    def state(self) -> Mapping[str, Any]:
        """Return the value of each variable."""
        groups = {name: [np.asarray(one.numpy()) for one in group] for name, group in self._variables().items()}
        return {"steps": self.steps, **groups}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Give each variable its value; optimizer and metrics of another kind begin anew, see `anew`.

        Raises:
            DoesNotFit: The weights are those of another model.
        """
        groups = self._variables()
        differs = {name: _difference(group, state[name]) for name, group in groups.items()}
        if differs["model"]:
            raise DoesNotFit(
                f"the saved state does not fit the model: {differs['model']}",
                hint="resume with the model that the run began with",
            )
        self.anew = tuple(name for name, difference in differs.items() if difference)
        for name, group in groups.items():
            for variable, value in zip(group, state[name], strict=True) if name not in self.anew else ():
                variable.assign(value)
        self._model.optimizer.iterations.assign(state["steps"])

    def _variables(self) -> dict[str, Sequence[Any]]:
        # By position, not by path: two layers of a model may carry the same path, and Keras numbers names anew.
        model = self._model
        return {
            "model": model.variables,  # with the seeds of dropout
            "optimizer": model.optimizer.variables,  # with the scale of the loss, where there is one
            "metrics": model.metrics_variables,
        }


def _difference(variables: Sequence[Any], values: Sequence[np.ndarray]) -> str:
    """Return how variables differ from saved values in count, shape or type; empty where they do not."""
    have = [(tuple(one.shape), keras.backend.standardize_dtype(one.dtype)) for one in variables]
    kept = [(value.shape, value.dtype.name) for value in values]
    if len(have) != len(kept):
        return f"{len(kept)} variables were saved, there are {len(have)} now"
    for variable, (shape, dtype), (old_shape, old_dtype) in zip(variables, have, kept, strict=True):
        if (shape, dtype) != (old_shape, old_dtype):
            return f"{variable.path} was {old_dtype} {old_shape} and is {dtype} {shape} now"
    return ""
