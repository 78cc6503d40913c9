"""A training as a run on disk, recorded however it ends. TensorFlow is imported after everything else was checked."""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from tbcli.config import Config
from tbcli.config.layers import with_absolute_paths
from tbcli.data import load_dataset, needs_keras
from tbcli.data.dataset import Dataset
from tbcli.errors import ConfigError, DoesNotFit, Interrupted, NotFound, Refused, TbcliError, TrainingFailed, status_of
from tbcli.keras_backend import BACKEND, load_keras, require_backend
from tbcli.loading import imports_kept
from tbcli.models import choose_model, describe_samples, short_name
from tbcli.recorders.registry import chosen_names, require_loadable
from tbcli.runs import Run, RunStore
from tbcli.runs.claim import Claim, claim
from tbcli.runs.crash import crash_kept
from tbcli.training.cluster import TF_CONFIG, place_of_process, workers_beside
from tbcli.training.conclusion import Heartbeat, conclude, reason_of
from tbcli.training.continuing.eligibility import Amendment, require_at_rest
from tbcli.training.continuing.resuming import progress_in, remembered, reopen, saved_parts, with_any_data
from tbcli.training.continuing.state import Generations
from tbcli.training.facts import argument_facts, dataset_facts, git_state, package_versions
from tbcli.training.failures import explained
from tbcli.training.interruption import Interruption
from tbcli.training.narration import Narrator
from tbcli.training.request import (
    Expected,
    Expecting,
    check_for_data,
    check_request,
    expected_summary,
    expects_anything,
)

_FOR_OTHERS = ("sklearn", "pandas", "matplotlib", "scipy")
"""What `import keras` imports for wrappers and adapters that training has no use for: 1.3 CPU seconds."""


