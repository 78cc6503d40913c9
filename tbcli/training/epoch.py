"""What happens before, during and after each epoch, independent of what runs the optimizer steps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from tbcli.errors import Diverged, DoesNotFit, describe_error
from tbcli.naming.direction import NOT_METRICS, direction_of
from tbcli.naming.series import without_split
from tbcli.recorders.base import Snapshot
from tbcli.recorders.recording import Recording
from tbcli.runs.history import HistoryWriter, keep_row
from tbcli.training.best import BestEpoch
from tbcli.training.continuing.keeping import StateKeeper
from tbcli.training.continuing.model_state import ModelState
from tbcli.training.continuing.state import Resumable
from tbcli.training.feed import TrainingFeed
from tbcli.training.observing import Observer
from tbcli.training.optimizing import StepPlan, rate_of_step
from tbcli.training.request import monitored, until_gates
from tbcli.training.setup import Setup
from tbcli.training.until import Until


class Epochs:
    """Validate, write the history, record, report progress, save the state and handle signals, in this order.

    The caller runs the steps and calls `begin` once, then for every epoch that is left `begin_epoch`, `after_steps`
    each time some steps are done, and `end_epoch`.

    Args:
        setup: What is trained.
        feed: Told the epoch, which decides the order of the samples.
        observer: Takes the measurements.
        recording: All recorders.
        rate_at: The learning rate of a step, counted from 1; by the settings unless given.
        plan: How long the training is to be; by the settings unless given.
        keeper: Saves the state; nobody does unless given.
        saved: The state to go on from; empty to begin anew in the run of an earlier process. None in a new run.
    """

    def __init__(
        self,
        setup: Setup,
        feed: TrainingFeed,
        observer: Observer,
        recording: Recording,
        rate_at: Callable[[int], float] | None = None,
        plan: StepPlan | None = None,
        keeper: StateKeeper | None = None,
        saved: Mapping[str, Any] | None = None,
    ) -> None:
        train = setup.config.train
        self._setup, self._feed, self._observer, self._recording = setup, feed, observer, recording
        self._history = HistoryWriter(setup.run.history_file)
        self._plan = plan or StepPlan(feed.steps * train.epochs)
        self._rate_at = rate_at or rate_of_step(train, self._plan)
        monitor = monitored(train, setup.dataset.task)
        monitor = monitor if setup.dataset.validation else without_split(monitor)
        watches = train.patience or train.saves_best
        self.best = BestEpoch(monitor, train.patience, setup.config.direction) if watches else None
        self.ended_by = ""
        """What ended it: ``until``, ``patience``, ``epochs`` or ``max_time``; empty before its last epoch is done."""
        self._until = Until(until_gates(setup.config), setup.config.direction)
        self._keeper, self._saved = keeper, saved
        self._model = ModelState(setup.model)
        self.epochs_done = 0
        self.steps_done = 0
        self.latest: Snapshot | None = None
        self._best: dict[str, tuple[float, int]] = {}
        self._began = 0.0
        self._steps_before = 0
        self._timed_from, self._timed_seconds = (
            (0.0, 0),
            0.0,
        )  # when, and after which step, the epoch's speed is measured from
        self.has_run = False
        """Whether this process has taken a step; most of its first execution is compilation."""
        self.running: dict[str, float] = {}
        """The epoch's running means; of a resumed epoch those of the process before."""
        self._row: dict[str, float] = {}  # of the latest epoch, without validation until that is done
        self._awaits_validation = False
        self._is_whole = False  # whether all parts are at the same step

    def begin(self) -> None:
        """Record the untrained model, or take up the state of an earlier process.

        Raises:
            DoesNotFit: The state is not one of this training.
        """
        self._setup.narrator.begin(self._setup.config.train.epochs, self._feed.steps)
        self._began = time.perf_counter()
        if self._saved:
            try:
                self._take_up(self._saved)
            except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
                raise DoesNotFit(
                    f"the saved state cannot be taken up: {describe_error(error)}",
                    hint="it may be of another version of tbcli; "
                    f"`tbcli train --config {self._setup.run.id}` repeats the run",
                ) from error
        else:
            if self._saved is not None:
                self._recording.cut()
                self._history.restore({"header": [], "rows": 0, "waiting": []})
            self._recording.begin(self._observer.untrained())
        if self._keeper:
            self._keeper.begin(self.steps_done, self._model.bytes)
        self._saved, self._is_whole = None, True
        self._setup.check()  # what comes now, the first execution, is compiled first

    def begin_epoch(self, epoch: int) -> None:
        """Set the order of the data of an epoch, counted from 1; a resumed one goes on where it stopped."""
        self._feed.begin_epoch(epoch)
        if not self._feed.position:
            self._steps_before, self.running = self.steps_done, {}
            self._timed_from, self._timed_seconds = (time.perf_counter(), self.steps_done), 0.0

    def after_steps(self, steps_done: int, logs: Mapping[str, float]) -> None:
        """Check samples, loss and weights, and record the steps.

        Args:
            steps_done: Optimizer steps since the training began.
            logs: The epoch's running means.

        Raises:
            Diverged: A sample, a weight or the loss is not finite.
            Interrupted: A signal came.
        """
        first, self.steps_done, self._is_whole = self.steps_done + 1, steps_done, False
        if not self.has_run:
            # Not counted; the steps of the epoch that an earlier process took are, with their time.
            taken = first - 1 - self._timed_from[1] if self._timed_seconds else 0
            self._timed_from = time.perf_counter() - self._timed_seconds, steps_done - taken
            self.has_run = True
        self._setup.health.check_batches()  # first: a bad sample is the cause of all else
        require_finite("loss", logs, self.steps_done)
        self._setup.health.check_weights(self._setup.model, self.steps_done)
        self._recording.steps(self._observer.steps(first, self.steps_done))
        self._feed.position, self.running = self.steps_done - self._steps_before, dict(logs)
        self._is_whole = True
        self._setup.narrator.step(self.epochs_done + 1, self._feed.position, logs)
        if self.is_within:  # else the end of the epoch is next
            self._save_if_due(epoch_ended=False)
        self._setup.check()
        if self.is_within and self._is_late:
            self.ended_by = "max_time"
            self._setup.narrator.note(
                f"--max-time {self._setup.config.train.max_time} is over: stopped within an epoch"
            )
            self._save_last()

    @property
    def is_within(self) -> bool:
        """Whether some steps of an epoch are done, and some are not."""
        return 0 < self._feed.position < self._feed.steps

    @property
    def _is_late(self) -> bool:
        return self.has_run and time.monotonic() >= self._setup.deadline  # a process that stops has trained something

    def end_epoch(self, logs: Mapping[str, float]) -> bool:
        """Validate once, then pass the results to the history, the recorders and the narrator.

        Returns:
            Whether training should stop early.

        Raises:
            Diverged: A sample or the validation loss is not finite.
            Interrupted: A signal came.
        """
        epoch, is_late = self.epochs_done + 1, self._is_late
        is_last = epoch == self._setup.config.train.epochs
        if not self._awaits_validation:
            self._row, self._awaits_validation = self._measured(logs), True
        if is_last or is_late:
            self._save_last()  # before what only a last epoch writes: with more epochs or time, it is not the last
        snapshot = self._observer.after_epoch(epoch, self.steps_done, self._row)
        self._setup.health.check_batches()
        self._is_whole = False
        self._track_best(epoch, snapshot.logs)
        row = self._history_row(epoch, snapshot.logs)
        keep_row(self._history, row, self._setup.run, self._setup.narrator.warn)
        self.epochs_done, self.latest = epoch, snapshot  # only now: an epoch is done when it is written
        self._row, self._awaits_validation = dict(snapshot.logs), False
        out_of_patience = bool(self.best and self.best.update(self._setup.model, epoch, snapshot.logs))
        until = self._until.update(row)
        reasons = {"until": until, "patience": out_of_patience, "epochs": is_last, "max_time": is_late}
        self.ended_by = next((reason for reason, holds in reasons.items() if holds), "")
        self._recording.epoch(snapshot, last=bool(self.ended_by))
        self._setup.narrator.epoch(epoch, snapshot.logs, self._best)
        # The last step's loss is older than its weights: what became of those only validation shows.
        require_finite("val_loss", snapshot.logs, self.steps_done)
        self._is_whole = True
        if self.ended_by:
            self._save_last()
        else:
            self._save_if_due(epoch_ended=True)
        self._setup.check()
        return self.ended_by not in ("", "epochs")

    def save(self, *, at_end: bool = False) -> None:
        """Save the state now, unless it is saved already or an error left its parts at different steps.

        Args:
            at_end: Whether the training ends here, for whatever reason; what cannot be saved then raises.
        """
        if not self._keeper or not self._is_whole or not self.steps_done or self._keeper.step == self.steps_done:
            return
        if self._model.steps == self.steps_done:
            save = self._keeper.write if at_end else self._keeper.save
            save(self.steps_done, self.state)

    def _save_if_due(self, *, epoch_ended: bool) -> None:
        if self._keeper and self._keeper.is_due(self.steps_done, epoch_ended=epoch_ended):
            self.save()

    def _save_last(self) -> None:
        """Save what more epochs can follow; where that is not wanted, as seldom as any other state."""
        if self._setup.config.train.keep_state:
            self.save()
        else:
            self._save_if_due(epoch_ended=True)

    @property
    def _parts(self) -> dict[str, Resumable]:
        parts: dict[str, Resumable] = {
            "model": self._model,
            "feed": self._feed,
            "until": self._until,
            "history": self._history,
            "observer": self._observer,
            "recording": self._recording,
        }
        return {**parts, **({"best": self.best} if self.best else {})}

    def state(self) -> dict[str, Any]:
        """Return the state of all parts."""
        began, step = self._timed_from
        own = {
            "epochs_done": self.epochs_done,
            "steps_done": self.steps_done,
            "steps_before": self._steps_before,
            "seconds": self.seconds,
            "timed": [time.perf_counter() - began, step],
            "best": self._best,
            "running": self.running,
            "row": self._row,
            "awaits_validation": self._awaits_validation,
            "ended_by": self.ended_by,
            "ends": self._ends,
            "plan": tuple(self._plan),
        }
        return {"epochs": own, **{name: dict(part.state()) for name, part in self._parts.items()}}

    @property
    def _ends(self) -> tuple[Any, ...]:
        """What decides that a training ends before its last epoch."""
        train = self._setup.config.train
        return (train.until, train.patience, train.monitor)

    def _take_up(self, saved: Mapping[str, Any]) -> None:
        """Go on from a state."""
        own = saved["epochs"]
        self.epochs_done, self.steps_done, self._steps_before = (
            own[name] for name in ("epochs_done", "steps_done", "steps_before")
        )
        self._began -= own["seconds"]
        self._timed_seconds, step = own["timed"]
        self._timed_from = time.perf_counter() - self._timed_seconds, step
        self._best, self.running, self._row = dict(own["best"]), own["running"], own["row"]
        self._awaits_validation = own["awaits_validation"]
        if own["ended_by"] in ("until", "patience") and own["ends"] == self._ends:
            self.ended_by = own["ended_by"]
        elif self.epochs_done >= self._setup.config.train.epochs:
            self.ended_by = "epochs"
        for name, part in self._parts.items():
            if name in saved:
                part.restore(saved[name])
        if self._awaits_validation:
            self._feed.position = self._feed.steps  # also where an epoch has more samples now
        for name in self._model.anew:
            self._setup.narrator.warn(f"the state of the {name} was not taken up: it does not fit")
        if self._history.missing:
            self._setup.narrator.warn(f"history.csv lacks {self._history.missing} of its rows")
        self._setup.narrator.note(f"resumed after step {self.steps_done:,}, in epoch {self._feed.epoch}")
        self.latest = self._observer.recalled(self.epochs_done, self.steps_done, self._row)
        self._recording.go_on(self.latest)

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

    def _history_row(self, epoch: int, logs: Mapping[str, float]) -> dict[str, float]:
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
