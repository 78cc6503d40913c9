"""What happens before, during and after each epoch, independent of what runs the optimizer steps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

from tbcli.errors import Diverged
from tbcli.naming.direction import NOT_METRICS, direction_of
from tbcli.naming.series import without_split
from tbcli.recorders.base import Snapshot
from tbcli.recorders.recording import Recording
from tbcli.runs.disk import disk_words
from tbcli.runs.history import HistoryWriter
from tbcli.training.best import BestEpoch
from tbcli.training.feed import TrainingFeed
from tbcli.training.observing import Observer
from tbcli.training.optimizing import rate_of_step
from tbcli.training.request import monitored, until_gates
from tbcli.training.setup import Setup
from tbcli.training.until import Until


class Epochs:
    """Validate, write the history, record, report progress and handle signals, in this order.

    The caller runs the steps and calls `begin` once, then for every epoch `begin_epoch`, `after_steps` each time some
    steps are done, and `end_epoch`.

    Args:
        setup: What is trained.
        feed: Told the epoch, which decides the order of the samples.
        observer: Takes the measurements.
        recording: All recorders.
        rate_at: The learning rate of a step, counted from 1; by the settings unless given.
    """

    def __init__(
        self,
        setup: Setup,
        feed: TrainingFeed,
        observer: Observer,
        recording: Recording,
        rate_at: Callable[[int], float] | None = None,
    ) -> None:
        train = setup.config.train
        self._setup, self._feed, self._observer, self._recording = setup, feed, observer, recording
        self._history = HistoryWriter(setup.run.history_file)
        self._rate_at = rate_at or rate_of_step(train, feed.steps * train.epochs)
        monitor = monitored(train, setup.dataset.task)
        monitor = monitor if setup.dataset.validation else without_split(monitor)
        self.patience = BestEpoch(monitor, train.patience, setup.config.direction) if train.patience else None
        self.ended_by = ""
        """What ended the training: ``until``, ``patience`` or ``epochs``; empty before its last epoch is done."""
        self._until = Until(until_gates(setup.config), setup.config.direction)
        self.epochs_done = 0
        self.steps_done = 0
        self.latest: Snapshot | None = None
        self._best: dict[str, tuple[float, int]] = {}
        self._began = 0.0
        self._steps_before = 0
        self._timed_from = 0.0, 0  # when, and after which step, the epoch's speed is measured from

    def begin(self) -> None:
        """Record the untrained model."""
        self._setup.narrator.begin(self._setup.config.train.epochs, self._feed.steps)
        self._began = time.perf_counter()
        self._recording.begin(self._observer.untrained())
        self._setup.check()  # what comes now, the first execution, is compiled first

    def begin_epoch(self, epoch: int) -> None:
        """Set the order of the data of an epoch, counted from 1."""
        self._feed.begin_epoch(epoch)
        self._steps_before = self.steps_done
        self._timed_from = time.perf_counter(), self.steps_done

    def after_steps(self, steps_done: int, logs: Mapping[str, float]) -> None:
        """Check samples, loss and weights, and record the steps.

        Args:
            steps_done: Optimizer steps since the training began.
            logs: The epoch's running means.

        Raises:
            Diverged: A sample, a weight or the loss is not finite.
            Interrupted: A signal came.
        """
        first, self.steps_done = self.steps_done + 1, steps_done
        if first == 1:  # most of the first execution was compilation
            self._timed_from = time.perf_counter(), self.steps_done
        self._setup.health.check_batches()  # first: a bad sample is the cause of all else
        require_finite("loss", logs, self.steps_done)
        self._setup.health.check_weights(self._setup.model, self.steps_done)
        self._recording.steps(self._observer.steps(first, self.steps_done))
        self._setup.narrator.step(self.epochs_done + 1, self.steps_done - self._steps_before, logs)
        self._setup.check()

    def end_epoch(self, logs: Mapping[str, float]) -> bool:
        """Validate once, then pass the results to the history, the recorders and the narrator.

        Returns:
            Whether training should stop early.

        Raises:
            Diverged: A sample or the validation loss is not finite.
            Interrupted: A signal came.
        """
        epoch = self.epochs_done + 1
        snapshot = self._observer.after_epoch(epoch, self.steps_done, self._measured(logs))
        self._setup.health.check_batches()
        self._track_best(epoch, snapshot.logs)
        row = self._row(epoch, snapshot.logs)
        self._write_row(row)
        self.epochs_done, self.latest = epoch, snapshot  # only now: an epoch is done when it is written
        out_of_patience = bool(self.patience and self.patience.update(self._setup.model, epoch, snapshot.logs))
        is_last = epoch == self._setup.config.train.epochs
        reasons = {"until": self._until.update(row), "patience": out_of_patience, "epochs": is_last}
        self.ended_by = next((reason for reason, holds in reasons.items() if holds), "")
        self._recording.epoch(snapshot, last=bool(self.ended_by))
        self._setup.narrator.epoch(epoch, snapshot.logs, self._best)
        # The last step's loss is older than its weights: what became of those only validation shows.
        require_finite("val_loss", snapshot.logs, self.steps_done)
        self._setup.check()
        return self.ended_by in ("until", "patience")

    def _write_row(self, row: Mapping[str, float]) -> None:
        """Append to the history; while that cannot be written training goes on, and the next epoch tries again."""
        run, is_told = self._setup.run, bool(self._history.waiting)
        try:
            self._history.append(row)
        except OSError as error:
            what, _ = disk_words(error, run.logs)
            run.record["history_lacks"] = {"epochs": self._history.waiting, "reason": what}
            if not is_told:
                self._setup.narrator.warn(f"{run.history_file.name} cannot be written: {what}; training goes on")
        else:
            if is_told:
                del run.record["history_lacks"]

    @property
    def seconds(self) -> float:
        """Wall time since the first step, recording included."""
        return time.perf_counter() - self._began

    def _measured(self, logs: Mapping[str, float]) -> dict[str, float]:
        """Return the metrics of the epoch with its speed and its learning rate."""
        began, step = self._timed_from
        row = {"loss": math.nan, **logs}  # the loss leads, whatever Keras' order
        if self.steps_done > step:  # else the whole epoch was the first execution
            row["steps_per_second"] = (self.steps_done - step) / (time.perf_counter() - began)
        row["learning_rate"] = self._rate_at(self.steps_done)
        return row

    def _row(self, epoch: int, logs: Mapping[str, float]) -> dict[str, float]:
        metrics = {name: value for name, value in logs.items() if name not in NOT_METRICS}
        leading = {"epoch": epoch, "step": self.steps_done, "seconds": round(self.seconds, 3)}
        return {**leading, "learning_rate": logs["learning_rate"], **metrics}

    def _track_best(self, epoch: int, logs: Mapping[str, float]) -> None:
        for name, value in logs.items():
            sense, is_guessed = direction_of(name, self._setup.config.direction)
            if name in NOT_METRICS or not sense or is_guessed or not math.isfinite(value):
                continue
            so_far = self._best.get(name, (math.nan, 0))[0]
            better = value < so_far if sense == "min" else value > so_far
            if better or math.isnan(so_far):
                self._best[name] = (value, epoch)


def require_finite(name: str, logs: Mapping[str, float], step: int) -> None:
    """Check a metric, where it was measured.

    Raises:
        Diverged: It is NaN or infinite.
    """
    if not math.isfinite(logs.get(name, 0.0)):
        raise Diverged(
            f"training diverged: the {name} is {logs[name]} at step {step}",
            hint="use a smaller `--learning-rate` or `--precision float32`",
        )