def train(
    config: Config,
    progress: Narrator | None = None,
    *,
    own_process: bool = False,
    expecting: Expecting = expects_anything,
) -> Run:
    """Train a model and keep the run; Ctrl-C saves what is there and raises `Interrupted`.

    Args:
        config: What to train; ``Config().updated({"train.epochs": 10})`` changes single settings.
        progress: Receives progress events: a subclass of `tbcli.training.Narrator`. Silent by default.
        own_process: Whether this process is there for the training alone: Keras then starts faster, without its
            wrappers of scikit-learn and its adapters of pandas.
        expecting: Called before the training begins with the names it will have values of; may raise.

    Returns:
        The finished run.

    Raises:
        ConfigError, NotFound, DoesNotFit: Nothing was trained, and no run is left.
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
    config = with_absolute_paths(config)
    with _begun(config, narrator, own_process=own_process) as interruption, _workers(config):
        config, dataset, expected = _loaded(config, narrator, interruption, own_process=own_process)
        if expected.is_complete:
            expecting(expected_summary(config, expected))
        facts = {
            "model": short_name(config.model.name),
            **dataset_facts(dataset),
            **argument_facts(config),
            "versions": package_versions(),
            "git": git_state(Path.cwd()),
        }
        run = RunStore(config.paths, config.direction).create(config, facts)
        narrator.claimed(run)
        with (
            claim(run.logs) as lock,
            _crash_kept(run, own_process=own_process),
            _kept(run, config, interruption, narrator, lock),
        ):
            _import_pipeline(config, dataset, narrator, interruption, own_process=own_process)
            from tbcli.training.pipeline import train_and_save
            from tbcli.training.strategy import open_strategy

            with open_strategy(config.train).leading(config):
                train_and_save(config, dataset, run, narrator, interruption, expecting)
    return run


def resume(
    run: Run,
    config: Config | None = None,
    progress: Narrator | None = None,
    *,
    own_process: bool = False,
    expecting: Expecting = expects_anything,
    allow_changes: bool = False,
) -> Run:
    """Go on with a run where its newest state was saved; with ``train.deterministic`` as if it had never stopped.

    What the run recorded after that state is cut off, and recorded again.

    Args:
        run: One of ours that does not train.
        config: What to change, such as more epochs, in the configuration of the run; that itself unless given.
        progress: See `train`, as for the others.
        own_process: Whether this process is there for that alone.
        expecting: Called with the names that the run will have values of.
        allow_changes: Whether settings and data may make another experiment of it; the run's record then says so.

    Returns:
        The finished run.

    Raises:
        Refused: The run trains, has no state, is a script's, or this would be another experiment.
        ConfigError, NotFound, DoesNotFit: Nothing was trained, and the run is as it was.
        DamagedState: No state of the run is whole.
        TrainingFailed, Interrupted: See `train`.
    """
    narrator = progress or Narrator()
    require_at_rest(run)
    with ExitStack() as held:
        lock = held.enter_context(claim(run.logs))
        run.reload()  # another process may have resumed it since it was found
        amendment = Amendment(run, config, is_allowed=allow_changes)
        interruption = held.enter_context(_begun(amendment.config, narrator, own_process=own_process))
        held.enter_context(_workers(amendment.config))
        parts = saved_parts(run, narrator.warn)
        amendment.check_length(*progress_in(parts))
        config, dataset, expected = _loaded(amendment.config, narrator, interruption, own_process=own_process)
        amendment.check_data(dataset_facts(dataset))
        if expected.is_complete:
            expecting(expected_summary(config, expected))
        put_back = remembered(run)
        run.record.update(amendment.facts())
        seconds = reopen(run, parts)
        narrator.claimed(run)
        for text in amendment.notes({"versions": package_versions()}):
            narrator.note(text)
        held.enter_context(_crash_kept(run, own_process=own_process))
        held.enter_context(_kept(run, config, interruption, narrator, lock, seconds=seconds, put_back=put_back))
        _import_pipeline(config, dataset, narrator, interruption, own_process=own_process)
        from tbcli.training.pipeline import train_and_save
        from tbcli.training.strategy import open_strategy

        parts = with_any_data(parts) if allow_changes else parts
        agree = partial(_agree, amendment, run, narrator)
        with open_strategy(config.train).leading(config):
            train_and_save(config, dataset, run, narrator, interruption, expecting, saved=parts, agree=agree)
    return run


def _agree(amendment: Amendment, run: Run, narrator: Narrator, facts: Mapping[str, Any]) -> None:
    """Refuse another model than the run's, or record it."""
    from tbcli.training.continuing.code import code_changes

    for text in amendment.check_code(code_changes(run.record, facts)):
        narrator.note(text)


def rehearse(
    config: Config,
    progress: Narrator | None = None,
    *,
    own_process: bool = False,
    expecting: Expecting = expects_anything,
) -> tuple[str, ...]:
    """Do all that comes before a training, take one step, keep nothing, and return what would be trained, in lines.

    Args:
        config: See `train`, as for the others.
        progress: Receives progress events.
        own_process: Whether this process is there for that alone.
        expecting: Called with the names that the run would have values of.

    Raises:
        ConfigError, NotFound, DoesNotFit: As of `train`.
        Diverged: A sample, or the loss of that step, is not finite.
    """
    narrator = progress or Narrator()
    config = with_absolute_paths(config)
    os.environ.pop(TF_CONFIG, None)  # one step needs no others
    with _begun(config, narrator, own_process=own_process) as interruption:
        config, dataset, expected = _loaded(config, narrator, interruption, own_process=own_process)
        if expected.is_complete:
            expecting(expected_summary(config, expected))
        _import_pipeline(config, dataset, narrator, interruption, own_process=own_process)
        from tbcli.training.pipeline import try_one_step

        lines = try_one_step(config, dataset, narrator, expecting)
        interruption.check()
        return lines


