"""Long curves made fit to be looked at: smoothed as in TensorBoard, and reduced to their extremes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_AT_ONCE = 32  # values whose average is one product with a small matrix
_KINDS = 4  # of points that stay of a stretch: smallest, largest, first, first without a number


def smoothed(values: Floats, weight: float) -> Floats:
    """Return TensorBoard's smoothing ``[n]``: an exponential moving average, freed of its bias towards zero.

    What is no finite number stays and does not count; a curve that is constant stays as it is (``resmoothDataset`` in
    TensorBoard's ``tf-line-chart-data-loader.ts``).

    Args:
        values: ``[n]``.
        weight: Weight of the past, at least 0 and below 1.
    """
    finite = np.isfinite(values)
    real = values[finite]
    if not weight or not len(real) or (real == real[0]).all():
        return values
    result = values.copy()
    result[finite] = _averaged(real, weight) / (1 - weight ** np.arange(1.0, len(real) + 1))
    return result


def _averaged(values: Floats, weight: float) -> Floats:
    """Return the moving average that begins at zero: each block by a matrix, block after block by what came before."""
    blocks = -(-len(values) // _AT_ONCE)
    table = np.zeros((blocks, _AT_ONCE))
    table.reshape(-1)[: len(values)] = values
    ages = np.arange(_AT_ONCE)[None, :] - np.arange(_AT_ONCE)[:, None]
    inside = table @ np.where(ages >= 0, (1 - weight) * weight ** np.maximum(ages, 0.0), 0.0)
    carried, fading, before = 0.0, weight**_AT_ONCE, np.empty(blocks)
    for place, last in enumerate(inside[:, -1].tolist()):
        before[place] = carried
        carried = carried * fading + last
    inside += before[:, None] * weight ** np.arange(1.0, _AT_ONCE + 1)
    result: Floats = inside.reshape(-1)[: len(values)]
    return result


def shown_points(x: Floats, y: Floats, stretches: int, *, log_x: bool = False) -> NDArray[np.int64]:
    """Return the places of the points to draw, so that every extreme of every stretch stays visible.

    Of each stretch stay the smallest value, the largest, the first and the first that is no number; the last of all
    stays too. Stretches are equally wide on the axis: in points, or in decades where it is logarithmic.

    Args:
        x: ``[n]``, rising where the axis is logarithmic.
        y: ``[n]``.
        stretches: The most there are.
        log_x: Whether the axis is logarithmic.
    """
    if len(y) <= _KINDS * stretches:
        return np.arange(len(y))
    if log_x and (x > 0).any():
        scale = np.log(np.where(x > 0, x, x[x > 0].min()))  # what lies left of the axis is not seen
        place = (scale - scale[0]) / max(scale[-1] - scale[0], 1e-300)
        owners = np.clip((place * stretches).astype(np.int64), 0, stretches - 1)
    else:
        owners = np.arange(len(y)) * stretches // len(y)
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    counts = np.diff(starts, append=len(y))
    unknown = np.isnan(y)
    smallest = np.minimum.reduceat(np.where(unknown, np.inf, y), starts)
    largest = np.maximum.reduceat(np.where(unknown, -np.inf, y), starts)
    stay: list[NDArray[np.int64]] = [starts, np.array([len(y) - 1])]
    for mask in (y == np.repeat(smallest, counts), y == np.repeat(largest, counts), unknown):
        places = np.flatnonzero(mask)
        stay.append(places[np.unique(owners[places], return_index=True)[1]])
    return np.unique(np.concatenate(stay))
