"""How a run is kept alive while something trains, and concluded however it ends."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from tbcli.config import Config
from tbcli.errors import ConfigError, DoesNotFit, Interrupted, NotFound, Refused, TbcliError, TrainingFailed, status_of
from tbcli.naming.direction import summarize
from tbcli.runs import Run
from tbcli.runs.claim import Claim
from tbcli.runs.files import sync_tree, utc_now, utc_text
from tbcli.runs.history import read_history
from tbcli.runs.liveness import HEARTBEAT_SECONDS
from tbcli.runs.stopping import take_request
from tbcli.training.continuing.state import Generations
from tbcli.training.failures import explained
from tbcli.training.interruption import Interruption
from tbcli.training.narration import Narrator

_LOOK_SECONDS = 1.0


class Heartbeat:
    """Shows from a thread of its own that a run is alive, until it is stopped; asked to stop, it signals the process.

    Args:
        run: In training.
        why_gone: Says what became of its directory; empty while that is there.
        tell: Told once, in this thread, that it is gone.
    """

    def __init__(
        self, run: Run, why_gone: Callable[[], str] = lambda: "", tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self._run, self._why_gone, self._tell = run, why_gone, tell
        self._stopped = threading.Event()
        threading.Thread(target=self._beat, name="tbcli-heartbeat", daemon=True).start()

    def stop(self) -> None:
        """Stop; safe to call again."""
        self._stopped.set()

    def _beat(self) -> None:
        beat_at, is_asked, is_told = time.monotonic(), False, False
        while not self._stopped.wait(_LOOK_SECONDS):
            if take_request(self._run) and not is_asked:
                is_asked = True  # a second signal would end the process at once
                signal_stop()
            if not is_told and (why := self._why_gone()):
                is_told = True
                self._tell(
                    f"{str(self._run.logs)!r} {why}: training goes on, for its model; `tbcli` does not find the run"
                )
            if time.monotonic() - beat_at >= HEARTBEAT_SECONDS:
                beat_at = time.monotonic()
                with suppress(OSError):  # a full disk is noticed where it matters; the process itself shows its life
                    self._run.beat()


def signal_stop() -> None:
    """Send this process SIGTERM, or the signal of Ctrl-C if that would end a script of the user's on the spot."""
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    is_abrupt = handlers[0] == signal.SIG_DFL and handlers[1] not in (signal.SIG_IGN, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT if is_abrupt else signal.SIGTERM)


def reason_of(error: BaseException) -> str:
    """Return what a run's record says of the error that ended it."""
    return str(error) if isinstance(error, TbcliError) else f"{type(error).__name__}: {error}".rstrip(": ")


def conclude(
    run: Run,
    config: Config,
    status: str,
    reason: str,
    seconds: float,
    *,
    warn: Callable[[str], None],
    stage: Callable[[str], None] = lambda text: None,
) -> None:
    """Write the run's final record and its figures, as far as the disk allows.

    Args:
        run: What its record holds already stays: ``metrics`` are those of the saved model.
        config: Says whether and how figures are drawn.
        status: One of `tbcli.runs.run.STATUSES`.
        reason: Why it did not finish, or ``""``.
        seconds: Wall time of the whole training.
        warn: Told what could not be written or drawn.
        stage: Told that figures are drawn now.
    """
    history = read_history(run.history_file)
    by_epoch, final = summarize(history.columns, history.epochs, config.direction), dict(run.metrics)
    metrics: dict[str, Any] = {**by_epoch, **final}
    in_training = str(run.record.get("precision") or "float32").removeprefix("mixed_")
    with suppress(OSError):
        run.heartbeat_file.unlink()  # gives back the room that the record needs on a full disk
    for top in (run.models, run.logs):  # what is called finished must outlive a loss of power
        try:
            sync_tree(top)
        except OSError as error:
            warn(f"what lies in {str(top)!r} may not be on the disk: {error.strerror or error}")
    try:
        run.update(
            status=status,
            reason=reason,
            ended=utc_text(utc_now()),
            seconds=round(seconds, 3),
            epochs=len(history.epochs),
            metrics=metrics,
            measured_in={**dict.fromkeys(by_epoch, in_training), **dict.fromkeys(final, "float32")},
        )
        if config.plot.automatic and history.epochs:
            stage("Plotting")
            _plot(run, config, warn)
        run.update(bytes=run.walk_bytes())
    except OSError as error:
        warn(f"the run's record is incomplete: {error.strerror or error}")


