"""From a split to samples: raw values until the step, in an order that is a function of seed and epoch."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import Any

import numpy as np

from tbcli.data.dataset import Split, count_steps, epoch_order, samples_at_once
from tbcli.errors import DoesNotFit

EVALUATION_BATCH = 500
"""Samples evaluated at once, while they are not large."""

_COMPARED_BYTES, _COMPARED_OF_STREAM = 100_000_000, 32  # of inputs, between processes

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
        self.epoch = 0
        self.position = 0
        """Steps of the current epoch that are done; `executions` goes on behind them."""
        self.before: Callable[[int, int, int], None] = lambda epoch, position, steps: None
        """Called before each execution with the epoch, its steps that are done, and those to come."""
        self.longest = math.inf
        """Seconds that an execution may take, by the speed of the one before: the first has one step."""
        self._step_seconds = math.inf
        self.waited_seconds = 0.0
        """How long the caller had to wait for samples."""

    @property
    def batch_bytes(self) -> int:
        """Size of the samples of one step."""
        shape, dtype = self.split.inputs.shape[1:], np.dtype(self.split.inputs.dtype)
        return int(self.batch_size * dtype.itemsize * math.prod(shape))

    def state(self) -> Mapping[str, Any]:
        """Return the position; with the seed, it decides which samples come next."""
        return {
            "epoch": self.epoch,
            "position": self.position,
            "batch_size": self.batch_size,
            "samples": len(self.split),
            "labels": self._fingerprint,
        }

    @cached_property
    def _fingerprint(self) -> int:
        return _checksum_of_labels(self.split)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on behind the samples that the epoch has had.

        Raises:
            DoesNotFit: The samples are others, where the state says which they were.
        """
        if len(self.split) != state.get("samples", len(self.split)):
            raise _other_data(f"the run trains on {state['samples']:,} samples, there are {len(self.split):,} now")
        if self._fingerprint != state.get("labels", self._fingerprint):
            raise _other_data("the samples have other labels, or another order, than when the run began")
        samples = state["position"] * state["batch_size"]
        self.epoch, self.position = state["epoch"], min(self.steps, -(-samples // self.batch_size))

    def begin_epoch(self, epoch: int) -> None:
        """Set the order of an epoch, counted from 1; it begins with its first sample, unless it was restored."""
        if epoch != self.epoch:
            self.epoch, self.position = epoch, 0
        self.order = epoch_order(len(self.split), self._seed, epoch)

    def executions(self, steps: int) -> Iterator[Samples]:
        """Yield the samples of what is left of the epoch in the order of its batches, of so many steps at a time.

        Inputs ``[n, ...]`` and labels ``[n]`` of all batches of an execution stand one behind the other; the last
        execution has what is left. While the caller works on one, a thread gathers the next.

        Args:
            steps: Optimizer steps of one execution, at most.
        """
        position, coming = self.position, list[tuple[int, Future[Samples]]]()
        with ThreadPoolExecutor(1, "tbcli-feed") as pool:

            def ask(first: int) -> None:
                if count := min(self._affordable(steps), self.steps - first):
                    coming.append((count, pool.submit(self.samples, first, count)))

            ask(position)
            while coming:
                (count, ready), began = coming.pop(), time.perf_counter()
                samples = ready.result()
                self.waited_seconds += time.perf_counter() - began
                ask(position + count)
                self.before(self.epoch, position, count)
                began = time.perf_counter()
                yield samples
                self._step_seconds = (time.perf_counter() - began) / count
                position += count

    def samples(self, position: int, steps: int) -> Samples:
        """Return the samples of some steps of the epoch, of which so many come before."""
        order = self.order[position * self.batch_size : min(position + steps, self.steps) * self.batch_size]
        return self.split.batch(order)

    def _affordable(self, steps: int) -> int:
        return steps if self.longest == math.inf else max(1, min(steps, int(self.longest / self._step_seconds)))


def checksums_of(split: Split) -> dict[str, int]:
    """Return what is the same of the same samples: how many there are, their labels, the values of as many as is quick.

    Of a stream that gives something else each time, the values are left out.
    """
    is_array = isinstance(split.inputs, np.ndarray)
    size = max(1, math.prod(split.inputs.shape[1:]) * np.dtype(split.inputs.dtype).itemsize)
    count = min(len(split), _COMPARED_BYTES // size if is_array else _COMPARED_OF_STREAM)
    few = np.unique(np.linspace(0, len(split) - 1, max(1, count), dtype=np.int64))
    inputs = _checksum_of_inputs(split, few)
    is_steady = is_array or inputs == _checksum_of_inputs(split, few)
    own = {"inputs": inputs} if is_steady else {}
    return {"samples": len(split), "labels": _checksum_of_labels(split), **own}


def _checksum_of_inputs(split: Split, chosen: np.ndarray) -> int:
    checksum = 0
    for first in range(0, len(chosen), EVALUATION_BATCH):
        inputs, _ = split.batch(chosen[first : first + EVALUATION_BATCH])
        checksum = zlib.crc32(np.ascontiguousarray(inputs).tobytes(), checksum)
    return checksum


def _checksum_of_labels(split: Split) -> int:
    return zlib.crc32(np.ascontiguousarray(split.labels[split.positions]).tobytes())


def _other_data(what: str) -> DoesNotFit:
    return DoesNotFit(
        f"the data have changed: {what}",
        hint="resume with the data that the run began with, or train anew: `tbcli train --config RUN`",
    )


def evaluation_batches(split: Split, size: int = 0) -> Iterator[Samples]:
    """Yield inputs ``[size, ...]`` and labels ``[size]`` in the split's order; 0 chooses by the size of a sample."""
    size = size or samples_at_once(split.inputs.shape[1:], EVALUATION_BATCH)
    for first in range(0, len(split), size):
        yield split.batch(slice(first, first + size))
