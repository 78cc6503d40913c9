"""The taps of a `fit` of somebody's own: what the step allows, and why the rest cannot be had."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from tbcli.config import RecordConfig
from tbcli.training.taps.validation import ValidationTap

if TYPE_CHECKING:
    from tbcli.training.taps.backward import BackwardTap
    from tbcli.training.taps.steps import StepTape

_ROWS = 256  # steps between two readings: reading each of them would cost as much as a small step


class FitTaps:
    """Taps a compiled model; install before Keras makes its training function, which is when it sets the model.

    Args:
        model: A compiled model, perhaps not built yet.
        record: What is to be recorded.
        needs_backward: Whether a recorder asks for figures of the backward pass.
        on_fault: Told of an exception of the measuring, which then does not reach the step.
    """

    def __init__(
        self,
        model: keras.Model,
        record: RecordConfig,
        *,
        needs_backward: bool,
        on_fault: Callable[[Exception], None],
    ) -> None:
        self.model, self.optimizer = model, model.optimizer
        self.rows = max(_ROWS, int(model.steps_per_execution or 1))
        self.no_backward = why_no_backward(model)
        """Why the backward pass is not measured, or ``""``."""
        self.validation = ValidationTap(model, record.limit_samples, on_fault)
        self._backward: BackwardTap | None = None
        self._tape: StepTape | None = None
        if not self.no_backward:
            from tbcli.training.taps.backward import BackwardTap
            from tbcli.training.taps.steps import StepTape

            if record.log_every:
                self._tape = StepTape(model, self.rows, on_fault)
            if needs_backward:
                every = 1 if record.log_every else record.backward_every
                self._backward = BackwardTap(model, self.rows, every, on_fault)
        self._traced: tuple[Any, Any] = None, None
        # What an earlier fit has traced knows nothing of the taps.
        model.train_function = model.test_function = None

    def install(self) -> None:
        """Listen again, to a further fit; what it has traced since somebody else did is traced anew."""
        for tap in (self.validation, self._tape, self._backward):
            if tap is not None:
                tap.install()
        if self.model.train_function is not self._traced[0]:
            self.model.train_function = None
        if self.model.test_function is not self._traced[1]:
            self.model.test_function = None

    def fits(self, model: keras.Model) -> bool:
        """Say whether a fit of this model can go on with these taps."""
        rows = int(model.steps_per_execution or 1)
        return model is self.model and model.optimizer is self.optimizer and rows <= self.rows

    def remove(self) -> None:
        """Give model and optimizer their own methods back. What was traced is left: it can be used again."""
        self._traced = self.model.train_function, self.model.test_function
        for tap in (self._tape, self._backward, self.validation):  # the last that was put on is the first to go
            if tap is not None:
                tap.remove()

    def read(self, first: int, last: int) -> dict[str, np.ndarray]:
        """Return ``{name: [last - first + 1]}`` of the steps that the optimizer counts so; NaN where not measured."""
        taps = [tap for tap in (self._tape, self._backward) if tap is not None]
        return {name: row for tap in taps for name, row in tap.read(first, last).items()}

    def gradients(self) -> Mapping[str, np.ndarray]:
        """Return ``{variable path: array}`` of a recent step; empty where they are not measured."""
        return self._backward.gradients() if self._backward else {}

    @property
    def hears_backward(self) -> bool:
        """Whether a step was heard to apply gradients, or nobody listens."""
        return self._backward is None or bool(self._backward.names)

    @property
    def graph(self) -> Any:
        """The `tf.Graph` of the training step; None where it is not measured."""
        return self._backward.graph if self._backward else None


def why_no_backward(model: keras.Model) -> str:
    """Return why the backward pass of a model cannot be measured in its own step, or ``""``."""
    if keras.config.backend() != "tensorflow":
        return f"gradients are measured in TensorFlow's step, and Keras runs on {keras.config.backend()}"
    replicas = model.distribute_strategy.num_replicas_in_sync
    if replicas > 1:
        return f"gradients are not measured with {replicas} replicas ({type(model.distribute_strategy).__name__})"
    if own := own_optimizers(model):
        return f"the model has its own optimizers: {', '.join(own)}"
    return "" if model.optimizer is not None else "the model has no optimizer"


def own_optimizers(model: keras.Model) -> dict[str, keras.optimizers.Optimizer]:
    """Return the optimizers that a model keeps under names of its own, for a step of its own."""
    return {
        name: value
        for name, value in vars(model).items()
        if isinstance(value, keras.optimizers.Optimizer) and value is not model.optimizer
    }
