"""An event file, and the columns of numbers read from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class EventFile(NamedTuple):
    """One event file, as it was when it was found.

    Args:
        path: Where it is.
        name: The same, relative to the log directory.
        run: The directory it lies in, relative to the log directory; ``.`` for that itself, as in TensorBoard.
        size: Bytes.
        changed: When it was written to last, nanoseconds since 1970.
        inode: Its number in the file system.
    """

    path: str
    name: str
    run: str
    size: int
    changed: int
    inode: int


class Columns(NamedTuple):
    """Steps, seconds since 1970 and values ``[n]`` each."""

    steps: Ints
    wall_times: Floats
    values: Floats

    def part(self, start: int, count: int) -> Columns:
        """Return some of them, not copied."""
        end = start + count
        return Columns(self.steps[start:end], self.wall_times[start:end], self.values[start:end])

    def chosen(self, which: NDArray[Any]) -> Columns:
        """Return those at these places, copied."""
        return self.each(lambda column: column[which])

    def each(self, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Columns:
        """Return the columns, each changed in the same way."""
        return Columns(change(self.steps), change(self.wall_times), change(self.values))

    @classmethod
    def joined(cls, parts: Sequence[Columns]) -> Columns:
        """Return them one behind the other; one alone is not copied."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return cls(np.empty(0, np.int64), np.empty(0), np.empty(0))
        steps, wall_times, values = zip(*parts, strict=True)
        return cls(np.concatenate(steps), np.concatenate(wall_times), np.concatenate(values))
