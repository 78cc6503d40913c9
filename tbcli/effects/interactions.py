"""Pairs of settings that do together what neither does alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from tbcli.effects.factors import Factor
from tbcli.effects.levels import levels_of
from tbcli.effects.permutations import LEAST_REST, Permutations, share_at_least
from tbcli.effects.screening import ALPHA, FAMILIES
from tbcli.effects.spaces import Floats, orthonormal, without

STRICT = 0.02
"""The p, corrected for the number of pairs, from which a pair that nobody asked for is named."""
_POWERS = 2
LEAST_FOR_PAIRS = 12  # runs
_MOST_FACTORS = 12  # of which all pairs are looked at; of more those with a setting that has an effect


class PairCell(NamedTuple):
    """The metric where two settings have given values.

    Args:
        one: The value of the first setting.
        other: The value of the second one.
        n: How many points have both.
        mean: Of the metric; None without points.
    """

    one: str
    other: str
    n: int
    mean: float | None


class Interaction(NamedTuple):
    """Two settings together.

    Args:
        one: The first setting.
        other: The second one.
        share: Of the variance that they explain together beyond what each does alone.
        p: Of the permutation test, corrected for the number of pairs; None where there were too few runs.
        cells: The metric at each pair of values.
    """

    one: str
    other: str
    share: float
    p: float | None
    cells: tuple[PairCell, ...]

    @property
    def verdict(self) -> str:
        """``effect``, ``noise`` or ``cannot tell``."""
        return "cannot tell" if self.p is None else "effect" if self.p <= ALPHA else "noise"

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "settings": [self.one, self.other],
            "share": self.share,
            "p": self.p,
            "verdict": self.verdict,
            "cells": [cell._asdict() for cell in self.cells],
        }


def untold(one: Factor, other: Factor, y: Floats) -> Interaction:
    """Return two settings of which too few runs tell what they do together."""
    return Interaction(one.name, other.name, 0.0, None, tuple(_cells(one, other, y)))


def interaction_by(one: Factor, other: Factor, y: Floats, share: float, p: float) -> Interaction:
    """Return what a test says two settings do together."""
    return Interaction(one.name, other.name, share, p, tuple(_cells(one, other, y)))


def interaction_of(
    one: Factor, other: Factor, y: Floats, given: Floats, permutations: Permutations, scale: float, least_p: float
) -> Interaction:
    """Return what two settings do together beyond what is given and what each does alone.

    Args:
        one: A setting.
        other: Another one.
        y: The metric ``[n]``.
        given: Orthonormal columns of the settings that have an effect.
        permutations: Of the metric.
        scale: By which shares of the variance of points become shares of that of runs.
        least_p: What the number of pairs that were looked at makes of it at least.
    """
    alone = _with(given, one.block(), other.block())
    block = orthonormal(_products(one.block(_POWERS), other.block(_POWERS)), alone)
    freedom = len(y) - alone.shape[1] - block.shape[1]
    if not block.shape[1] or freedom < LEAST_REST:
        return untold(one, other, y)
    ours, chance = permutations.strengths([block], alone, by_ranks=False)
    p = max(least_p, FAMILIES * float(share_at_least(chance[:, 0], ours)[0]))
    if p <= ALPHA:
        p = max(p, FAMILIES * permutations.p_whatever_the_spread(block, alone, by_ranks=False))
    share = scale * explained_share(y, block, alone)
    return Interaction(one.name, other.name, share, min(1.0, p), tuple(_cells(one, other, y)))


def explained_share(y: Floats, block: Floats, given: Floats) -> float:
    """Return the share of the variance that columns explain beyond others, less what chance would: 0 to 1.

    Args:
        y: What is explained ``[n]``.
        block: Orthonormal columns, and orthogonal to `given`.
        given: Orthonormal columns with the constant among them.
    """
    total = float(((y - y.mean()) ** 2).sum())
    explained = float(((block.T @ y) ** 2).sum())
    freedom = int(len(y) - given.shape[1] - block.shape[1])
    if not total or freedom < 1:
        return 0.0
    rest = max(0.0, float((without(y, given) ** 2).sum()) - explained) / freedom
    return min(1.0, max(0.0, (explained - int(block.shape[1]) * rest) / total))


def p_of_pairs(
    factors: Sequence[Factor], chosen: Sequence[int], given: Floats, permutations: Permutations
) -> dict[tuple[int, int], float]:
    """Return how often chance does as well with any pair, whatever each does alone, by the positions of the pairs.

    The strongest pair is the first.
    """
    blocks, alone_of = {}, [factor.block(_POWERS) for factor in factors]
    for one, other in combinations(range(len(factors)), 2):
        if len(factors) > _MOST_FACTORS and not {one, other} & set(chosen):
            continue
        alone = _with(given, alone_of[one], alone_of[other])
        block = orthonormal(_products(alone_of[one], alone_of[other]), alone)
        if block.shape[1] and len(block) - alone.shape[1] - block.shape[1] >= 2 * LEAST_REST:
            blocks[one, other] = block
    if not blocks:
        return {}
    ours, chance = permutations.strengths(list(blocks.values()), given, by_ranks=False)
    # The strongest of all pairs in a random order is what each has to beat.
    p = np.minimum(1.0, FAMILIES * share_at_least(chance.max(axis=1), ours))
    pairs = list(blocks)
    return {pairs[place]: float(p[place]) for place in np.argsort(-ours, kind="stable")}


def space_with(one: Factor, other: Factor, given: Floats) -> Floats:
    """Return the space of what is given, of two settings, and of what these do together."""
    return _with(given, one.block(), other.block(), _products(one.block(_POWERS), other.block(_POWERS)))


def _with(given: Floats, *blocks: Floats) -> Floats:
    return np.column_stack([given, orthonormal(np.column_stack(blocks), given)])


def _products(ours: Floats, theirs: Floats) -> Floats:
    products: Floats = (ours[:, :, np.newaxis] * theirs[:, np.newaxis, :]).reshape(len(ours), -1)
    return products


def _cells(one: Factor, other: Factor, y: Floats) -> list[PairCell]:
    cells = []
    for ours, having in levels_of(one, y):
        for theirs, besides in levels_of(other, y):
            values = y[having & besides]
            cells.append(PairCell(ours.text, theirs.text, len(values), float(values.mean()) if len(values) else None))
    return cells
