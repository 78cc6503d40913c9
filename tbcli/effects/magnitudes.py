"""Metrics of any size: of the largest and the smallest numbers there are no squares, so other units are used."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tbcli.effects.interactions import Interaction
from tbcli.effects.levels import Level, MainEffect

if TYPE_CHECKING:
    from tbcli.effects.analysis import Effects

_SQUARABLE = 300  # powers of two up to which numbers are left as they are


def power_for(values: Sequence[float]) -> float:
    """Return the power of two in which to count values: 1.0 for all but extreme ones."""
    exponent = math.frexp(max(map(abs, values)))[1]
    return 1.0 if abs(exponent) <= _SQUARABLE else math.ldexp(1.0, max(-1000, exponent - 1))


def in_plain_numbers(effects: Effects, unit: float) -> Effects:
    """Return what was found of values that were counted in a unit."""
    points, noise = effects.points, effects.points.noise
    if noise is not None:
        noise = noise._replace(deviation=noise.deviation * unit)
    return replace(
        effects,
        settings=tuple(replace(one, main=_main(one.main, unit)) for one in effects.settings),
        points=replace(points, y=points.y * unit, within=points.within * unit * unit, noise=noise),
        interaction=None if effects.interaction is None else _pair(effects.interaction, unit),
        interactions=tuple(_pair(pair, unit) for pair in effects.interactions),
    )


def _main(main: MainEffect, unit: float) -> MainEffect:
    return main._replace(
        levels=tuple(_level(level, unit) for level in main.levels), size=main.size * unit, error=main.error * unit
    )


def _level(level: Level, unit: float) -> Level:
    return level._replace(
        mean=level.mean * unit,
        adjusted=level.adjusted * unit,
        deviation=None if level.deviation is None else level.deviation * unit,
        error=level.error * unit,
    )


def _pair(pair: Interaction, unit: float) -> Interaction:
    cells = (cell._replace(mean=None if cell.mean is None else cell.mean * unit) for cell in pair.cells)
    return pair._replace(cells=tuple(cells))
