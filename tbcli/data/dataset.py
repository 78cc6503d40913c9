"""What every source of data fills: splits that are cut deterministically and never copied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tbcli.config import DataConfig
from tbcli.errors import DoesNotFit

PROBE_SAMPLES = 400
_SPLIT_KEY = 20_251_122  # the same samples are held out in every run, so that runs can be compared


@dataclass(frozen=True, slots=True)
class Split:
    """One part of a dataset, as positions in its source.

    Args:
        inputs: The source's samples ``[m, ...]``: an array, a memory map, or anything that has ``shape`` and ``dtype``
            and takes an integer array as index; so a source may stream.
        labels: The source's class numbers ``[m]``, int64.
        positions: Which of the source's samples belong to this split ``[n]``, int64.
    """

    inputs: Any
    labels: np.ndarray
    positions: np.ndarray

    def __len__(self) -> int:
        return len(self.positions)

    def batch(self, chosen: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs ``[k, ...]`` and labels ``[k]`` of some samples, counted within the split."""
        positions = self.positions[chosen]
        return self.inputs[positions], self.labels[positions]

    def first(self, count: int) -> Split:
        """Return the split of the first samples."""
        return Split(self.inputs, self.labels, self.positions[:count])


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a model learns from and is measured on.

    Args:
        name: What the run record calls it.
        train: What the weights are fitted to.
        validation: What is looked at after each epoch; None when nothing was held out.
        test: What is looked at once, at the end; None where the source has none.
        class_names: A name for each class number.
    """

    name: str
    train: Split
    validation: Split | None
    test: Split | None
    class_names: tuple[str, ...]

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return tuple(self.train.inputs.shape[1:])

    @property
    def probe(self) -> Split:
        """The same few samples in every epoch and run, for pictures: from validation, else from training."""
        return (self.validation or self.train).first(PROBE_SAMPLES)


def cut_splits(
    name: str,
    train: tuple[Any, np.ndarray],
    test: tuple[Any, np.ndarray] | None,
    class_names: tuple[str, ...],
    config: DataConfig,
) -> Dataset:
    """Limit the samples and hold out the validation split, the same ones in every run.

    Args:
        name: What the run record calls the data.
        train: Inputs ``[m, ...]`` and labels ``[m]`` to cut training and validation from.
        test: The same of the test set, or None.
        class_names: A name for each class number.
        config: How much to hold out, and the limit.

    Raises:
        DoesNotFit: A split that was asked for would be empty.
    """
    inputs, labels = train
    shuffled = np.random.Generator(np.random.PCG64(_SPLIT_KEY)).permutation(len(labels)).astype(np.int64)
    if config.limit_samples:
        shuffled = shuffled[: config.limit_samples]
    held_out = round(len(shuffled) * config.validation_split)
    if held_out == len(shuffled) or (config.validation_split and not held_out):
        raise DoesNotFit(
            f"{len(shuffled)} samples cannot be split with data.validation_split={config.validation_split:g}",
            hint="use more samples or another `--validation-split` (0 holds out none)",
        )
    test_split = None
    if test is not None:
        limit = config.limit_samples or len(test[1])
        test_split = Split(test[0], test[1], np.arange(min(limit, len(test[1])), dtype=np.int64))
    return Dataset(
        name=name,
        train=Split(inputs, labels, shuffled[held_out:]),
        validation=Split(inputs, labels, shuffled[:held_out]) if held_out else None,
        test=test_split,
        class_names=class_names,
    )


def count_steps(samples: int, batch_size: int, most: int = 0) -> int:
    """Return how many batches an epoch has: at most so many, unless that is 0; the last may be smaller."""
    whole = -(-samples // batch_size)
    return min(whole, most or whole)


def epoch_order(samples: int, seed: int, epoch: int) -> np.ndarray:
    """Return the order ``[samples]`` in which an epoch draws its samples: a function of seed and epoch alone.

    Nothing of the order depends on earlier epochs, so that a run can be continued anywhere.
    """
    return np.random.Generator(np.random.PCG64([seed, epoch])).permutation(samples)
