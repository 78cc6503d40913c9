"""The main effect of a setting: what the metric is at each of its values, and where it is best."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from tbcli.effects.factors import ABSENT, Factor
from tbcli.effects.spaces import Floats

MOST_LEVELS = 6  # of a number; more values are put into ranges
_PER_RANGE, _MOST_RANGES, _LEAST_RANGES = 6, 5, 2
_REACH = 2.0  # standard errors within which one mean is no worse than another


class Level(NamedTuple):
    """A value of a setting, or a range of values.

    Args:
        text: What a person reads.
        low: The smallest value of a number; None for anything else.
        high: The largest one.
        n: How many values the mean is of.
        mean: Of the metric.
        adjusted: The mean less what other settings that have an effect do there.
        deviation: Sample standard deviation of the metric as it is; None for fewer than two.
        is_best: No worse than the best level by more than noise.
        error: Standard error of the adjusted mean, by what the settings leave unexplained.
    """

    text: str
    low: float | None
    high: float | None
    n: int
    mean: float
    adjusted: float
    deviation: float | None
    is_best: bool = False
    error: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return self._asdict()


class MainEffect(NamedTuple):
    """What changing one setting does to the metric.

    Args:
        levels: In the order of the values; absence first, unless another setting decides it.
        size: The adjusted mean of the best level less that of the worst, without sign.
        error: Its standard error, by what the settings leave unexplained.
        best: The values at which the metric is best, as a person reads them.
    """

    levels: tuple[Level, ...]
    size: float
    error: float
    best: str


def main_effect(factor: Factor, y: Floats, adjusted: Floats, *, is_lower_better: bool, noise: float) -> MainEffect:
    """Return the means of a metric over the values of a setting.

    Args:
        factor: The setting.
        y: The metric ``[n]``.
        adjusted: The metric less what the other settings do ``[n]``.
        is_lower_better: Which values of it are the best.
        noise: Standard deviation of what no setting explains.
    """
    levels = [
        level._replace(adjusted=float(adjusted[having].mean()), error=noise / math.sqrt(level.n))
        for level, having in levels_of(factor, y)
    ]
    sign = 1 if is_lower_better else -1
    ranked = sorted(levels, key=lambda level: sign * level.adjusted)
    first, last = ranked[0], ranked[-1]
    good = _as_good(levels, first, sign, noise)
    levels = [level._replace(is_best=level in good) for level in levels]
    return MainEffect(
        tuple(levels), abs(first.adjusted - last.adjusted), _error(first, last, noise), _best_text(levels)
    )


def levels_of(factor: Factor, y: Floats) -> list[tuple[Level, np.ndarray]]:
    """Return the values, or ranges of values, of a setting, and which points have them."""
    return [(_level(factor, places, y[having]), having) for places, having in _members(factor)]


def _members(factor: Factor) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """Yield the positions of levels that belong together, and which runs have them."""
    if factor.is_partial and not factor.condition:
        yield (ABSENT,), ~factor.present
    if not factor.is_number or len(factor.levels) <= MOST_LEVELS:
        for place in range(len(factor.levels)):
            yield (place,), factor.codes == place
        return
    codes = np.sort(factor.codes[factor.present])
    ranges = max(_LEAST_RANGES, min(_MOST_RANGES, len(codes) // _PER_RANGE))
    edges = sorted({int(codes[len(codes) * part // ranges]) for part in range(ranges)} | {int(codes[0])})
    for low, high in zip(edges, [*edges[1:], len(factor.levels)], strict=True):
        yield tuple(range(low, high)), (factor.codes >= low) & (factor.codes < high)


def _level(factor: Factor, places: tuple[int, ...], values: Floats) -> Level:
    low = high = None
    if factor.is_number and places[0] != ABSENT:
        low, high = float(factor.levels[places[0]]), float(factor.levels[places[-1]])
    text = factor.text(places[0]) if len(places) == 1 else f"{_short(low)}..{_short(high)}"
    deviation = float(values.std(ddof=1)) if len(values) > 1 else None
    return Level(text, low, high, len(values), float(values.mean()), float(values.mean()), deviation)


def _short(value: float | None) -> str:
    return f"{value:.3g}" if value is not None else "-"


def _error(one: Level, other: Level, noise: float) -> float:
    return noise * math.sqrt(1 / one.n + 1 / other.n)


def _as_good(levels: Sequence[Level], best: Level, sign: int, noise: float) -> list[Level]:
    """Return the best level and those that are not worse by more than noise; of numbers, as far as they adjoin."""

    def is_as_good(level: Level) -> bool:
        return sign * (level.adjusted - best.adjusted) <= _REACH * _error(level, best, noise)

    if best.low is None:
        return [level for level in levels if is_as_good(level)]
    numbers = [level for level in levels if level.low is not None]
    at = numbers.index(best)
    low, high = at, at
    while low and is_as_good(numbers[low - 1]):
        low -= 1
    while high + 1 < len(numbers) and is_as_good(numbers[high + 1]):
        high += 1
    return numbers[low : high + 1]


def _best_text(levels: Sequence[Level]) -> str:
    best = [level for level in levels if level.is_best]
    if len(best) > 1 and best[0].low is not None and best[-1].high is not None:
        return f"{_short(best[0].low)}..{_short(best[-1].high)}"
    return ", ".join(level.text for level in best)
