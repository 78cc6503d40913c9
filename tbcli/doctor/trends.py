"""Whether a noisy curve rises, falls or stays where it is: estimates that one outlier does not move."""

from __future__ import annotations

import math

import numpy as np

Values = np.ndarray

TREND = 1.64
"""Standard deviations of `trend_of` that are a trend: four values in a row, each above the one before, have as much."""

_FEW, _MANY = 8, 20
_VERY_MANY, _FAR = 100, math.log(4)  # how far medians of parts rise
_ASTRAY = 0.3  # of a rise: what a curve that turns but once goes the other way
_TO_DEVIATION = 1.4826  # from the median absolute deviation to the standard deviation of a normal distribution


def noise_of(values: Values) -> float:
    """Return the standard deviation of the noise around a slow course: robust, from how values bend at each other."""
    if len(values) < 3:
        return 0.0
    return float(_TO_DEVIATION * np.median(np.abs(np.diff(values, 2))) / math.sqrt(6))


def level_at(values: Values, position: int) -> float:
    """Return the median of a value and its neighbours: one on each side, of many values two."""
    beside = 1 if len(values) < _MANY else 2
    return float(np.median(values[max(0, position - beside) : position + beside + 1]))


def last_level(values: Values, since: int = 0) -> float:
    """Return the median of the last values: a fifth of them, but no more than half of those since a position."""
    return float(np.median(values[-_count_of_last(len(values), since) :]))


def _count_of_last(count: int, since: int = 0) -> int:
    return min(count, max(3, min(count // 5, (count - since) // 2)))


def lowest(values: Values) -> int:
    """Return where a curve is lowest: by levels, so that one dip does not decide, unless there are few values."""
    if len(values) < _FEW:
        return int(np.argmin(values))
    about = int(np.argmin([level_at(values, position) for position in range(len(values))]))
    first = max(0, about - 2)
    return first + int(np.argmin(values[first : about + 3]))


def turn_of(values: Values) -> tuple[int, float] | None:
    """Return where a curve turns, and how low, that falls and then rises until its end; None where it does not.

    Level noise, however heavy its tails, spikes and oscillation also end above their lowest value. What tells a turn
    from them is that the curve rose but once: all it did the other way, before the turn or after it, is small beside
    that rise. Of many values it is asked of medians too: of three in a row, of a twentieth each, and of a tenth.
    """
    many = len(values)
    turn = _turn_among(values)
    if turn is not None or many < _MANY:
        return None if turn is None else (turn, float(values[turn]))
    threes = np.median(np.lib.stride_tricks.sliding_window_view(values, 3), axis=1)
    turn = _turn_among(threes)
    if turn is not None:
        return turn + 1, float(threes[turn])
    for wide in (many // 20, many // 10) if many >= _VERY_MANY else ():
        start = many % wide
        parts = np.median(values[start:].reshape(-1, wide), axis=1)
        if parts.min() <= 0:
            break
        turn = _turn_among(np.log(parts), least=_FAR)  # noise grows with a loss
        if turn is not None:
            return start + turn * wide + wide // 2, float(parts[turn])
    return None


def _turn_among(values: Values, least: float = 0.0) -> int | None:
    if len(values) < 4:
        return None
    turn = int(np.argmin(values[:-2]))
    rise = float(values[-2:].min() - values[turn])
    before, after = values[: turn + 1], values[turn:]
    risen = float((before - np.minimum.accumulate(before)).max())
    fallen = float((np.maximum.accumulate(after) - after).max())
    return turn if rise > least and max(risen, fallen) < _ASTRAY * rise else None


def trend_of(values: Values) -> float:
    """Return how surely values rise (positive) or fall, in standard deviations of no trend at all (Mann-Kendall)."""
    n = len(values)
    if n < 3:
        return 0.0
    score = float(np.sign(values[None, :] - values[:, None])[np.triu_indices(n, 1)].sum())
    deviation = math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    return math.copysign(max(0.0, abs(score) - 1), score) / deviation


def rise_of(values: Values, position: int) -> float:
    """Return by how much the end of a curve lies above its level at a position."""
    return last_level(values, position) - level_at(values, position)


def error_of_rise(values: Values, position: int) -> float:
    """Return the standard error of `rise_of`, as far as noise alone makes it."""
    return noise_of(values) * math.sqrt(1 / 3 + 1 / _count_of_last(len(values), position))
