"""Full grids with several seeds: settings and pairs against the noise between seeds, whatever the others do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tbcli.effects.factors import Factor
from tbcli.effects.permutations import LEAST_REST, normal_scores
from tbcli.effects.replicates import Observations, grid_axes, host_of
from tbcli.effects.screening import ALPHA, FAMILIES
from tbcli.effects.spaces import Floats, orthonormal
from tbcli.welch import p_of_f

Term = tuple[int, ...]
"""The position of a setting, or those of a pair."""
_POWERS = 2  # of a number, in a pair
_ROUNDING = 1e-18  # of the sum of squares
_WILD = 0.25  # share of the degrees of freedom of the noise that count if some configurations have nearly all of it


@dataclass(frozen=True, slots=True)
class GridTests:
    """What the noise between seeds says; made by `tests_of`.

    Args:
        p: Of each setting and pair, corrected for how many there are; what follows from another setting has its p.
        axes: The positions of the settings that make the grid.
        shares: Of the variance over runs that each explains, less what chance would.
        deviation: Standard deviation of runs that differ only in their seed.
    """

    p: dict[Term, float]
    axes: tuple[int, ...]
    shares: dict[Term, float]
    deviation: float


@dataclass(frozen=True, slots=True)
class _Cells:
    """The runs of each configuration, as numbers."""

    means: Floats
    within: Floats
    sizes: Floats

    @classmethod
    def of(cls, y: Floats, members: Sequence[Sequence[int]]) -> _Cells:
        groups = [y[list(places)] for places in members]
        means = np.array([group.mean() for group in groups])
        within = np.array([((group - mean) ** 2).sum() for group, mean in zip(groups, means, strict=True)])
        return cls(means, within, np.array([float(len(group)) for group in groups]))

    @property
    def freedom(self) -> int:
        return int(self.sizes.sum()) - len(self.sizes)

    @property
    def error(self) -> float:
        return float(self.within.sum()) / self.freedom


def tests_of(points: Observations, factors: Sequence[Factor]) -> GridTests | None:
    """Return what the noise between seeds says of each setting and pair, None where the runs are no full grid of them.

    A large effect of one setting is no noise for another here, and neither is what two do together. The F test takes
    the noise to be the same everywhere; what it finds has to stand where the noise goes with a setting (the ANOVA-type
    statistic of Brunner, Dette and Munk). Where a few configurations have nearly all of the noise the ranks are tested.

    Args:
        points: The runs, each a point of its own.
        factors: The settings, no two of which divide the runs alike.
    """
    members = points.configurations
    cells = _Cells.of(points.y, members)
    if len(cells.means) == len(points.y) or cells.freedom < max(LEAST_REST, len(members) / 2):
        return None
    total = float(((points.y - points.y.mean()) ** 2).sum())
    first = [places[0] for places in members]
    axes = grid_axes(factors, first)
    if not axes or cells.within.sum() <= _ROUNDING * total:
        return None
    contrasts = _contrasts(factors, axes, first)
    tested = _Cells.of(normal_scores(points.y), members) if _is_wild(cells) else cells
    p = _corrected({term: _p(tested, columns) for term, columns in contrasts.items()})
    for term, found in p.items():
        if found <= ALPHA:
            levels = [factors[place].codes[first] for place in axes]
            robust = max(_p_whatever_the_spread(tested, contrasts[term], each) for each in levels)
            p[term] = max(found, min(1.0, FAMILIES * robust) if len(axes) > 1 else robust)
    shares = {
        term: max(0.0, _explained(cells, columns) - columns.shape[1] * cells.error) / total
        for term, columns in contrasts.items()
    }
    for place in set(range(len(factors))) - set(axes):
        if (host := host_of(place, axes, factors)) is not None:
            p[place,] = p[host,]
    return GridTests(p, tuple(axes), shares, math.sqrt(cells.error))


def _contrasts(factors: Sequence[Factor], axes: Sequence[int], first: list[int]) -> dict[Term, Floats]:
    """Return orthonormal columns over the configurations; those of different terms are orthogonal, as in any grid."""
    constant = np.full((len(first), 1), len(first) ** -0.5)
    found: dict[Term, Floats] = {(place,): orthonormal(factors[place].block()[first], constant) for place in axes}
    few = {place: orthonormal(factors[place].block(_POWERS)[first], constant) for place in axes}
    for one, other in combinations(axes, 2):
        products = few[one][:, :, np.newaxis] * few[other][:, np.newaxis, :]
        found[one, other] = orthonormal(products.reshape(len(first), -1))
    return found


def _is_wild(cells: _Cells) -> bool:
    counted = cells.within.sum() ** 2 / (cells.within**2 / np.maximum(1, cells.sizes - 1)).sum()
    return bool(counted < _WILD * cells.freedom)


def _explained(cells: _Cells, columns: Floats) -> float:
    """Return the sum of squares over runs by which the means of the configurations follow some columns."""
    found = columns.T @ cells.means
    spread = columns.T @ (columns / cells.sizes[:, np.newaxis])
    return float(found @ np.linalg.solve(spread, found))


def _p(cells: _Cells, columns: Floats) -> float:
    size = columns.shape[1]
    if not cells.error:
        return 1.0  # ranks have lost what noise there is
    return p_of_f(_explained(cells, columns) / size / cells.error, size, cells.freedom)


def _p_whatever_the_spread(cells: _Cells, columns: Floats, levels: np.ndarray) -> float:
    """Return the p of some columns where the noise may be another at each level of a setting.

    Args:
        cells: The configurations.
        columns: Orthonormal over these.
        levels: Of the setting, that each configuration has.
    """
    same = (levels[:, np.newaxis] == np.unique(levels)).astype(float)
    freedoms = np.maximum(1e-9, (cells.sizes - 1) @ same)
    projection = columns @ columns.T
    spread = same @ ((cells.within @ same) / freedoms) / cells.sizes
    product, own = projection * spread, np.diag(projection) * spread
    trace = float(own.sum())
    if not trace:
        return 1.0
    size = trace**2 / float((product * product.T).sum())
    freedom = trace**2 / float(((own @ same) ** 2 / freedoms).sum())
    return p_of_f(float(cells.means @ projection @ cells.means) / trace, size, freedom)


def _corrected(p: dict[Term, float]) -> dict[Term, float]:
    """Return p values as large as their number demands (Holm)."""
    found, largest = dict(p), 0.0
    for rank, term in enumerate(sorted(p, key=lambda one: p[one])):
        largest = max(largest, min(1.0, (len(p) - rank) * p[term]))
        found[term] = largest
    return found
