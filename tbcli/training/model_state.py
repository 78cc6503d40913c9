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

    @property
    def steps(self) -> int:
        """Optimizer steps done."""
        return int(self._model.optimizer.iterations)

    @property
    def bytes(self) -> int:
        """Size of all variables."""
        variables = [variable for group in self._variables().values() for variable in group]
        return sum(
            int(np.prod(one.shape)) * np.dtype(keras.backend.standardize_dtype(one.dtype)).itemsize for one in variables
        )

    def state(self) -> Mapping[str, Any]:
        """Return the value of each variable."""
        return {name: [np.asarray(one.value) for one in group] for name, group in self._variables().items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Give each variable its value.

        Raises:
            DoesNotFit: They are those of another model.
        """
        groups = self._variables()
        for name, group in groups.items():
            _require_same(name, group, state[name])
        for name, group in groups.items():
            for variable, value in zip(group, state[name], strict=True):
                variable.assign(value)

    def _variables(self) -> dict[str, Sequence[Any]]:
        # By position, not by path: two layers of a model may carry the same path, and Keras numbers names anew.
        model = self._model
        return {
            "model": model.variables,  # with the seeds of dropout
            "optimizer": model.optimizer.variables,  # with the scale of the loss, where there is one
            "metrics": model.metrics_variables,
        }


def _require_same(name: str, variables: Sequence[Any], values: Sequence[np.ndarray]) -> None:
    """Check count, shapes and types.

    Raises:
        DoesNotFit: They differ.
    """
    have = [(tuple(one.shape), keras.backend.standardize_dtype(one.dtype)) for one in variables]
    kept = [(value.shape, value.dtype.name) for value in values]
    if have == kept:
        return
    odd = next((number for number, pair in enumerate(zip(have, kept, strict=False)) if pair[0] != pair[1]), None)
    detail = (
        f"{len(kept)} variables were saved, {len(have)} are there now"
        if odd is None
        else f"{variables[odd].path} was {kept[odd][1]} {kept[odd][0]} and is {have[odd][1]} {have[odd][0]} now"
    )
    raise DoesNotFit(
        f"the saved state does not fit the {name if name == 'model' else f'{name} of the model'}: {detail}",
        hint="resume with the model, the optimizer and the metrics that the run began with",
    )
