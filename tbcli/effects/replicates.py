"""Runs that differ only in their seed: how far chance alone throws them apart, and their means as single points."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tbcli.effects.spaces import Floats
from tbcli.grouping import is_seed
from tbcli.naming.group_labels import text_of

LEAST_POINTS = 8  # from which the means of replicates stand for their runs


class SeedNoise(NamedTuple):
    """What the seed alone does.

    Args:
        deviation: Standard deviation of runs that differ only in their seed, over all such groups.
        freedom: Its degrees of freedom.
        groups: How many groups of at least two there are.
        runs: How many runs are in them.
    """

    deviation: float
    freedom: int
    groups: int
    runs: int

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return self._asdict()


@dataclass(frozen=True, slots=True)
class Observations:
    """Runs as independent points.

    Args:
        rows: The settings of each point.
        y: Its value, a mean where it is of several runs ``[n]``.
        members: The positions of its runs.
        repeats: How many runs repeat another one, seed and all, and were averaged with it.
        noise: Of the seeds; None where no two runs differ only in theirs.
        within: Sum of the squared distances of runs from the mean of their point.
    """

    rows: tuple[Mapping[str, Any], ...]
    y: Floats
    members: tuple[tuple[int, ...], ...]
    repeats: int
    noise: SeedNoise | None
    within: float


def observations_of(rows: Sequence[Mapping[str, Any]], values: Sequence[float], keys: Sequence[str]) -> Observations:
    """Return runs as points: repeats of a run as one, and seeds as one where there are enough other settings.

    Runs that share all settings share whatever these do together, so that many seeds of few settings would pass for
    many settings. Of a full grid, and of a single setting, this is no danger: there each seed counts.

    Args:
        rows: The settings of each run.
        values: The metric.
        keys: The settings that vary.
    """
    y = np.array(values)
    seeds = [key for key in dict.fromkeys(key for row in rows for key in row) if is_seed(key)]
    seeded = [any(row.get(key) is not None for key in seeds) for row in rows]
    # Runs that tell no seed are taken to have different ones.
    own = _gathered([(_identity(row, keys), None if seeded[i] else i) for i, row in enumerate(rows)])
    y_of = np.array([y[list(members)].mean() for members in own])
    without_seed = [key for key in keys if not is_seed(key)]
    alike = _gathered([_identity(rows[members[0]], without_seed) for members in own])
    noise, within = _noise(y_of, alike)
    repeats = len(rows) - len(own)
    if len(alike) == len(own) or not _are_means_needed(rows, own, alike, without_seed):
        points = own
    else:
        points = [tuple(run for one in group for run in own[one]) for group in alike]
        means = np.array([y_of[list(group)].mean() for group in alike])
        return Observations(tuple(rows[runs[0]] for runs in points), means, tuple(points), repeats, noise, within)
    return Observations(tuple(rows[runs[0]] for runs in points), y_of, tuple(points), repeats, noise, 0.0)


def _identity(row: Mapping[str, Any], keys: Sequence[str]) -> Hashable:
    return tuple(None if (value := row.get(key)) is None else text_of(value) for key in keys)


def _gathered(names: Sequence[Hashable]) -> list[tuple[int, ...]]:
    groups: dict[Hashable, list[int]] = {}
    for position, name in enumerate(names):
        groups.setdefault(name, []).append(position)
    return [tuple(group) for group in groups.values()]


def _noise(y: Floats, groups: Sequence[Sequence[int]]) -> tuple[SeedNoise | None, float]:
    several = [y[list(group)] for group in groups if len(group) > 1]
    within = float(sum(((values - values.mean()) ** 2).sum() for values in several))
    freedom = sum(len(values) - 1 for values in several)
    if not freedom:
        return None, 0.0
    runs = sum(map(len, several))
    return SeedNoise(math.sqrt(within / freedom), freedom, len(several), runs), within


def _are_means_needed(
    rows: Sequence[Mapping[str, Any]],
    own: Sequence[Sequence[int]],
    alike: Sequence[Sequence[int]],
    keys: Sequence[str],
) -> bool:
    if len(alike) >= LEAST_POINTS:
        return True
    # Settings that part the configurations alike are one; one of which each has a value of its own (`model.args` beside
    # the arguments in it) is what the others make together.
    partitions = {_partition([rows[own[group[0]][0]].get(key) for group in alike]) for key in keys}
    sizes = [len(set(partition)) for partition in partitions]
    varying = [size for size in sizes if 1 < size < len(alike)]
    is_grid = math.prod(varying) == len(alike)
    return not (is_grid or (not varying and len(alike) in sizes))


def _partition(values: Sequence[Any]) -> tuple[int, ...]:
    """Return which values are the same, whatever they are."""
    first: dict[Hashable, int] = {}
    return tuple(first.setdefault(_identity({"": value}, [""]), len(first)) for value in values)
