"""A metric in random orders of the runs, and how strongly settings show in these."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tbcli.effects.spaces import Floats, orthonormal, without

PERMUTATIONS = 999
LEAST_REST = 3  # degrees of freedom that tell what noise is
_FEW, _MOST_ORDERS = 8, 50_000  # runs, all orders of which are looked at
_MOST_ARRANGEMENTS = 5_000  # of more runs among configurations
_MOST_EXCHANGED = 600_000  # values that are put in random orders at once
_ALONE = 1e-6  # of a run that is left when all others are fitted


class Beside(NamedTuple):
    """Settings, each beside all others.

    Args:
        space: Of all of them.
        blocks: What each holds that the others do not.
    """

    space: Floats
    blocks: list[Floats]


class Permutations:
    """The responses of runs in random orders, and what a random order makes of a statistic.

    Args:
        y: A metric ``[n]``.
        seed: Of the orders.
        most: How many, less for thousands of runs; all of them where runs can be dealt out to configurations in few
            ways.
        kinds: The configuration of each run; None if each has its own.
        orders: Those of other responses of as many runs, in place of new ones.
    """

    def __init__(
        self,
        y: Floats,
        *,
        seed: int = 0,
        most: int = PERMUTATIONS,
        kinds: np.ndarray | None = None,
        orders: np.ndarray | None = None,
    ) -> None:
        kinds = np.arange(len(y)) if kinds is None else kinds
        count = min(most, max(199, _MOST_EXCHANGED // len(y)))
        self._orders = _orders(kinds, count, seed) if orders is None else orders
        # One outlier hides an effect from the values, never from their ranks; what either shows counts.
        self._responses = [y, normal_scores(y)]

    def of(self, y: Floats) -> Permutations:
        """Return another response of the same runs in the same orders."""
        return Permutations(y, orders=self._orders)

    def strengths(
        self,
        blocks: Sequence[Floats],
        given: Floats,
        *,
        by_ranks: bool = True,
        beside: Beside | None = None,
    ) -> tuple[Floats, Floats]:
        """Return how much each block explains beyond what is given: ``[k]`` of the runs, ``[count, k]`` by chance.

        Residuals of what is given are exchanged (Freedman and Lane).

        Args:
            blocks: Orthonormal columns, and orthogonal to `given`.
            given: Orthonormal columns.
            by_ranks: Not for pairs: ranks of what two settings add up to do not add up.
            beside: Each block beside all others: what stands out only there counts, too.
        """
        found = [self._strengths(response, blocks, given, beside) for response in self._told(by_ranks=by_ranks)]
        ours, chance = zip(*found, strict=True)
        return np.max(ours, axis=0), np.max(chance, axis=0)

    def _told(self, *, by_ranks: bool) -> list[Floats]:
        return self._responses if by_ranks else self._responses[:1]

    def _strengths(
        self, response: Floats, blocks: Sequence[Floats], given: Floats, beside: Beside | None
    ) -> tuple[Floats, Floats]:
        rest = without(response, given)
        exchanged = np.vstack([rest, rest[self._orders]])
        squares = (exchanged**2).sum(axis=1)
        total = squares - ((exchanged @ given) ** 2).sum(axis=1)
        score = _scores(exchanged, blocks, total, given.shape[1])
        if beside is not None:
            noise = squares - ((exchanged @ beside.space) ** 2).sum(axis=1)
            fitting = [place for place, block in enumerate(beside.blocks) if block.shape[1]]
            found = _scores(
                exchanged, [beside.blocks[one] for one in fitting], noise, beside.space.shape[1], apart=True
            )
            score[:, fitting] = np.maximum(score[:, fitting], found)
        return score[0], score[1:]

    def p_whatever_the_spread(self, block: Floats, given: Floats, *, by_ranks: bool = True) -> float:
        """Return the p of one block beyond what is given, where the metric may spread otherwise at each value.

        Mean squares that are pooled take a rare value at which the metric spreads widely for one that moves it. Here
        each run tells the error around itself (a Wald statistic with consistent errors).
        """
        rest = orthonormal(block, given)
        if not rest.shape[1]:
            return np.nan
        found = np.max([self._robust(response, rest, given) for response in self._told(by_ranks=by_ranks)], axis=0)
        return float(share_at_least(found[1:], found[:1])[0])

    def _robust(self, response: Floats, block: Floats, given: Floats) -> Floats:
        """Return the statistic of the runs as they are, and in each order ``[1 + count]``."""
        rest = without(response, given)
        exchanged = np.vstack([rest, rest[self._orders]])
        exchanged -= (exchanged @ given) @ given.T
        slopes = exchanged @ block
        own = 1 - (given**2).sum(axis=1) - (block**2).sum(axis=1)
        errors = (exchanged - slopes @ block.T) ** 2 / np.maximum(own, 1e-9)
        alone = own < _ALONE
        errors[:, alone] = exchanged[:, alone] ** 2  # a run that is fitted exactly tells nothing of its error
        size = block.shape[1]
        products = (block[:, :, np.newaxis] * block[:, np.newaxis, :]).reshape(len(block), -1)
        spread = (errors @ products).reshape(-1, size, size)
        scale = np.maximum(np.trace(spread, axis1=1, axis2=2), 1e-300)
        spread = spread + (1e-9 * scale)[:, np.newaxis, np.newaxis] * np.eye(size)
        found: Floats = (slopes * np.linalg.solve(spread, slopes[:, :, np.newaxis])[:, :, 0]).sum(axis=1)
        return found

    def p_alone(self, block: Floats, given: Floats) -> float:
        """Return the p of one block beyond what is given, not corrected."""
        rest = orthonormal(block, given)
        if not rest.shape[1] or len(rest) - given.shape[1] - rest.shape[1] < LEAST_REST:
            return np.nan
        ours, chance = self.strengths([rest], given)
        return float(share_at_least(chance[:, 0], ours)[0])


def ways_to_deal(sizes: Sequence[int]) -> float:
    """Return the logarithm of the number of ways to deal out runs to groups of these sizes."""
    return math.lgamma(sum(sizes) + 1) - sum(math.lgamma(size + 1) for size in sizes)


def _orders(kinds: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return orders of runs other than the one that they have: all that tell configurations apart, or some."""
    runs, sizes = len(kinds), np.unique(kinds, return_counts=True)[1].tolist()
    most = _MOST_ORDERS if runs <= _FEW else max(count, min(_MOST_ARRANGEMENTS, _MOST_EXCHANGED // runs))
    if ways_to_deal(sizes) <= math.log(most):
        return all_orders(kinds)
    found: np.ndarray = np.random.default_rng(seed).permuted(np.tile(np.arange(runs), (count, 1)), axis=1)
    return found


def all_orders(kinds: np.ndarray) -> np.ndarray:
    """Return one order for each other way to deal out the runs to their configurations."""
    dealt = np.full((1, len(kinds)), -1)
    for kind, size in zip(*np.unique(kinds, return_counts=True), strict=True):
        free = np.argsort(dealt >= 0, axis=1, kind="stable")[:, : int((dealt[0] < 0).sum())]
        taken = np.array(list(itertools.combinations(range(free.shape[1]), int(size))))
        places = free[:, taken].reshape(-1, int(size))
        dealt = np.repeat(dealt, len(taken), axis=0)
        np.put_along_axis(dealt, places, kind, axis=1)
    dealt = dealt[(dealt != kinds).any(axis=1)]
    orders: np.ndarray = np.empty_like(dealt)
    orders[:, np.argsort(kinds, kind="stable")] = np.argsort(dealt, axis=1, kind="stable")
    return orders


def _scores(exchanged: Floats, blocks: Sequence[Floats], noise: Floats, given: int, *, apart: bool = False) -> Floats:
    """Return F statistics on one scale ``[orders, k]``.

    Args:
        exchanged: Responses ``[orders, n]``.
        blocks: Orthonormal columns.
        noise: Sum of squares of each response that the blocks do not explain, or that includes what they do.
        given: Columns that have been fitted.
        apart: Whether the noise is apart from what the blocks explain, and their columns are among those fitted.
    """
    if not blocks:
        return np.empty((len(exchanged), 0))
    sizes = np.array([block.shape[1] for block in blocks])
    squares = (exchanged @ np.column_stack(blocks)) ** 2
    explained = np.add.reduceat(squares, np.cumsum([0, *sizes[:-1]]), axis=1)
    total = noise[:, np.newaxis] + (explained if apart else 0.0)
    return _as_normal(explained, total, sizes, np.asarray(exchanged.shape[1] - given - (0 if apart else sizes)))


def share_at_least(chance: Floats, ours: Floats) -> Floats:
    """Return how often chance does at least as well ``[k]``; the runs as they are count as one of the orders."""
    ordered = np.sort(chance)
    beaten = np.searchsorted(ordered, ours - 1e-9 * np.abs(ours), side="left")
    return (1 + len(ordered) - beaten) / (1 + len(ordered))


def _as_normal(explained: Floats, total: Floats, size: np.ndarray, freedom: np.ndarray) -> Floats:
    """Return F statistics on one scale, whatever their degrees of freedom (Paulson's approximation)."""
    rest = np.maximum(total - explained, 1e-12 * np.maximum(total, 1e-300))
    root = np.cbrt(explained / size / (rest / freedom))
    ours, theirs = 2 / (9 * size), 2 / (9 * freedom)
    score: Floats = ((1 - theirs) * root - (1 - ours)) / np.sqrt(theirs * root**2 + ours)
    return score


def normal_scores(y: Floats) -> Floats:
    """Return what each rank would be worth among normal values (approximately); equal values share their ranks."""
    _, places, counts = np.unique(y, return_inverse=True, return_counts=True)
    share = (np.cumsum(counts) - counts / 2)[places] / len(y)
    # Tukey's lambda with 0.14 is the normal distribution for this purpose.
    return (share**0.14 - (1 - share) ** 0.14) / 0.1975
