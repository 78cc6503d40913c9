"""From a split to samples: raw values until the step, in an order that is a function of seed and epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from tbcli.data.dataset import Split, count_steps, epoch_order, samples_at_once

EVALUATION_BATCH = 500
"""Samples evaluated at once, while they are not large."""

Samples = tuple[np.ndarray, np.ndarray]


class TrainingFeed:
    """The samples of one epoch after the other; holds none but those that are trained on now, and the next ones.

    Args:
        split: What to draw from.
        batch_size: Samples per step; the last batch of an epoch may be smaller.
        steps_per_epoch: So many steps at most; 0 for the whole split.
        seed: With the epoch, decides the order.
    """

    def __init__(self, split: Split, batch_size: int, steps_per_epoch: int, seed: int) -> None:
        self.split = split
        self.batch_size = batch_size
        self._seed = seed
        self.steps = count_steps(len(split), batch_size, steps_per_epoch)
        self.order = np.arange(len(split))
        """The current epoch's: positions within the split ``[n]``."""

    @property
    def batch_bytes(self) -> int:
        """Size of the samples of one step."""
        shape, dtype = self.split.inputs.shape[1:], np.dtype(self.split.inputs.dtype)
        return int(self.batch_size * dtype.itemsize * math.prod(shape))

    def begin_epoch(self, epoch: int) -> None:
        """Set the order of an epoch, counted from 1."""
        self.order = epoch_order(len(self.split), self._seed, epoch)

    def executions(self, steps: int) -> Iterator[Samples]:
        """Yield the samples of the current epoch in the order of its batches, those of so many steps at a time.

        Inputs ``[n, ...]`` and labels ``[n]`` of all batches of an execution stand one behind the other; the last
        execution has what is left. While the caller works on one, a thread gathers the next.

        Args:
            steps: Optimizer steps of one execution.
        """
        size = steps * self.batch_size
        order = self.order[: self.steps * self.batch_size]
        coming: Future[Samples] | None = None
        with ThreadPoolExecutor(1, "tbcli-feed") as pool:
            for first in range(0, len(order), size):
                ready = coming or pool.submit(self.split.batch, order[first : first + size])
                following = order[first + size : first + 2 * size]
                samples = ready.result()
                coming = pool.submit(self.split.batch, following) if len(following) else None
                yield samples


def evaluation_batches(split: Split, size: int = 0) -> Iterator[Samples]:
    """Yield inputs ``[size, ...]`` and labels ``[size]`` in the split's order; 0 chooses by the size of a sample."""
    size = size or samples_at_once(split.inputs.shape[1:], EVALUATION_BATCH)
    for first in range(0, len(split), size):
        yield split.batch(slice(first, first + size))
