"""A worker of a sweep: one process that trains trial after trial, told by lines of JSON on stdin.

Started as ``python -m tbcli.sweeps.worker DESCRIPTOR [CORES]``; what becomes of each trial it writes to the
descriptor, a line of JSON per event. When stdin ends, so does the training, as by SIGTERM.
"""

from __future__ import annotations

import gc
import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tbcli.errors import DoesNotFit, NotFound, Pruned, Refused, TbcliError, status_of
from tbcli.training.narration import Narrator

if TYPE_CHECKING:
    from tbcli.config import Config
    from tbcli.runs.run import Run

LOST = "lost"
"""How a trial ends whose run cannot be gone on with: it is to be begun again."""
_MOMENT_SECONDS = 0.5


class Channel:
    """The two pipes to the coordinator.

    Args:
        results: The descriptor to write events to.
    """

    def __init__(self, results: int) -> None:
        self._results = results
        os.set_inheritable(results, False)
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.is_training = False
        self.is_closed = False
        threading.Thread(target=self._listen, name="tbcli-coordinator", daemon=True).start()

    def _listen(self) -> None:
        for line in sys.stdin:
            self._lines.put(json.loads(line))
        self._lines.put(None)
        self.is_closed = True
        if self.is_training:  # the coordinator is gone: what was trained so far is kept, and can be gone on with
            os.kill(os.getpid(), signal.SIGTERM)

    def receive(self) -> dict[str, Any] | None:
        """Return the next line, None when there will be none."""
        while True:
            with suppress(queue.Empty):
                return self._lines.get(timeout=_MOMENT_SECONDS)  # and signals are answered in between

    def tell(self, **event: Any) -> None:
        """Write an event; nobody may be listening any more."""
        with suppress(OSError):
            os.write(self._results, f"{json.dumps(event)}\n".encode())


class TrialOrigin:
    """The origin of the run of a trial, see `tbcli.origin`: its record says which trial it is.

    Args:
        config: Of the trial.
        sweep: What the record says.
    """

    def __init__(self, config: Config, sweep: Mapping[str, Any]) -> None:
        self._config, self._sweep = config, dict(sweep)

    def config(self) -> Config:
        """Return the configuration of the trial."""
        return self._config

    def facts(self) -> dict[str, Any]:
        """Return what the run's record says from the start."""
        return {"sweep": self._sweep}

    def welcome(self, run: Run) -> None:
        """Hear of the run; the narrator does, too."""


class Reporter(Narrator):
    """Reports epochs to the coordinator, and stops the training where that says so.

    Args:
        channel: To the coordinator.
        asks: Whether to wait after each epoch for what the coordinator says to it.
        epochs: After the last of which nothing can be stopped any more.
    """

    def __init__(self, channel: Channel, *, asks: bool, epochs: int) -> None:
        self._channel, self._asks, self._epochs = channel, asks, epochs
        self._pruned = ""
        self.run_id = ""

    def claimed(self, run: Run) -> None:
        """The run is made, or taken up again."""
        self.run_id = run.id
        self._channel.tell(run=run.id)

    def stage(self, text: str) -> None:
        """A stage begins."""
        self._channel.tell(stage=text)

    def begin(self, epochs: int, steps: int) -> None:
        """Training begins."""
        self._channel.tell(stage=f"epoch 1 of {epochs}")

    def warn(self, text: str) -> None:
        """Something that may be wrong."""
        print(f"warning: {text}", file=sys.stderr, flush=True)  # noqa: T201 - kept beside the sweep
        self._channel.tell(warn=text)

    def epoch(self, epoch: int, logs: Mapping[str, float], best: Mapping[str, tuple[float, int]]) -> None:
        """An epoch is done."""
        from tbcli.runs.history import as_kept

        asks = self._asks and epoch < self._epochs
        kept = {name: as_kept(float(value)) for name, value in logs.items()}
        self._channel.tell(epoch=epoch, logs=kept, asks=asks)
        if asks:
            answer = self._channel.receive() or {}
            self._pruned = str(answer.get("prune") or "")

    def safe_point(self) -> None:
        """Stop a trial that lags behind.

        Raises:
            Pruned: It does.
        """
        why, self._pruned = self._pruned, ""
        if why:
            raise Pruned(why, hint=f"`tbcli train --resume {self.run_id}` goes on with it")


def train_trial(job: Mapping[str, Any], channel: Channel) -> None:
    """Train one trial and tell how it ended."""
    from tbcli.config import Config
    from tbcli.origin import set_origin
    from tbcli.sweeps.definition import flat_settings
    from tbcli.training.session import train

    config = Config().updated(flat_settings(job["config"]))
    reporter = Reporter(channel, asks=job["asks"], epochs=config.train.epochs)
    set_origin(TrialOrigin(config, job["sweep"]))
    error: BaseException | None = None
    is_lost = False
    try:
        if job["resume"]:
            is_lost = not _go_on(job["resume"], config, reporter)
        else:
            train(config, reporter, own_process=True)
    except TbcliError as failed:
        error = failed
        print(f"{status_of(error)}: {failed.message}", file=sys.stderr, flush=True)  # noqa: T201 - as above
    except Exception as bug:  # noqa: BLE001 - the next trial may fare better
        error = bug
        traceback.print_exc()
    finally:
        set_origin(None)
    reason = "" if error is None else error.message if isinstance(error, TbcliError) else _described(error)
    channel.tell(end=LOST if is_lost else status_of(error), run=reporter.run_id, reason=reason)


def _go_on(run_id: str, config: Config, reporter: Reporter) -> bool:
    """Go on with a run that was stopped; return whether that was possible."""
    from tbcli.runs import RunStore
    from tbcli.training.session import resume

    try:
        resume(RunStore(config.paths, config.direction).find(run_id), None, reporter, own_process=True)
    except (Refused, NotFound, DoesNotFit) as error:
        reporter.warn(f"run {run_id} cannot be gone on with: {error.message}")
        return False
    return True


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _forget_model() -> None:
    """Give back what the trial before has taken."""
    keras = sys.modules.get("keras")
    if keras is not None:
        keras.backend.clear_session()
    gc.collect()


def serve_trials(train: Callable[[Mapping[str, Any], Channel], None] = train_trial) -> None:
    """Train what comes on stdin until it ends, or a signal comes.

    Args:
        train: Trains one.
    """
    if hasattr(signal, "pthread_sigmask"):  # a terminal's signals are for the coordinator, who passes them on
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    if len(sys.argv) > 2 and hasattr(os, "sched_setaffinity"):
        with suppress(OSError):
            os.sched_setaffinity(0, [int(core) for core in sys.argv[2].split(",")])  # before a library counts them
    channel = Channel(int(sys.argv[1]))
    while (job := channel.receive()) is not None:
        channel.is_training = True
        if channel.is_closed:  # the coordinator was killed when it had asked for this trial
            return
        train(job, channel)
        channel.is_training = False
        _forget_model()


if __name__ == "__main__":
    serve_trials()
