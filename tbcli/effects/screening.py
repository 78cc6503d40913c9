"""Which settings a metric follows by more than noise: permutation tests, corrected for how many settings there are."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from tbcli.effects.permutations import LEAST_REST, Beside, Permutations, share_at_least
from tbcli.effects.spaces import Floats, likeness, orthonormal, without

ALPHA = 0.05
FAMILIES = 2
"""Of tests: those of settings and those of pairs, which share the one error in twenty."""
_FEW = 60  # runs, among which the effects of others are much of the noise
_NOTHING = 1e-18  # of the variance: rounding
_SIMILAR = 0.3  # squared correlation from which one setting may stand in for another


@dataclass(slots=True)
class Screening:
    """What the tests said; made by `screen`.

    Args:
        chosen: Positions of the settings that the metric follows, the strongest first.
        p: Of each setting ``[k]``, corrected for the number of settings; NaN where it could not be tested.
        alike: ``{position: positions}`` of settings that cannot be told from one another, or from those chosen.
    """

    chosen: list[int]
    p: Floats
    alike: dict[int, list[int]] = field(default_factory=dict)


def screen(
    y: Floats,
    blocks: Sequence[Floats],
    able: Collection[int],
    permutations: Permutations,
    families: int = 1,
    floors: Floats | None = None,
) -> Screening:
    """Choose settings one after the other, the strongest first, as long as chance seldom does as well with any.

    Each is judged beside those chosen before. The strength of the best of all settings in a random order is what a
    setting has to beat, so one data set in twenty without effects shows one, however many settings it has. It has to
    stand as well where the metric spreads more at some values than at others.

    Args:
        y: A metric ``[n]``.
        blocks: Orthonormal columns of each setting ``[n, d]``.
        able: Positions of the settings that can be tested.
        permutations: Of ``y``.
        families: Among how many families of tests the error of one in twenty is divided.
        floors: Below what the p of each setting cannot be, however many orders are looked at.
    """
    start = np.full((len(y), 1), len(y) ** -0.5)
    found, given = Screening([], np.full(len(blocks), np.nan)), start
    together = _beside(blocks, able, start)
    total, reached, refused = float(((y - y.mean()) ** 2).sum()), 0.0, set[int]()
    while True:
        rests = {one: orthonormal(blocks[one], given) for one in sorted(set(able) - set(found.chosen) - refused)}
        fitting = [one for one, rest in rests.items() if rest.shape[1] and _has_room(rest, given)]
        if not float((without(y, given) ** 2).sum()) > _NOTHING * total:  # all is explained: the others do nothing
            found.p[[one for one in rests if one not in found.chosen]] = 1.0
            break
        if not fitting:
            break
        beside = together and Beside(together.space, [together.blocks[one] for one in fitting])
        ours, chance = permutations.strengths([rests[one] for one in fitting], given, beside=beside)
        by_chance = families * share_at_least(chance.max(axis=1), ours)
        if (
            found.chosen and len(y) <= _FEW
        ):  # residuals of few runs are not quite exchangeable, those of ranks even less
            plain, _ = permutations.strengths([rests[one] for one in fitting], given, by_ranks=False)
            by_chance = np.maximum(by_chance, families * len(fitting) * np.vectorize(_above)(plain))
        if floors is not None:
            by_chance = np.maximum(by_chance, families * floors[fitting])
        found.p[fitting] = np.minimum(1.0, np.maximum(reached, by_chance))
        best = fitting[int(ours.argmax())]
        if found.p[best] > ALPHA:
            break
        robust = min(1.0, families * _robust_p(best, blocks, able, given, permutations, is_beside=together is not None))
        if robust > ALPHA:
            found.p[best] = robust
            refused.add(best)
            continue
        found.chosen.append(best)
        reached, given = float(found.p[best]), np.column_stack([given, rests[best]])
    _tell_alike(found, blocks, able, permutations, start)
    return found


def least_p(
    place: int, blocks: Sequence[Floats], able: Collection[int], permutations: Permutations, families: int = 1
) -> float:
    """Return the p of a setting if the metric followed nothing else, and without any noise; see `screen`."""
    start = np.full((len(blocks[place]), 1), len(blocks[place]) ** -0.5)
    ideal = permutations.of(blocks[place] @ np.sqrt(np.arange(2.0, 2.0 + blocks[place].shape[1])))
    together = _beside(blocks, able, start)
    fitting = [one for one in sorted(able) if blocks[one].shape[1] and _has_room(blocks[one], start)]
    beside = together and Beside(together.space, [together.blocks[one] for one in fitting])
    ours, chance = ideal.strengths([blocks[one] for one in fitting], start, beside=beside)
    return min(1.0, families * float(share_at_least(chance.max(axis=1), ours)[fitting.index(place)]))


def _beside(blocks: Sequence[Floats], able: Collection[int], start: Floats) -> Beside | None:
    """Return each setting beside all others, None where that says nothing: large effects of others hide no effect."""
    runs = len(start)
    if len(able) < 2 or runs > _FEW:
        return None
    space = space_of(able, blocks)
    if runs - space.shape[1] < LEAST_REST:
        return None
    return Beside(
        space,
        [
            orthonormal(block, space_of([one for one in able if one != place], blocks)) if place in able else block
            for place, block in enumerate(blocks)
        ],
    )


def _robust_p(
    best: int, blocks: Sequence[Floats], able: Collection[int], given: Floats, orders: Permutations, *, is_beside: bool
) -> float:
    found = [orders.p_whatever_the_spread(blocks[best], given)]
    if is_beside and found[0] > ALPHA / FAMILIES:
        found.append(orders.p_whatever_the_spread(blocks[best], space_of(set(able) - {best}, blocks)))
    return float(np.nanmin(found))


def space_of(chosen: Collection[int], blocks: Sequence[Floats]) -> Floats:
    """Return the space of the constant and of some settings."""
    runs = len(blocks[0])
    return orthonormal(np.column_stack([np.ones(runs), *(blocks[one] for one in chosen)]))


def _tell_alike(
    found: Screening, blocks: Sequence[Floats], able: Collection[int], permutations: Permutations, start: Floats
) -> None:
    """Take back what another setting explains as well, and note which settings cannot be told apart."""
    for one in list(found.chosen):
        others = [each for each in found.chosen if each != one]
        if others and (p := permutations.p_alone(blocks[one], space_of(others, blocks))) > ALPHA:
            found.chosen.remove(one)
            found.p[one] = p
    for one in list(found.chosen):
        given = space_of([each for each in found.chosen if each != one], blocks)
        for rival in sorted(set(able) - set(found.chosen)):
            if (
                likeness(blocks[one], blocks[rival]) < _SIMILAR
                or not permutations.p_alone(blocks[rival], given) <= ALPHA
            ):
                continue
            beside = orthonormal(np.column_stack([given, blocks[rival]]))
            if not permutations.p_alone(blocks[one], beside) <= ALPHA:
                found.alike.setdefault(one, []).append(rival)
                found.alike.setdefault(rival, []).append(one)


def _has_room(rest: Floats, given: Floats) -> bool:
    return int(len(rest) - given.shape[1] - rest.shape[1]) >= LEAST_REST


def _above(score: float) -> float:
    """Return how often a normal value is at least so large."""
    return math.erfc(score / math.sqrt(2)) / 2
