"""A worker that trains nothing: it makes a run as a training would, with numbers that its settings decide.

The batch size says what happens, so that a test can ask for it: see `WHAT`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tbcli.config import Config
from tbcli.errors import Pruned, status_of
from tbcli.naming.direction import summarize
from tbcli.origin import set_origin
from tbcli.runs import Run, RunStore
from tbcli.runs.claim import claim
from tbcli.runs.files import utc_now, utc_text
from tbcli.runs.history import HistoryWriter, read_history
from tbcli.sweeps.definition import flat_settings
from tbcli.sweeps.worker import Channel, Reporter, TrialOrigin, serve_trials

WHAT = {
    "fail": 7,
    "fail once": 8,
    "die": 9,
    "die once": 10,
    "unfit": 11,
    "wait": 12,
    "fork": 13,
    "vanish": 14,
    "late": 15,
}
_STOPPED: list[int] = []


def train(job: Mapping[str, Any], channel: Channel) -> None:
    """Make the run of a trial, or go on with it."""
    config = Config().updated(flat_settings(job["config"]))
    size, here = config.train.batch_size, Path(config.paths.workspace)
    reporter = Reporter(channel, asks=job["asks"], epochs=config.train.epochs)
    if size == WHAT["unfit"]:
        channel.tell(end="failed", run="", reason="it does not fit")
        return
    vanished = here / f"vanished-{job['sweep']['trial']}"
    if size == WHAT["vanish"] and not vanished.exists():
        vanished.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    store = RunStore(config.paths, config.direction)
    set_origin(TrialOrigin(config, job["sweep"]))
    run = (
        store.find(job["resume"])
        if job["resume"]
        else store.create(config, {"data": "mnist", "task": "classification"})
    )
    set_origin(None)
    with claim(run.logs):
        run.update(status="running")
        reporter.claimed(run)
        is_first = not (here / f"seen-{job['sweep']['trial']}").exists()
        (here / f"seen-{job['sweep']['trial']}").touch()
        if size == WHAT["fork"] and not os.fork():
            _outlive(here)
        if size in (WHAT["die"], WHAT["fork"]) or (size == WHAT["die once"] and is_first):
            os.kill(os.getpid(), signal.SIGKILL)
        error: BaseException | None = None
        try:
            _epochs(run, config, reporter, is_slow=size == WHAT["wait"] and not (here / "go").exists())
            if size == WHAT["fail"] or (size == WHAT["fail once"] and is_first):
                raise RuntimeError("no luck")
        except (RuntimeError, Pruned) as raised:
            error = raised
        except InterruptedError:
            error = KeyboardInterrupt()
        _conclude(run, status_of(error), str(error or ""))
    if size == WHAT["late"]:
        os.kill(os.getpid(), signal.SIGKILL)
    channel.tell(end=status_of(error), run=run.id, reason=str(error or ""))


def _outlive(here: Path) -> None:
    """Hold the pipe open, as a process that loads data does, until the test is over."""
    for _ in range(1000):
        if (here / "go").exists():
            os._exit(0)
        time.sleep(0.05)
    (here / "nobody came").touch()
    os._exit(0)


def _epochs(run: Run, config: Config, reporter: Reporter, *, is_slow: bool) -> None:
    history = HistoryWriter(run.history_file)
    done = len(read_history(run.history_file).epochs)
    for epoch in range(done + 1, config.train.epochs + 1):
        loss = config.train.learning_rate + config.train.seed / 7 + 1 / epoch
        history.append({"epoch": epoch, "step": epoch, "seconds": epoch, "learning_rate": 0.1, "val_loss": loss})
        reporter.epoch(epoch, {"val_loss": loss}, {})
        reporter.safe_point()
        while is_slow and not _STOPPED:
            time.sleep(0.01)
        if _STOPPED:
            _STOPPED.clear()
            raise InterruptedError


def _conclude(run: Run, status: str, reason: str) -> None:
    kept = read_history(run.history_file)
    metrics = summarize(kept.columns, kept.epochs)
    run.update(status=status, reason=reason, ended=utc_text(utc_now()), epochs=len(kept.epochs), metrics=metrics)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, frame: _STOPPED.append(number))
    sys.stdout.write("a library's chatter\n")
    sys.stderr.write("and more\n")
    serve_trials(train)
