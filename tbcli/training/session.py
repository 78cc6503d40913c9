"""A training as a run on disk, recorded however it ends. TensorFlow is imported after everything else was checked."""

from __future__ import annotations

import errno
import importlib
import math
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tbcli.config import Config
from tbcli.data import load_dataset
from tbcli.errors import ConfigError, Interrupted, TbcliError, TrainingFailed, status_of
from tbcli.loading import hidden
from tbcli.naming.direction import summarize
from tbcli.recorders.registry import chosen_names, require_loadable
from tbcli.runs import Run, RunStore
from tbcli.runs.files import utc_now, utc_text
from tbcli.runs.history import read_history
from tbcli.runs.run import HEARTBEAT_SECONDS
from tbcli.training.facts import git_state, package_versions
from tbcli.training.interruption import Interruption
from tbcli.training.narration import Narrator
from tbcli.training.request import check_request, require_profiled_steps

_FOR_OTHERS = ("sklearn", "pandas", "matplotlib", "scipy")
"""What `import keras` imports for wrappers and adapters that training has no use for: 1.3 CPU seconds."""


def train(config: Config, progress: Narrator | None = None, *, own_process: bool = False) -> Run:
    """Train a model and keep the run; Ctrl-C saves what is there and raises `Interrupted`.

    Args:
        config: What to train; ``Config().updated({"train.epochs": 10})`` changes single settings.
        progress: Receives progress events: a subclass of `tbcli.training.Narrator`. Silent by default.
        own_process: Whether this process is there for the training alone: Keras then starts faster, without its
            wrappers of scikit-learn and its adapters of pandas.

    Returns:
        The finished run.

    Raises:
        ConfigError, NotFound, DoesNotFit: Nothing was begun.
        TrainingFailed: Training diverged, or ran out of memory or disk; the run is kept with what there is.
        Interrupted: A signal came; the run is kept with what there is.

    Example:
        >>> import tbcli
        >>> config = tbcli.Config().updated({"data.limit_samples": 600, "train.epochs": 1})
        >>> run = tbcli.train(config)
        >>> run.status()
        'finished'
        >>> run.logs.is_dir()
        True
    """
    narrator = progress or Narrator()
    check_request(config)
    with Interruption(on_second=narrator.close) as interruption:
        with narrator.hushed_libraries():
            require_loadable(chosen_names(config.record))
        narrator.stage(f"Loading {config.data.source}")
        dataset = load_dataset(config.data)
        require_profiled_steps(config, len(dataset.train))
        _require_roots(config)
        facts = {"versions": package_versions(), "git": git_state(Path.cwd())}
        run = RunStore(config.paths, config.direction).create(config, facts)
        with _kept(run, config, interruption, narrator):
            narrator.stage("Starting TensorFlow")
            with narrator.hushed_libraries():
                with hidden(*_FOR_OTHERS if own_process else ()):
                    importlib.import_module("keras")
                from tbcli.training.hardware import choose_threads, use_threads
                from tbcli.training.pipeline import train_and_save

            if own_process and not config.train.deterministic:  # whose bits would depend on who calls
                use_threads(choose_threads(config.train.batch_size * math.prod(dataset.input_shape)))
            train_and_save(config, dataset, run, narrator, interruption)
    return run


def _require_roots(config: Config) -> None:
    """Check the directories that are written last: a trained model must not be lost for lack of one."""
    for key, root in {"models": config.paths.models, "plots": config.paths.plots}.items():
        nearest = next(path for path in (root, *root.parents) if os.path.exists(path))  # noqa: PTH110 - never raises
        if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
            raise ConfigError(
                f"cannot keep {key} in {str(root)!r}: {str(nearest)!r} is not a writable directory",
                hint=f"use `--workspace DIR` or `--{key}-dir DIR` with a writable directory",
            )


@contextmanager
def _kept(run: Run, config: Config, interruption: Interruption, narrator: Narrator) -> Iterator[None]:
    """Keep a heartbeat during training, and write the final record however it ends."""
    began = time.perf_counter()
    stop = threading.Event()
    threading.Thread(target=_beat, args=(run, stop), daemon=True).start()
    status, reason = "failed", ""
    try:
        try:
            yield
            status = "finished"
        except OSError as error:
            raise _disk_trouble(error, run) from error
        except MemoryError as error:
            raise TrainingFailed("out of memory", hint="use a smaller `--batch-size` or `--limit-samples`") from error
    except BaseException as error:
        status = status_of(error)
        reason = str(error) if isinstance(error, TbcliError) else f"{type(error).__name__}: {error}"
        if isinstance(error, Interrupted):
            error.hint = f"`tbcli runs {run.id}` shows what was kept"
        raise
    finally:
        stop.set()
        with interruption.deferred():
            _conclude(run, config, status, reason, time.perf_counter() - began, narrator)


def _beat(run: Run, stop: threading.Event) -> None:
    while not stop.wait(HEARTBEAT_SECONDS):
        try:
            run.beat()
        except OSError:
            continue  # a full disk is noticed where it matters; the process itself still shows that it lives


def _conclude(run: Run, config: Config, status: str, reason: str, seconds: float, narrator: Narrator) -> None:
    """Write the run's final record and its figures, as far as the disk allows."""
    history = read_history(run.history_file)
    by_epoch, final = summarize(history.columns, history.epochs, config.direction), dict(run.metrics)
    metrics: dict[str, Any] = {**by_epoch, **final}
    in_training = str(run.record.get("precision") or "float32").removeprefix("mixed_")
    try:
        run.heartbeat_file.unlink(missing_ok=True)  # gives back the room that the record needs on a full disk
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
            narrator.stage("Plotting")
            _plot(run, config, narrator)
        run.update(bytes=run.walk_bytes())
    except OSError as error:
        narrator.warn(f"the run's record is incomplete: {error.strerror or error}")


def _plot(run: Run, config: Config, narrator: Narrator) -> None:
    from tbcli.figures import LEFT_BY_TRAINING, plot_kinds

    try:
        # A run that was interrupted has a history and no evidence.
        result = plot_kinds([run], LEFT_BY_TRAINING, config.plot, plots_root=config.paths.plots, skip_missing=True)
        if result.fonts:
            narrator.warn(result.fonts)
    except TbcliError as error:
        narrator.warn(f"no figures were drawn: {error.message}")


def _disk_trouble(error: OSError, run: Run) -> TrainingFailed:
    what = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else str(error.strerror or error)
    return TrainingFailed(
        f"training stopped, {what}: {error.filename or run.logs}",
        hint="`tbcli clean --dry-run --keep 5` shows what could be removed",
    )
