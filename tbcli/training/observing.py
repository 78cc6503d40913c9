"""Measurements of the model in training: step values, gradients, layer outputs and predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tbcli.recorders.base import Snapshot, Steps
from tbcli.training.evaluation import Evaluator
from tbcli.training.setup import Setup
from tbcli.training.taps.activations import LayerProbe, ProbeActivations
from tbcli.training.taps.backward import BackwardTap
from tbcli.training.taps.steps import StepTape


class Observer:
    """Measures a compiled model during training; create it before the model's training function is built.

    Args:
        setup: What is trained.
        steps_per_execution: Optimizer steps between two readings.
        needs_backward: Whether a recorder asks for figures of the backward pass.
        steps_per_epoch: Tells which steps come before the next look at gradients.
    """

    def __init__(
        self, setup: Setup, steps_per_execution: int, *, needs_backward: bool, steps_per_epoch: int = 1
    ) -> None:
        record = setup.config.record
        tape = StepTape(setup.model, steps_per_execution) if record.log_every else None
        every = 1 if record.log_every else record.backward_every
        self._backward = BackwardTap(setup.model, steps_per_execution, every) if needs_backward else None
        if self._backward:
            self._backward.make_room(setup.model.trainable_variables)
        self._taps = [tap for tap in (tape, self._backward) if tap]
        self._layers: LayerProbe | None = None
        self._evaluator = Evaluator(
            setup.model, setup.dataset, setup.check, setup.config.record, from_logits=setup.from_logits
        )
        self._setup = setup
        self._steps_per_epoch = steps_per_epoch
        self._step = 0  # the latest
        self._looked_at = 0  # the step of the latest look at gradients

    def state(self) -> Mapping[str, Any]:
        """Return the latest gradients, unless others are measured before somebody looks at them."""
        if not self._backward:
            return {"gradients": []}
        done = self._step + (self._looked_at == self._step)
        next_look = -(-done // self._steps_per_epoch) * self._steps_per_epoch
        is_needed = not self._backward.measures(self._step + 1, next_look)
        return {"gradients": self._backward.copies() if is_needed else []}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up the gradients."""
        if self._backward:
            self._backward.restore(state["gradients"])

    def recalled(self, epoch: int, step: int, logs: Mapping[str, float]) -> Snapshot:
        """Return the snapshot of a moment that an earlier process recorded, as far as it is known."""
        self._step = self._looked_at = step
        return self._snapshot(epoch, step, logs)

    def steps(self, first: int, last: int) -> Steps:
        """Return the values of the latest execution's steps."""
        self._step = last
        return Steps(first, last, {name: row for tap in self._taps for name, row in tap.read(first, last).items()})

    def untrained(self) -> Snapshot:
        """Return the snapshot before the first step."""
        return self._snapshot(0, 0, {})

    def after_epoch(self, epoch: int, step: int, row: Mapping[str, float]) -> Snapshot:
        """Return the snapshot after an epoch; the validation split is evaluated once.

        Args:
            epoch: Counted from 1.
            step: Optimizer steps done.
            row: Training metrics of the epoch, to which those of the validation split are added.
        """
        dataset, probe = self._setup.dataset, self._setup.dataset.probe
        if dataset.validation is None:
            return self._snapshot(epoch, step, row, probe=self._evaluator.predict(probe))
        # The probe is a part of the validation split.
        seen = self._evaluator.evaluate(dataset.validation, keep=self._setup.config.record.limit_samples)
        logs = {**row, **{f"val_{name}": value for name, value in seen.metrics.items()}}
        return self._snapshot(epoch, step, logs, validation=seen, probe=seen.first(len(probe)))

    def _snapshot(self, epoch: int, step: int, logs: Mapping[str, float], **seen: Any) -> Snapshot:
        trained = epoch > 0
        self._looked_at = step
        if trained and self._layers is None:
            self._layers = LayerProbe(self._setup.model)
        return Snapshot(
            config=self._setup.config,
            dataset=self._setup.dataset,
            model=self._setup.model,
            epoch=epoch,
            step=step,
            logs=logs,
            gradients=self._backward.gradients() if self._backward and trained else {},
            step_graph=self._backward.graph if self._backward else None,
            activations=ProbeActivations(self._layers, self._setup.dataset.probe) if self._layers else None,
            has_features=self._evaluator.has_features,
            facts=self._setup.run.record,
            **seen,
        )
