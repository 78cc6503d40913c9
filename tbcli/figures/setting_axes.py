"""A setting as an axis from 0 to 1: numbers by their value or its logarithm, words one after the other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import MaxNLocator

from tbcli.effects.factors import ABSENT, Factor
from tbcli.effects.spaces import Floats
from tbcli.naming.shortening import shortened_names

ABSENT_AT = -0.12
"""Where runs stand that do not have the setting."""
_MOST_LEVELS = 5  # of a number, each of which has a tick
_MOST_WORDS, _LONGEST_WORD = 12, 14


@dataclass(frozen=True, slots=True)
class SettingAxis:
    """Where runs stand on the axis of a setting.

    Args:
        places: Of each run ``[n]``.
        ticks: Places on the axis, and what is written there.
        is_number: Whether some of these may be left out.
    """

    places: Floats
    ticks: tuple[tuple[float, str], ...]
    is_number: bool = True

    @classmethod
    def of(cls, factor: Factor) -> SettingAxis:
        """Return the axis of a setting."""
        ticks = _number_ticks(factor) if factor.is_number else _word_ticks(factor)
        if factor.is_partial:
            ticks = [(ABSENT_AT, "-"), *ticks]
        return cls(_places(factor), tuple(ticks), factor.is_number)


def place_of_level(factor: Factor, level: int) -> float:
    """Return where runs with a level stand."""
    if level == ABSENT:
        return ABSENT_AT
    if factor.is_number:
        return _scaled(factor, float(factor.levels[level]))
    return level / (len(factor.levels) - 1) if len(factor.levels) > 1 else 0.5


def _places(factor: Factor) -> Floats:
    by_level = [place_of_level(factor, level) for level in range(len(factor.levels))]
    places: Floats = np.array([*by_level, ABSENT_AT])[factor.codes]
    return places


def _scaled(factor: Factor, value: float) -> float:
    low, high = float(factor.levels[0]), float(factor.levels[-1])
    if factor.is_log:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def _number_ticks(factor: Factor) -> list[tuple[float, str]]:
    levels = [float(level) for level in factor.levels]
    low, high = levels[0], levels[-1]
    if len(levels) <= _MOST_LEVELS:
        shown = levels
    elif factor.is_log:
        shown = _decades(low, high)
    else:
        shown = [float(tick) for tick in MaxNLocator(nbins=4).tick_values(low, high) if low <= tick <= high]
    shown = shown if len(shown) > 1 else [low, high]
    return [(_scaled(factor, value), f"{value:.3g}") for value in shown]


def _decades(low: float, high: float) -> list[float]:
    """Return powers of ten, every second or third where they are many, and round numbers between where they are few."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0)):
        inside = [digit * 10.0**power for power in powers for digit in steps]
        inside = [value for value in inside if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
        if len(inside) > 2:
            return inside[:: math.ceil(len(inside) / _MOST_LEVELS)]
    return inside


def _word_ticks(factor: Factor) -> list[tuple[float, str]]:
    names = shortened_names([factor.text(level) for level in range(len(factor.levels))], _LONGEST_WORD)
    step = math.ceil(len(names) / _MOST_WORDS)
    return [(place_of_level(factor, level), names[level]) for level in range(0, len(names), step)]
