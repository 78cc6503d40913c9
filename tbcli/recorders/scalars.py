"""Scalars: the curves of every epoch and, with ``--log-every N``, of every N optimizer steps."""

from __future__ import annotations

from collections.abc import Mapping

from tbcli.naming import tags
from tbcli.recorders.base import Recorder, Snapshot, Steps, Writer
from tbcli.runs.history import LEADING_COLUMNS

VALIDATION = "val_"


class ScalarsRecorder(Recorder):
    """Writes ``epoch_*`` to ``train`` and ``validation``, and ``batch_*`` means to ``train``."""

    def __init__(self) -> None:
        self._every = 0
        self._has_speed = False
        self._sums: dict[str, float] = {}
        self._counted = 0

    def leaves_out(self, snapshot: Snapshot) -> Mapping[str, str]:
        """A training of one execution of steps has no speed that could be measured; not every one logs a loss."""
        missing = {}
        if not self._has_speed:
            missing[tags.EPOCH + tags.STEPS_PER_SECOND] = (
                "all steps ran in the first execution, which includes compilation"
            )
        if snapshot.epoch and "loss" not in snapshot.logs:
            missing[tags.EPOCH + "loss"] = "the training logs no loss"
        if snapshot.epoch and tags.LEARNING_RATE not in snapshot.logs:
            missing[tags.EPOCH + tags.LEARNING_RATE] = "the training has no single learning rate"
        return missing

    def on_begin(self, snapshot: Snapshot, writer: Writer) -> None:
        """Learn how many steps make a point."""
        self._every = snapshot.config.record.log_every

    def on_steps(self, steps: Steps, writer: Writer) -> None:
        """Write a point for every N steps that are complete, whatever the size of an execution or an epoch."""
        if not self._every:
            return
        for position in range(steps.last - steps.first + 1):
            for name, values in steps.values.items():
                if "/" in name:
                    continue  # of the backward pass: another recorder's
                self._sums[name] = self._sums.get(name, 0.0) + float(values[position])
            self._counted += 1
            if (steps.first + position) % self._every == 0:
                means = {tags.BATCH + name: total / self._counted for name, total in self._sums.items()}
                writer.scalars(means, steps.first + position, where="train")
                self._sums, self._counted = {}, 0

    def on_epoch(self, snapshot: Snapshot, writer: Writer) -> None:
        """Write the metrics of the epoch at x = epoch, counted from 1."""
        train, validation = split_logs(snapshot.logs)
        writer.scalars(train, snapshot.epoch, where="train")
        self._has_speed = self._has_speed or "epoch_steps_per_second" in train
        if validation:
            writer.scalars(validation, snapshot.epoch, where="validation")


def split_logs(logs: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    """Return ``epoch_*`` tags of the training and of the validation run, whose own tags carry no ``val_``."""
    train, validation = {}, {}
    for name, value in logs.items():
        if name.startswith(VALIDATION):
            validation[tags.EPOCH + name.removeprefix(VALIDATION)] = value
        elif name not in LEADING_COLUMNS or name == "learning_rate":
            train[tags.EPOCH + name] = value
    return train, validation
