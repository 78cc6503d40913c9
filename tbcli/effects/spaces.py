"""Columns as spaces: what of one set of columns the others do not hold already."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_SMALLEST = 1e-7  # of a column's length, that counts as something of its own


def orthonormal(columns: Floats, given: Floats | None = None) -> Floats:
    """Return orthonormal columns for what columns hold beyond given ones; none where they hold nothing more.

    Args:
        columns: ``[n, k]``.
        given: Orthonormal ``[n, m]``.
    """
    rest = columns if given is None else without(columns, given)
    lengths = np.linalg.norm(columns, axis=0)
    rest = rest[:, lengths > 0] / lengths[lengths > 0]
    if not rest.shape[1]:
        return np.empty((len(columns), 0))
    left, sizes, _ = np.linalg.svd(rest, full_matrices=False)
    found: Floats = left[:, sizes > _SMALLEST]
    return found


def without(columns: Floats, given: Floats) -> Floats:
    """Return columns, or one ``[n]``, less what lies in the space of orthonormal ones."""
    rest: Floats = columns - given @ (given.T @ columns)
    return rest


def likeness(one: Floats, other: Floats) -> float:
    """Return the largest squared canonical correlation of two spaces, each of orthonormal columns: 0 to 1."""
    if not one.shape[1] or not other.shape[1]:
        return 0.0
    return float(np.linalg.norm(one.T @ other, 2)) ** 2
