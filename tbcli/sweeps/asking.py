"""What was asked of a sweep, checked before anything starts, and made a definition."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from itertools import islice, product
from typing import TYPE_CHECKING

from tbcli.config import Config
from tbcli.config.layers import with_absolute_paths
from tbcli.errors import ConfigError
from tbcli.runs.files import utc_now, utc_text
from tbcli.sweeps.definition import (
    MOST_TRIALS,
    SEED,
    SUMMARY,
    USUAL_TRIALS,
    Definition,
    Script,
    points_of,
    with_params,
)
from tbcli.sweeps.goal import goal_from, goal_of, require_measured, settle_goal
from tbcli.sweeps.parameters import require_arguments
from tbcli.sweeps.space import Dimension, Value
from tbcli.training.ray_cluster import require_ray

if TYPE_CHECKING:
    from tbcli.config import DataConfig
    from tbcli.data.dataset import Dataset
    from tbcli.sweeps.goal import Goal

_MOST_CHECKED = 2000
_MOST_LOADED = 8


def settle_sweep(config: Config, dimensions: Sequence[Dimension], script: Script | None = None) -> Definition:
    """Return the definition of a sweep.

    Args:
        config: Of all trials, with the section ``sweep``.
        dimensions: What varies.
        script: Where trials are runs of a script.

    Raises:
        ConfigError: What was asked does not fit together, or an extra is missing.
    """
    asked = config.sweep
    if asked.seeds > 1 and any(each.key == SEED for each in dimensions):
        raise ConfigError("--seeds and seed=... exclude each other", hint="one of them")
    if not dimensions and asked.seeds == 1:
        words = f"--script {shlex.quote(script.file)} lr=0.1,0.01" if script else "learning_rate=0.001,0.01"
        raise ConfigError(
            "nothing varies: no setting has several values",
            hint=f"`tbcli sweep {words}`; `--seeds 5` repeats one training, `tbcli train` trains once",
        )
    combinations = _count(config, dimensions)
    config.updated({"train.name": f"{config.train.name}{SUMMARY}"}, {"train.name": "--name, with what trials add,"})
    if combinations * asked.seeds > MOST_TRIALS:
        raise ConfigError(
            f"these are {combinations * asked.seeds:,} trials, at most {MOST_TRIALS:,}",
            hint="`--method random --trials 50` tries 50 of them",
        )
    needs = "--method tpe" if asked.method == "tpe" else f"--prune {asked.prune}" if asked.prune else ""
    if needs and find_spec("optuna") is None:
        raise ConfigError(f"{needs} needs Optuna, which is not installed", hint="pip install 'tbcli[sweep]'")
    if config.train.ray:
        require_ray(config.train.ray)
    if script and asked.prune:
        raise ConfigError("--prune does not work with --script", hint="leave it out")
    goal = goal_of(asked.metric or config.train.monitor, config.direction) if script else settle_goal(config)
    _require_epochs(config, goal)
    return Definition(
        name=config.train.name,
        dimensions=tuple(dimensions),
        method=asked.method,
        combinations=combinations,
        seeds=asked.seeds,
        metric=goal.text,
        sense=goal.sense,
        prune=asked.prune,
        base=with_absolute_paths(config).as_dict(),
        script=script,
        started=utc_text(utc_now()),
    )


def _count(config: Config, dimensions: Sequence[Dimension]) -> int:
    """Return how many combinations of settings are tried."""
    asked, points = config.sweep, points_of(tuple(dimensions))
    if asked.method != "grid":
        count = asked.trials or USUAL_TRIALS
        return min(count, points) if points and asked.method == "random" else count
    for each in dimensions:
        if not each.values:
            text = f"{each.name}={each.low:g}..{each.high:g}"
            raise ConfigError(
                f"a grid needs the points of {text}",
                hint=f"`{text}:{'log:' if each.is_log else ''}5` has 5 points, `--method random` needs none",
            )
    if asked.trials and asked.trials != points:
        raise ConfigError(
            f"--trials {asked.trials} does not go with a grid of {points} combinations",
            hint=f"`--method random --trials {asked.trials}`, or leave --trials out",
        )
    return points


def _require_epochs(config: Config, goal: Goal) -> None:
    """Check that trials can be pruned by the metric: only what is measured after an epoch can be compared in time."""
    from tbcli.naming.tags import TEST

    if config.sweep.prune and goal.metric.startswith(TEST):
        raise ConfigError(
            f"--prune cannot go by {goal.metric!r}: the test set is evaluated once, after training",
            hint="a metric of each epoch, such as `--metric val_loss`",
        )


def told_pruning(definition: Definition) -> str:
    """Return when the median of the others prunes a trial, in words."""
    from tbcli.sweeps.study import FIRST_FINISHED

    if definition.count <= FIRST_FINISHED:
        return f"--prune median prunes none of {definition.count} trials: {FIRST_FINISHED} have to finish before"
    return f"--prune median begins once {FIRST_FINISHED} trials have finished, each time after the second epoch"


def check_trials(definition: Definition, config: Config) -> None:
    """Check every value of what varies as `tbcli train` would, without data and without TensorFlow.

    Raises:
        ConfigError: One is not allowed, also together with the other settings.
        NotFound: Data are not there.
    """
    from tbcli.training.request import check_request

    check_request(config)
    require_arguments(definition.dimensions, config)
    checked = 0
    for each in definition.dimensions:
        for value in each.values or (each.low, each.high):
            checked += 1
            if checked <= _MOST_CHECKED:
                changed: Mapping[str, Value] = {each.key: value}
                check_request(with_params(config, changed, {each.key: each.name}))


def check_data(definition: Definition, config: Config, load: Callable[[DataConfig], Dataset]) -> list[str]:
    """Check the data, and what is asked of them, as `tbcli train` would; without TensorFlow.

    Args:
        definition: The sweep.
        config: Of all trials.
        load: Loads data.

    Returns:
        What could not be checked, a phrase each.

    Raises:
        ConfigError, NotFound, DoesNotFit: A trial could not begin.
    """
    from tbcli.data import SOURCES, needs_keras
    from tbcli.training.request import check_for_data
    from tbcli.usercode import is_reference

    metric = goal_from(definition.metric, definition.sense).metric
    loaded: dict[str, Dataset] = {}
    unchecked: dict[str, None] = {}
    for changed, names in _variants(definition):
        each = with_params(config, changed, names)
        source = each.data.source
        if needs_keras(source) or (source not in SOURCES and is_reference(source)):
            unchecked[f"data {source!r}"] = None
            continue
        data = repr(each.data)
        if data not in loaded:
            if len(loaded) == _MOST_LOADED:
                unchecked[f"more than {_MOST_LOADED} kinds of data"] = None
                continue
            loaded[data] = load(each.data)
        require_measured(metric, each, check_for_data(each, loaded[data]))
    return [*unchecked, "whether each model fits the data"]


def _variants(definition: Definition) -> Iterator[tuple[Mapping[str, Value], Mapping[str, str]]]:
    """Yield settings of trials: all that differ in the data, and of these each other value once."""
    choices = {each.key: each.values or (each.low, each.high) for each in definition.dimensions}
    names = {each.key: each.name for each in definition.dimensions}
    first = {key: values[0] for key, values in choices.items()}
    of_data = [key for key in choices if key.startswith("data.")]
    for chosen in islice(product(*(choices[key] for key in of_data)), _MOST_CHECKED):
        yield {**first, **dict(zip(of_data, chosen, strict=True))}, names
    others = ((key, value) for key, values in choices.items() if key not in of_data for value in values[1:])
    for key, value in islice(others, _MOST_CHECKED):
        yield {**first, key: value}, names


def with_name(definition: Definition, name: str) -> Definition:
    """Return the definition under the name that the sweep was given."""
    return replace(definition, name=name)


def changed_length(definition: Definition, trials: int) -> Definition:
    """Return the definition with another number of combinations to try; 0 leaves it.

    Raises:
        ConfigError: A grid has no other number, or the sweep has fewer than it had.
    """
    if trials in (0, definition.combinations):
        return definition
    points = points_of(definition.dimensions)
    if definition.method != "tpe" and points and trials > points:
        raise ConfigError(
            f"sweep {definition.name!r} has {points} combinations of settings, and no others, got --trials {trials}",
            hint="a new sweep can have other values",
        )
    if trials < definition.combinations:
        raise ConfigError(
            f"sweep {definition.name!r} has {definition.combinations} combinations already, got --trials {trials}",
            hint="`--trials` with a larger number",
        )
    return replace(definition, combinations=trials)
