"""When: the one Keras callback, which tells an epoch's story in order."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras

from tbcli.config import Config
from tbcli.data.dataset import Dataset
from tbcli.errors import Diverged
from tbcli.naming.direction import NOT_METRICS, lower_is_better
from tbcli.recorders.base import Snapshot, Steps
from tbcli.recorders.recording import Recording
from tbcli.runs.history import HistoryWriter
from tbcli.training.best import BestEpoch
from tbcli.training.evaluation import Evaluator
from tbcli.training.feed import TrainingFeed
from tbcli.training.health import Health
from tbcli.training.narration import Narrator
from tbcli.training.taps.activations import LayerProbe, ProbeActivations
from tbcli.training.taps.backward import BackwardTap
from tbcli.training.taps.steps import StepTape


class Loop(keras.callbacks.Callback):
    """Validates, writes the history, records, narrates and answers signals while Keras fits.

    Args:
        config: What was asked.
        dataset: What is learnt.
        feed: Set to the order of each epoch as it begins.
        evaluator: Looks at validation and probe samples.
        recording: All recorders.
        tape: Values of every step; None unless batch curves are asked for.
        backward: Figures of the backward pass; None unless a recorder asks for them.
        history: Where the rows go.
        best: Watches for patience; None when off.
        rate_at: The learning rate that a step, counted from 1, was taken with.
        narrator: Hears of every step and epoch.
        facts: What the run's record says from the start.
        health: Watches over samples and weights.
        check: Raises when a signal came; called between executions.
    """

    def __init__(
        self,
        config: Config,
        dataset: Dataset,
        feed: TrainingFeed,
        evaluator: Evaluator,
        recording: Recording,
        tape: StepTape | None,
        backward: BackwardTap | None,
        history: HistoryWriter,
        best: BestEpoch | None,
        rate_at: Callable[[int], float],
        narrator: Narrator,
        facts: Mapping[str, Any],
        health: Health,
        check: Callable[[], None],
    ) -> None:
        super().__init__()
        self._config, self._dataset, self._feed = config, dataset, feed
        self._evaluator, self._recording, self._backward = evaluator, recording, backward
        self._taps = [tap for tap in (tape, backward) if tap]
        self._layers: LayerProbe | None = None
        self._history, self._patience, self._rate_at = history, best, rate_at
        self._narrator, self._facts, self._health, self._check = narrator, facts, health, check
        self._best: dict[str, tuple[float, int]] = {}
        self.epochs_done = 0
        self.steps_done = 0
        self.latest: Snapshot | None = None
        self._began = 0.0
        self._steps_before = 0
        self._timed_from = 0.0, 0  # when, and after which step, the epoch's speed is measured from

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Record the untrained model."""
        self._narrator.begin(self._config.train.epochs, self._feed.steps)
        self._began = time.perf_counter()
        self._recording.begin(self._snapshot(0, {}))

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Set the order of the data."""
        self._feed.begin_epoch(epoch + 1)
        self._steps_before = self.steps_done
        self._timed_from = time.perf_counter(), self.steps_done

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """After an execution, which may be several steps: only the optimizer counts them truly."""
        logs = logs or {}
        first, self.steps_done = self.steps_done + 1, int(self.model.optimizer.iterations)
        if first == 1:  # most of the first execution was compilation
            self._timed_from = time.perf_counter(), self.steps_done
        self._health.check_batches()  # first: a bad sample is the cause of all else
        self._require_finite("loss", logs)
        self._health.check_weights(self.model, self.steps_done)
        values = {name: column for tap in self._taps for name, column in tap.read(first, self.steps_done).items()}
        self._recording.steps(Steps(first, self.steps_done, values))
        self._narrator.step(self.epochs_done + 1, self.steps_done - self._steps_before, logs)
        self._check()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Validate once, then share what was seen with the history, the recorders and the narrator."""
        began, step = self._timed_from
        row = {"loss": math.nan, **(logs or {})}  # the loss leads, whatever Keras' order
        if self.steps_done > step:  # else the whole epoch was the first execution
            row["steps_per_second"] = (self.steps_done - step) / (time.perf_counter() - began)
        row["learning_rate"] = self._rate_at(self.steps_done)
        snapshot = self._validated(epoch + 1, row)
        self._health.check_batches()
        self._track_best(epoch + 1, snapshot.logs)
        self._history.append(self._row(epoch + 1, snapshot.logs))
        self.epochs_done, self.latest = epoch + 1, snapshot  # only now: an epoch is done when it is written
        out_of_patience = bool(self._patience and self._patience.update(self.model, self.epochs_done, snapshot.logs))
        last = out_of_patience or self.epochs_done == self._config.train.epochs
        self._recording.epoch(snapshot, last=last)
        self._narrator.epoch(self.epochs_done, snapshot.logs, self._best)
        # The last step's loss is older than its weights: what became of those only validation shows.
        self._require_finite("val_loss", snapshot.logs)
        self.model.stop_training = out_of_patience
        self._check()

    def _require_finite(self, name: str, logs: Mapping[str, float]) -> None:
        if not math.isfinite(logs.get(name, 0.0)):
            raise Diverged(
                f"training diverged: the {name} is {logs[name]} at step {self.steps_done}",
                hint="a smaller `--learning-rate`, or `--precision float32`",
            )

    @property
    def seconds(self) -> float:
        """Wall time since the first step, recording included."""
        return time.perf_counter() - self._began

    def _row(self, epoch: int, logs: Mapping[str, float]) -> dict[str, float]:
        metrics = {name: value for name, value in logs.items() if name not in NOT_METRICS}
        leading = {"epoch": epoch, "step": self.steps_done, "seconds": round(self.seconds, 3)}
        return {**leading, "learning_rate": logs["learning_rate"], **metrics}

    def _validated(self, epoch: int, row: Mapping[str, float]) -> Snapshot:
        """Look at the validation split once; the probe is a part of it, else needs a look of its own."""
        probe = self._dataset.probe
        if self._dataset.validation is None:
            return self._snapshot(epoch, row, probe=self._evaluator.predict(probe))
        seen = self._evaluator.evaluate(self._dataset.validation, keep=self._config.record.limit_samples)
        logs = {**row, **{f"val_{name}": value for name, value in seen.metrics.items()}}
        return self._snapshot(epoch, logs, validation=seen, probe=seen.first(len(probe)))

    def _snapshot(self, epoch: int, logs: Mapping[str, float], **seen: Any) -> Snapshot:
        trained = epoch > 0
        if trained and self._layers is None:
            self._layers = LayerProbe(self.model)
        return Snapshot(
            config=self._config,
            dataset=self._dataset,
            model=self.model,
            epoch=epoch,
            step=self.steps_done,
            logs=logs,
            gradients=self._backward.gradients() if self._backward and trained else {},
            step_graph=self._backward.graph if self._backward else None,
            activations=ProbeActivations(self._layers, self._dataset.probe) if self._layers else None,
            has_features=self._evaluator.has_features,
            facts=self._facts,
            **seen,
        )

    def _track_best(self, epoch: int, logs: Mapping[str, float]) -> None:
        for name, value in logs.items():
            if name in NOT_METRICS or not math.isfinite(value):
                continue
            so_far = self._best.get(name, (math.nan, 0))[0]
            better = value < so_far if lower_is_better(name) else value > so_far
            if better or math.isnan(so_far):
                self._best[name] = (value, epoch)
