"""A sweep as it was asked for: kept in ``.tbcli/sweeps/<name>/sweep.json``, and enough to go on with it."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from tbcli.config import PathsConfig
from tbcli.naming.schemas import SWEEP
from tbcli.sweeps.space import Dimension, Value, argument_of, dimension_from

if TYPE_CHECKING:
    from tbcli.config import Config

USUAL_TRIALS = 20
MOST_TRIALS = 100_000
SEED = "train.seed"
EPOCHS = "train.epochs"
SEED_ARGUMENTS = ("seed", "SEED")
"""What a script's trials that differ only in their seed get it as: the first that the script has."""
SUMMARY = "-summary"
"""What stands behind the name of the sweep in that of its summary, and is longer than the number of a trial."""


class Trial(NamedTuple):
    """One training of a sweep.

    Args:
        number: From 0.
        params: The settings that vary, by key.
        seed: Of the training, where trials differ only in it; else None.
    """

    number: int
    params: Mapping[str, Value]
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """Somebody's script, of which each trial is a run.

    Args:
        file: Its path.
        options: The option that an argument stands behind, as ``--batch-size``, by its name; of a constant ``""``.
        fixed: The words with a single value, as typed, by their names.
    """

    file: str
    options: Mapping[str, str]
    fixed: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Return it fit for JSON."""
        return {"file": self.file, "options": dict(self.options), "fixed": dict(self.fixed)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a sweep is; trial N is a function of this and N, unless a sampler chooses.

    Args:
        name: Of the sweep.
        dimensions: What varies.
        method: ``grid``, ``random`` or ``tpe``.
        combinations: How many combinations of settings are tried.
        seeds: Trials of each.
        metric: By which trials are judged, with its selector.
        sense: ``min`` or ``max``, which of its values are better.
        prune: ``median``, ``hyperband`` or ``""``.
        base: The whole configuration of every trial, but for what varies.
        script: Where it is not `tbcli train` that is run.
        started: When it was defined.
    """

    name: str
    dimensions: tuple[Dimension, ...]
    method: str
    combinations: int
    seeds: int
    metric: str
    sense: str
    prune: str = ""
    base: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    script: Script | None = None
    started: str = ""

    @property
    def count(self) -> int:
        """How many trials there are."""
        return self.combinations * self.seeds

    @property
    def is_planned(self) -> bool:
        """Whether all trials are known beforehand."""
        return self.method != "tpe"

    @property
    def most_epochs(self) -> int:
        """The epochs of the longest trial."""
        for each in self.dimensions:
            if each.key == EPOCHS:
                return int(max(map(float, each.values), default=each.high))
        return int(self.base.get("train", {}).get("epochs", 0))

    @property
    def base_seed(self) -> int:
        """The seed of the first of trials that differ only in it; the sampler's too."""
        return int(self.base.get("train", {}).get("seed", 0))

    def config(self, trial: Trial, paths: PathsConfig) -> Config:
        """Return the whole configuration of a trial; what concerns the sweep alone is not in it."""
        from tbcli.config import Config

        flat = flat_settings({name: group for name, group in self.base.items() if name not in ("sweep", "paths")})
        flat |= {f"paths.{name}": getattr(paths, name) for name in ("workspace", "logdir", "plots_dir", "models_dir")}
        flat |= {"train.name": f"{self.name}-{trial.number}", "train.ray": ""}  # which places trials, not their workers
        if trial.seed is not None:
            flat[SEED] = trial.seed
        return with_params(Config().updated(flat), {} if self.script else trial.params)

    def planned(self, number: int) -> Trial:
        """Return a trial of a grid, or of a random search."""
        assert self.is_planned
        params = self._grid(number // self.seeds) if self.method == "grid" else self._drawn(number // self.seeds)
        return Trial(number, params, self.seed_of(number))

    def trials(self) -> Iterator[Trial]:
        """Yield all trials of a grid, or of a random search."""
        return map(self.planned, range(self.count))

    def seed_of(self, number: int) -> int | None:
        """Return the seed of a trial, where trials differ only in it."""
        return self.base_seed + number % self.seeds if self.seeds > 1 else None

    def _grid(self, position: int) -> dict[str, Value]:
        params: dict[str, Value] = {}
        for each in reversed(self.dimensions):  # the last word varies first
            position, index = divmod(position, len(each.values))
            params[each.key] = each.values[index]
        return {each.key: params[each.key] for each in self.dimensions}

    def _drawn(self, position: int) -> dict[str, Value]:
        size = points_of(self.dimensions)
        if size and self.combinations <= size <= MOST_TRIALS:  # none of them twice
            return self._grid(_shuffled(self.base_seed, size)[position])
        source = random.Random(f"{self.base_seed}/{position}")  # noqa: S311 - no secret
        return {each.key: each.sample(source) for each in self.dimensions}

    def as_dict(self) -> dict[str, Any]:
        """Return it fit for JSON."""
        script = self.script
        return {
            "schema": SWEEP,
            "name": self.name,
            "started": self.started,
            "method": self.method,
            "combinations": self.combinations,
            "seeds": self.seeds,
            "metric": self.metric,
            "sense": self.sense,
            "prune": self.prune,
            "space": {each.key: each.as_dict() for each in self.dimensions},
            "script": script.as_dict() if script else None,
            "config": self.base,
        }


def definition_from(kept: Mapping[str, Any]) -> Definition:
    """Return what `Definition.as_dict` made JSON of; an error of any kind is raised where it is none."""
    script = kept["script"]
    return Definition(
        name=str(kept["name"]),
        dimensions=tuple(dimension_from(key, each) for key, each in kept["space"].items()),
        method=kept["method"],
        combinations=int(kept["combinations"]),
        seeds=int(kept["seeds"]),
        metric=kept["metric"],
        sense=kept["sense"],
        prune=kept["prune"],
        base=kept["config"],
        script=Script(**script) if script else None,
        started=str(kept["started"]),
    )


def flat_settings(sections: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the settings of sections by their keys."""
    return {f"{section}.{name}": value for section, group in sections.items() for name, value in group.items()}


def with_params(config: Config, params: Mapping[str, Value], typed: Mapping[str, str] | None = None) -> Config:
    """Return the configuration of a trial: what varies put into that of all trials.

    Args:
        config: Of all trials.
        params: What varies; an argument takes the place of one of its name in the list of all.
        typed: What the user wrote for a key, which errors then name.

    Raises:
        ConfigError: A value is not allowed.
    """
    changed: dict[str, Any] = {}
    names = dict(typed or {})
    for key, value in params.items():
        setting, name = argument_of(key)
        if setting:
            kept = changed.get(setting, config.value(setting))
            others = (pair for pair in kept if pair.partition("=")[0].strip() != name)
            changed[setting] = (*others, f"{name}={value if isinstance(value, str) else repr(value)}")
            names[setting] = names.get(key, setting)
        else:
            changed[key] = value
    return config.updated(changed, names)


@lru_cache(maxsize=1)
def _shuffled(seed: int, size: int) -> list[int]:
    """Return all numbers below a size in a random order; a sweep that is made longer goes on in it."""
    numbers = list(range(size))
    random.Random(f"{seed}").shuffle(numbers)  # noqa: S311 - no secret
    return numbers


def points_of(dimensions: tuple[Dimension, ...]) -> int:
    """Return how many combinations there are; 0 where a range has no points."""
    return math.prod(len(each.values) for each in dimensions)