def _plot(run: Run, config: Config, warn: Callable[[str], None]) -> None:
    from tbcli.figures import LEFT_BY_TRAINING, plot_kinds

    try:
        # A run that was interrupted has a history and no evidence.
        result = plot_kinds([run], LEFT_BY_TRAINING, config.plot, plots_root=config.paths.plots, skip_missing=True)
        if result.fonts:
            warn(result.fonts)
    except TbcliError as error:
        warn(f"no figures were drawn: {error.message}")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - what was trained and kept is worth more than a figure
        warn(f"no figures were drawn: {reason_of(error)}")


@contextmanager
def run_kept(
    run: Run,
    config: Config,
    interruption: Interruption,
    narrator: Narrator,
    lock: Claim,
    *,
    seconds: float = 0.0,
    put_back: Callable[[], None] | None = None,
) -> Iterator[None]:
    """Keep a heartbeat during training, and write the final record however it ends.

    A run in which nothing could begin, for what was asked does not fit, is removed; a resumed one is as it was.

    Args:
        run: Claimed.
        config: What was asked.
        interruption: Told the run.
        narrator: Told what comes at the end.
        lock: On the run's directory, which somebody may remove all the same.
        seconds: What earlier processes have trained.
        put_back: Makes a resumed run what it was.
    """
    began = time.perf_counter() - seconds
    why_gone = partial(lock.why_gone, run.logs)
    heartbeat = Heartbeat(run, why_gone, partial(setattr, interruption, "tell_at_once"))
    interruption.what_is_lost = partial(_what_is_lost, run)
    status, reason, has_begun = "failed", "", True
    try:
        try:
            yield
            status = "finished"
        except TbcliError:
            raise
        except Exception as error:
            failed = _without_directory(run, why_gone()) or explained(error, run.logs, config.train.batch_size)
            if failed is None:
                raise
            raise failed from error
    except BaseException as error:
        status = status_of(error)
        reason = reason_of(error)
        is_told = run.output_file.exists()  # left the terminal, with its id
        is_unfit = isinstance(error, (ConfigError, NotFound, DoesNotFit, Refused))
        has_begun = not is_unfit or (not put_back and (is_told or _has_trained(run)))
        _tell_run(error, run)
        raise
    finally:
        heartbeat.stop()
        seconds = time.perf_counter() - began
        if not has_begun and put_back:
            put_back()
        elif not has_begun:
            shutil.rmtree(run.logs, ignore_errors=True)
        else:
            if interruption.signal_number and status == "finished":
                config = config.updated({"plot.automatic": False})
            if not why_gone():
                conclude(run, config, status, reason, seconds, warn=narrator.warn, stage=narrator.stage)
            if status == "failed":
                _note_state(run, narrator)
    try:
        interruption.check()  # a signal that came when only the figures were missing
    except Interrupted as error:
        _tell_run(error, run)
        raise


def _without_directory(run: Run, why_gone: str) -> TrainingFailed | None:
    """Return what to say of a training whose directory is gone; None of one that has it."""
    if not why_gone:
        return None
    record = "its record has no end" if "moved to" in why_gone else "it has no record"
    return TrainingFailed(
        f"the run's directory {str(run.logs)!r} {why_gone} while it trained: {record}",
        hint="`tbcli stop` ends a training before its directory is moved or removed",
    )


def _has_trained(run: Run) -> bool:
    return run.history_file.exists() or any(run.checkpoints.glob("*"))


def _note_state(run: Run, narrator: Narrator) -> None:
    """Say how the training can go on, where there is a state."""
    if step := Generations(run.checkpoints).newest_step:
        narrator.note(f"the state after step {step} is kept: `tbcli train --resume {run.id}` goes on from there")


def _what_is_lost(run: Run) -> str:
    """Return what leaving at once loses at most."""
    if run.saved_model.is_file():
        return "the model is saved"
    step = Generations(run.checkpoints).newest_step
    return f"at most the steps after {step} are lost" if step else "no step was saved"


def _tell_run(error: BaseException, run: Run) -> None:
    """Say in an error which run it is, and where that is which was kept."""
    if isinstance(error, TbcliError):
        error.hint = error.hint.replace(" RUN`", f" {run.id}`")
    if isinstance(error, Interrupted) and run.record.get("status") == "finished":
        error.hint = f"all but the figures is done: `tbcli plot {run.id}` draws them"
    elif isinstance(error, Interrupted) and not run.record_file.exists():
        error.hint = f"the run's directory {str(run.logs)!r} is gone: `tbcli train` begins a new one"
    elif isinstance(error, Interrupted):
        error.hint = f"`tbcli train --resume {run.id}` goes on with it"
    elif isinstance(error, TrainingFailed) and run.saved_model.is_file() and str(run.saved_model) not in error.message:
        error.hint = f"{error.hint}; the model is saved: {str(run.saved_model)!r}"