def _workers(config: Config) -> AbstractContextManager[None]:
    train, workspace = config.train, Path(config.paths.workspace)
    if not train.ray or place_of_process():
        return workers_beside(train.workers, workspace)
    if train.workers < 2:
        raise ConfigError("--ray needs the number of workers", hint="`--workers 2`")
    from tbcli.training.ray_workers import workers_by_ray

    return workers_by_ray(train.workers, train.ray, workspace)


@contextmanager
def _begun(config: Config, narrator: Narrator, *, own_process: bool) -> Iterator[Interruption]:
    """Check what can be checked without data, and take over signals."""
    check_request(config)
    if own_process:
        os.environ[BACKEND] = "tensorflow"  # also for recorders of installed packages, which may import Keras
    require_backend()
    with Interruption(narrator) as interruption:
        with narrator.hushed_libraries():
            require_loadable(chosen_names(config.record))
        yield interruption


def _loaded(
    config: Config, narrator: Narrator, interruption: Interruption, *, own_process: bool
) -> tuple[Config, Dataset, Expected]:
    """Return settings, data, and the metrics that there will be, once what was asked suits the data."""
    _require_roots(config)
    if needs_keras(config.data.source):
        _start_tensorflow(config, narrator, interruption, own_process=own_process)
    narrator.stage(f"Loading {config.data.source}")
    dataset = load_dataset(config.data, interruption.checked(narrator.progress))
    interruption.check()
    for note in dataset.notes:
        narrator.note(note)
    config = _settled(config, dataset, narrator)
    return config, dataset, check_for_data(config, dataset)


def _start_tensorflow(config: Config, narrator: Narrator, interruption: Interruption, *, own_process: bool) -> None:
    narrator.stage("Starting TensorFlow")
    with _starting(narrator, interruption, own_process=own_process):
        load_keras(*_FOR_OTHERS if own_process else ())
        from tbcli.training.strategy import open_strategy

        open_strategy(config.train)  # before anything is computed


@contextmanager
def _starting(narrator: Narrator, interruption: Interruption, *, own_process: bool) -> Iterator[None]:
    """Import libraries quietly; in a process of our own also in less time, and no longer than until a signal."""
    with narrator.hushed_libraries(), ExitStack() as stack:
        if own_process:
            stack.enter_context(imports_kept())
            stack.enter_context(interruption.checked_imports())
        yield


def _import_pipeline(
    config: Config, dataset: Dataset, narrator: Narrator, interruption: Interruption, *, own_process: bool
) -> None:
    if not needs_keras(config.data.source):  # else it was started to load the data
        _start_tensorflow(config, narrator, interruption, own_process=own_process)
    with _starting(narrator, interruption, own_process=own_process):
        import_module("tbcli.training.pipeline")
    if own_process and not config.train.deterministic:  # whose bits would depend on who calls
        from tbcli.training.hardware import choose_threads, use_threads

        use_threads(choose_threads(config.train.batch_size * math.prod(dataset.input_shape)))


def _settled(config: Config, dataset: Dataset, narrator: Narrator) -> Config:
    """Return the settings with the model that ``auto`` chooses by the data: whoever repeats the run gets that one."""
    name = choose_model(config.model.name, dataset)
    if name != config.model.name:
        narrator.note(f"model {name}, chosen for {describe_samples(dataset)}")
    return config.updated({"model.name": name})


def _require_roots(config: Config) -> None:
    """Check the directories that are written last: a trained model must not be lost for lack of one."""
    for key, root in {"models": config.paths.models, "plots": config.paths.plots}.items():
        nearest = next(path for path in (root, *root.parents) if os.path.exists(path))  # noqa: PTH110 - never raises
        if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
            raise ConfigError(
                f"cannot keep {key} in {str(root)!r}: {str(nearest)!r} is not a writable directory",
                hint=f"use `--workspace DIR` or `--{key}-dir DIR` with a writable directory",
            )


def _crash_kept(run: Run, *, own_process: bool) -> AbstractContextManager[None]:
    return crash_kept(run) if own_process else nullcontext()  # else it may be somebody else's to tell


@contextmanager
def _kept(
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
