"""Round numbers along an axis, and how they are written, in plain text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

_STEPS = (1.0, 2.0, 5.0)
_LARGE, _SMALL = 1e5, 1e-4
_MOST_DECIMALS = 6
_CHARACTER = 0.02  # share of an axis that one takes at most
_LONGEST_LAST = 5  # characters
_SIZES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


class Tick(NamedTuple):
    """A place on an axis and what is written there."""

    value: float
    text: str


def ticks(low: float, high: float, most: int, *, log: bool = False, counted: bool = False) -> list[Tick]:
    """Return round numbers between two values.

    Args:
        low: Where the axis begins.
        high: Where it ends, not below ``low``; both above 0 where it is logarithmic.
        most: About how many, at least 2.
        log: Powers of ten, with 2 and 5 between where there is room; within one decade as on a linear axis.
        counted: It counts something: whole numbers alone, large ones as ``200k``.
    """
    if log:
        first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
        between = [f * 10.0**power for power in range(first - 1, last + 1) for f in _STEPS if first <= last]
        inside = [value for value in between if low <= value * (1 + 1e-9) and value * (1 - 1e-9) <= high]
        if 2 < len(inside) <= most:
            return [Tick(value, _power(float(f"{value:.3g}"))) for value in inside]
        if last > first:
            apart = max(1, math.ceil((last - first) / max(most - 1, 1)))
            return [Tick(10.0**power, _power(10.0**power)) for power in range(first, last + 1, apart)]
    values, step = _round_values(low, high, most, counted=counted)
    if not step:
        return [Tick(low, plain(low))]
    texts = _sized(values, step) if counted else _alike(values, step)
    marks = [Tick(value, text) for value, text in zip(values, texts, strict=True)]
    return [*marks, *_last(marks, low, high)] if counted and len(marks) < most else marks


def _last(marks: Sequence[Tick], low: float, high: float) -> list[Tick]:
    """Return the whole number at which an axis ends, where its text has room behind the others."""
    letter = marks[-1].text[-1:] if marks else ""
    size = next((size for size, known in _SIZES if known == letter), 1.0)
    text = f"{high / size:.6g}{letter if size > 1 else ''}"
    has_room = bool(marks) and (high - marks[-1].value) / (high - low) >= _CHARACTER * (len(text) + 1)
    return [Tick(high, text)] if has_room and high % 1 == 0 and len(text) <= _LONGEST_LAST else []


def plain(value: float) -> str:
    """Return one number by itself, in few characters: ``0.9712``, ``1.5e-5``, ``nan``."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if _SMALL <= abs(value) < _LARGE:
        return f"{value:.4f}".rstrip("0").rstrip(".") if abs(value) >= 1 else f"{value:.4g}"
    return _shortened(f"{value:.2e}")


def _round_values(low: float, high: float, most: int, *, counted: bool) -> tuple[list[float], float]:
    """Return as many round numbers as may be, and the step between them; the step is 0 where there is no room."""
    span = high - low
    if not 0 < span < math.inf or span < 1e-12 * max(abs(low), abs(high)):
        return [], 0.0
    power = math.floor(math.log10(span / most)) - 1
    steps = [10.0**exponent * factor for exponent in range(power, power + 4) for factor in _STEPS]
    for step in (max(step, 1.0) if counted else step for step in steps):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            return [count * step for count in range(first, last + 1)], step
    return [], 0.0


def _alike(values: Sequence[float], step: float) -> list[str]:
    """Return numbers with the same decimals, as few as tell them apart."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if decimals > _MOST_DECIMALS or (decimals > 3 and max(map(abs, values), default=0) < _SMALL * 10):
        return [_power(float(f"{value:.6g}")) for value in values]
    if max(map(abs, values), default=0) >= _LARGE:
        return [_power(float(f"{value:.6g}")) for value in values]
    return [f"{value + 0.0:.{decimals}f}" for value in values]


def _sized(values: Sequence[float], step: float) -> list[str]:
    """Return whole numbers: ``0``, ``500``, ``1.5k``, ``2M``."""
    largest = max(map(abs, values), default=0)
    size, letter = next(((size, letter) for size, letter in _SIZES if largest >= size * 10 or step >= size), (1.0, ""))
    decimals = 0 if step >= size else max(0, -math.floor(math.log10(step / size) + 1e-9))
    return [f"{value / size:.{decimals}f}{letter}" if value else "0" for value in values]


def _power(value: float) -> str:
    """Return ``1e-5`` rather than ``0.00001`` or ``1e-05``."""
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:g}"
    return _shortened(f"{value:e}")


def _shortened(text: str) -> str:
    digits, _, exponent = text.partition("e")
    return f"{digits.rstrip('0').rstrip('.')}e{int(exponent)}"
