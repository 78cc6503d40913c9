"""Where points lie on the x axis: the epochs that steps belong to, and the time since a run began."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tbcli.figures.smoothing import Floats

Clock = tuple[Floats, Floats]
"""Steps, rising, and the epochs that end there; between them epochs are interpolated."""

UNITS = (("d", 86_400.0), ("h", 3600.0), ("min", 60.0))
_FARTHER = 20  # times as far goes a series that counts steps as one that counts epochs
_LONGEST_RUN = 10 * 365 * 86_400.0  # seconds; a wall time farther from the others is a mistake


def epoch_clock(steps: Floats, values: Floats) -> Clock | None:
    """Return a clock from a series that counts epochs beside the steps, or None if it has no finite value.

    What is measured at the end of an epoch stands at the number that the counter gives it, 0 or 1 for the first one,
    and so elsewhere. Of a counter of whole epochs with several values in each, the steps of an epoch are spread between
    the end of the one before and its own. The last one is taken to be as long as the others.

    Args:
        steps: ``[n]``.
        values: Epochs ``[n]``, whole or fractional.
    """
    real = np.isfinite(values)
    order = np.argsort(steps[real], kind="stable")
    steps, values = steps[real][order], np.maximum.accumulate(values[real][order])
    if not len(steps):
        return None
    ends = np.append(steps[1:] != steps[:-1], True)  # of several values at one step the last counts
    steps, values = steps[ends], values[ends]
    if (values % 1).any():
        return steps, values
    begins = np.append(True, values[1:] != values[:-1])
    epochs, firsts, lasts = values[begins], steps[begins], steps[np.append(begins[1:], True)]
    if len(epochs) == len(steps):
        return steps, values
    even = _even_ends(epochs, firsts, lasts)
    if even is not None:
        return even
    lengths = np.diff(lasts, prepend=firsts[0] - 1)
    lasts[-1] = max(lasts[-1], lasts[-1] - lengths[-1] + float(np.median(lengths)))
    return np.append(firsts[0] - 1, lasts), np.append(epochs[0] - 1, epochs)


def _even_ends(epochs: Floats, firsts: Floats, lasts: Floats) -> Clock | None:
    """Return the clock of epochs of one length, with the end of the one before; None if no length suits all of them.

    Not every step is logged: an epoch begins somewhere between the last step of the one before and its own first. Step
    0 is the first one of training.
    """
    for counted_from in (0, 1):
        number = epochs - counted_from
        if number[0] < 0:
            continue
        length = float(((lasts + 1) / (number + 1)).max())
        if (number * length <= firsts).all():
            over = np.append(number, number[-1] + 1)
            return over * length - 1, over - 1 + counted_from
    return None


def epochs_at(steps: Floats, clock: Clock) -> Floats:
    """Return the epochs at steps ``[n]``."""
    result: Floats = np.interp(steps, *clock)
    return result


def steps_at(epochs: Floats, clock: Clock) -> Floats:
    """Return the steps at epochs ``[n]``."""
    result: Floats = np.interp(epochs, clock[1], clock[0])
    return result


def count_differently(short: Floats, long: Floats) -> bool:
    """Say whether one series seems to count steps and the other epochs.

    Both begin near 0, and the shorter one counts one by one to a small part of the longer one.

    Args:
        short: Steps, at least two.
        long: Steps of the series that goes farther.
    """
    is_dense = bool((np.diff(short) == 1).all())
    return is_dense and short[0] <= 1 and long[0] < long[-1] / _FARTHER and long[-1] > _FARTHER * max(short[-1], 1)


def plausible(wall_times: Iterable[Floats]) -> tuple[float, float]:
    """Return the first and the last wall time that writers with a working clock can have written, NaN for none.

    A wall time of 0, or years away from the others, comes from a writer that forgot it.
    """
    every = np.concatenate([np.asarray(times, np.float64) for times in wall_times] or [np.empty(0)])
    every = every[np.isfinite(every) & (every > 0)]
    if not len(every):
        return float("nan"), float("nan")
    near = every[np.abs(every - np.median(every)) < _LONGEST_RUN]
    return float(near.min()), float(near.max())


def seconds_since(start: float, end: float, wall_times: Floats) -> Floats:
    """Return seconds since a start ``[n]``, NaN where a wall time does not lie between it and the end."""
    inside = (wall_times >= start) & (wall_times <= end)
    result: Floats = np.where(inside, wall_times - start, np.nan)
    return result


def in_one_unit(seconds: Iterable[Floats]) -> tuple[str, float]:
    """Return the largest unit that suits the longest time, and its seconds."""
    longest = max((float(np.nanmax(one)) for one in seconds if np.isfinite(one).any()), default=0.0)
    return next(((name, length) for name, length in UNITS if longest >= 2 * length), ("s", 1.0))
