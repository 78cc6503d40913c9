"""How a run is kept alive while something trains, and concluded however it ends."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tbcli.config import Config
from tbcli.errors import TbcliError
from tbcli.naming.direction import summarize
from tbcli.runs import Run
from tbcli.runs.files import sync_tree, utc_now, utc_text
from tbcli.runs.history import read_history
from tbcli.runs.liveness import HEARTBEAT_SECONDS
from tbcli.runs.stopping import take_request

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
