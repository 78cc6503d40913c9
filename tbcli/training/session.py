"""A training as a run on disk, recorded however it ends. TensorFlow is imported after everything else was checked."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from tbcli.config import Config
from tbcli.config.layers import with_absolute_paths
from tbcli.data import load_dataset, needs_keras
from tbcli.data.dataset import Dataset
from tbcli.errors import ConfigError
from tbcli.keras_backend import BACKEND, load_keras, require_backend
from tbcli.loading import imports_kept
from tbcli.models import choose_model, describe_samples, short_name
from tbcli.recorders.registry import chosen_names, require_loadable
from tbcli.runs import Run, RunStore
from tbcli.runs.claim import claim
from tbcli.runs.crash import crash_kept
from tbcli.training.cluster import TF_CONFIG, place_of_process, workers_beside
from tbcli.training.conclusion import run_kept
from tbcli.training.continuing.eligibility import Amendment, require_at_rest
from tbcli.training.continuing.resuming import progress_in, remembered, reopen, saved_parts, with_any_data
from tbcli.training.facts import argument_facts, dataset_facts, git_state, package_versions
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
            run_kept(run, config, interruption, narrator, lock),
        ):
            _import_pipeline(config, dataset, narrator, interruption, own_process=own_process)
            from tbcli.training.pipeline import train_and_save
            from tbcli.training.strategy import open_strategy

            with open_strategy(config.train).leading(config, dataset.train):
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
        held.enter_context(run_kept(run, config, interruption, narrator, lock, seconds=seconds, put_back=put_back))
        _import_pipeline(config, dataset, narrator, interruption, own_process=own_process)
        from tbcli.training.pipeline import train_and_save
        from tbcli.training.strategy import open_strategy

        parts = with_any_data(parts) if allow_changes else parts
        agree = partial(_agree, amendment, run, narrator)
        with open_strategy(config.train).leading(config, dataset.train, parts):
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
    if _starts_first(config):
        _start_tensorflow(config, narrator, interruption, own_process=own_process)
    narrator.stage(f"Loading {config.data.source}")
    dataset = load_dataset(config.data, interruption.checked(narrator.progress))
    interruption.check()
    for note in dataset.notes:
        narrator.note(note)
    config = _settled(config, dataset, narrator)
    return config, dataset, check_for_data(config, dataset)


def _starts_first(config: Config) -> bool:
    """Return whether TensorFlow is started before the data are loaded: they need it, or other workers wait."""
    return needs_keras(config.data.source) or place_of_process() is not None


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
    if not _starts_first(config):
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
