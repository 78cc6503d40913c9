"""Runs that differ only in their seed: how far chance alone throws them apart, and their means as single points."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tbcli.effects.factors import Factor, confounded, factors_of
from tbcli.effects.spaces import Floats
from tbcli.grouping import is_seed
from tbcli.naming.group_labels import text_of


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
        configurations: The positions of the points that differ only in their seed.
        repeats: How many runs repeat another one, seed and all, and were averaged with it.
        noise: Of the seeds; None where no two runs differ only in theirs.
        within: Sum of the squared distances of runs from the mean of their point.
    """

    rows: tuple[Mapping[str, Any], ...]
    y: Floats
    members: tuple[tuple[int, ...], ...]
    configurations: tuple[tuple[int, ...], ...]
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
    seeds = [key for key in dict.fromkeys(key for row in rows for key in row) if is_seed(key)]
    seeded = [any(row.get(key) is not None for key in seeds) for row in rows]
    # Runs that tell no seed are taken to have different ones.
    own = _gathered([(_identity(row, keys), None if seeded[i] else i) for i, row in enumerate(rows)])
    units = _in_order([_Point((group,), rows, values) for group in own])
    without_seed = [key for key in keys if not is_seed(key)]
    alike = _gathered([_identity(unit.row, without_seed) for unit in units])
    noise, within = _noise(np.array([unit.y for unit in units]), alike)
    points, configurations = units, alike
    if len(alike) < len(units) and not _is_grid(units, without_seed, alike):
        points = _in_order([_Point(tuple(units[one].groups[0] for one in group), rows, values) for group in alike])
        configurations = [(place,) for place in range(len(points))]
    return Observations(
        tuple(point.row for point in points),
        np.array([point.y for point in points]),
        tuple(tuple(run for group in point.groups for run in group) for point in points),
        tuple(configurations),
        len(rows) - len(units),
        noise,
        within if points is not units else 0.0,
    )


class _Point:
    """Runs as one: groups of those that repeat one another.

    Args:
        groups: The positions of the runs.
        rows: The settings of all runs.
        values: The metric of all runs.
    """

    def __init__(
        self, groups: tuple[tuple[int, ...], ...], rows: Sequence[Mapping[str, Any]], values: Sequence[float]
    ) -> None:
        self.groups, self.row = groups, rows[groups[0][0]]
        self.y = float(np.mean([np.mean([values[run] for run in group]) for group in groups]))


def _in_order(points: Sequence[_Point]) -> list[_Point]:
    """Return points by their values and settings, so that the order in which runs are named changes nothing."""
    return sorted(points, key=lambda point: (point.y, repr(sorted(point.row.items(), key=lambda item: item[0]))))


def _is_grid(units: Sequence[_Point], keys: Sequence[str], alike: Sequence[Sequence[int]]) -> bool:
    factors = [group[0] for group in confounded(factors_of([unit.row for unit in units], keys))]
    return bool(grid_axes(factors, [group[0] for group in alike]))


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


def host_of(place: int, axes: Sequence[int], factors: Sequence[Factor]) -> int | None:
    """Return the position of a setting from whose values those of another follow, None where there is none."""
    codes = factors[place].codes
    for one in axes:
        pairs = len(set(zip(factors[one].codes.tolist(), codes.tolist(), strict=True)))
        if one != place and pairs == len(np.unique(factors[one].codes)):
            return one
    return None


def grid_axes(factors: Sequence[Factor], first: Sequence[int]) -> list[int]:
    """Return the positions of the settings that make a full grid of the configurations, none if these are no grid.

    A text of its own in each of them (`model.args` beside the arguments in it) is what the others make together. What
    follows from another setting is none of its own.

    Args:
        factors: The settings, no two of which divide the runs alike.
        first: The position of one run of each configuration.
    """
    sizes = [len(set(factor.codes[list(first)].tolist())) for factor in factors]
    axes = [place for place, size in enumerate(sizes) if size < len(first) or factors[place].is_number]
    shared = [place for place in axes if sizes[place] < len(first)]  # of a value of its own everything follows
    axes = [place for place in axes if host_of(place, shared, factors) is None]
    axes = axes or list(range(len(factors)))[:1]
    if math.prod(sizes[place] for place in axes) != len(first) or any(factors[place].condition for place in axes):
        return []
    found = {tuple(int(factors[place].codes[run]) for place in axes) for run in first}
    return axes if len(found) == len(first) else []
