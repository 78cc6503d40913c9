"""Numbers in figures, plain: no offset in a corner, and no powers that would be typeset as mathematics."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from matplotlib.ticker import Formatter, MaxNLocator

_MOST_DECIMALS = 5
_LARGE = 1e6


def epoch_ticks(first: int, last: int) -> list[int]:
    """Return at most ten epochs that were trained: round ones, and the first where there is room for it."""
    if first == last:
        return [first]
    locator = MaxNLocator(nbins=9, steps=[1, 2, 5, 10], integer=True)
    ticks = [int(tick) for tick in locator.tick_values(first, last) if first <= tick <= last]
    room = 0.75 * (ticks[1] - ticks[0]) if len(ticks) > 1 else 1
    return [first, *ticks] if not ticks or ticks[0] - first >= room else ticks


def percent(share: float) -> str:
    """Return a share of 0 to 1 as a person reads it; what is not quite all, or not quite none, never looks so."""
    if 0 < share < 0.001:
        return "<0.1 %"
    if 0.999 < share < 1:
        return ">99.9 %"
    return f"{100 * share:.0f} %" if share in (0, 1) else f"{100 * share:.1f} %"


class PlainNumbers(Formatter):
    """Writes all numbers of an axis with the same decimals, as few as tell them apart: 0.90, 0.95, 1.00."""

    def __call__(self, value: float, pos: int | None = None) -> str:
        """Return one number by itself."""
        del pos
        return f"{value:.6g}"

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return the numbers of a whole axis."""
        decimals = _decimals(values)
        if decimals is not None and max(map(abs, values), default=0) < _LARGE:
            return [f"{value:.{decimals}f}" for value in values]
        return [_with_exponent(value) for value in values]


def _decimals(values: Sequence[float]) -> int | None:
    """Return the decimals that write every number exactly, but for the noise of floating point; None where too many."""
    steps = [abs(after - before) for before, after in pairwise(values)]
    closeness = min(steps, default=1) * 1e-3
    for decimals in range(_MOST_DECIMALS + 1):
        if all(abs(round(value, decimals) - value) <= closeness for value in values):
            return decimals
    return None


def _with_exponent(value: float) -> str:
    """Return ``9.75e-4`` rather than ``0.000975``: room left of an axis is short."""
    digits, _, exponent = f"{value:.3e}".partition("e")
    return f"{digits.rstrip('0').rstrip('.')}e{int(exponent)}" if value else "0"
