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
    """

    def __init__(self, setup: Setup, steps_per_execution: int, *, needs_backward: bool) -> None:
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

    def steps(self, first: int, last: int) -> Steps:
        """Return the values of the latest execution's steps."""
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
