"""A series as one line of little bars: high is high, and a gap is where a value is not a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

BARS, PLAIN_BARS = "▁▂▃▄▅▆▇█", "_.-=+*#@"
_GAP = "·"


def draw_sparkline(values: Sequence[float], width: int, *, encoding: str = "utf-8") -> str:
    """Return at most so many bars, each the mean of the finite values it stands for; ``""`` without values.

    Args:
        values: In order.
        width: Most characters.
        encoding: Of the stream it goes to; where that has no bars, letters of ASCII stand for them.
    """
    if not values or width < 1:
        return ""
    count = min(width, len(values))
    edges = [i * len(values) // count for i in range(count + 1)]
    means = [_mean(values[start:end]) for start, end in pairwise(edges)]
    finite = [mean for mean in means if mean is not None]
    if not finite:
        return ("?" if _is_plain(encoding) else _GAP) * count
    bars, gap = (PLAIN_BARS, "?") if _is_plain(encoding) else (BARS, _GAP)
    low, high = min(finite), max(finite)
    return "".join(gap if mean is None else _bar(mean, low, high, bars) for mean in means)


def _mean(values: Sequence[float]) -> float | None:
    finite = [value for value in values if math.isfinite(value)]
    return math.fsum(value / len(finite) for value in finite) if finite else None


def _bar(value: float, low: float, high: float, bars: str) -> str:
    # Halves first: the difference of two large numbers may be more than a number can be.
    share = (value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.5
    return bars[min(len(bars) - 1, int(share * len(bars)))]


def _is_plain(encoding: str) -> bool:
    """Say whether an encoding has no bars."""
    try:
        (BARS + _GAP).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return True
    return False
