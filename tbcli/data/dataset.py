"""What every source of data fills: splits that are cut deterministically and never copied."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from tbcli.config import DataConfig
from tbcli.errors import DoesNotFit, TbcliError, describe_error
from tbcli.tasks import CLASSIFICATION, Task
from tbcli.usercode import with_trace

PROBE_SAMPLES = 400
_VALUES_AT_ONCE = 500 * 32 * 32 * 3  # of inputs: layers make a hundred times as many of them
_LEAST_AT_ONCE = 16
_SAMPLE = "unreadable_sample"  # the attribute of an exception that tells the sample
_SPLIT_KEY = 20_251_122  # the same samples are held out in every run, so that runs can be compared


@dataclass(frozen=True, slots=True)
class Split:
    """One part of a dataset, as positions in its source.

    Args:
        inputs: The source's samples ``[m, ...]``: an array, a memory map, or anything that has ``shape`` and ``dtype``
            and takes an integer array as index; so a source may stream.
        labels: The source's labels ``[m, ...]``, as the task wants them: class numbers int64 ``[m]``, labels uint8
            ``[m, k]``, values float32 ``[m, k]``.
        positions: Which of the source's samples belong to this split ``[n]``, int64.
    """

    inputs: Any
    labels: np.ndarray
    positions: np.ndarray

    def __len__(self) -> int:
        return len(self.positions)

    def batch(self, chosen: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs ``[k, ...]`` and labels ``[k, ...]`` of some samples, counted within the split.

        What the source raises is raised; `unreadable_sample` says of which sample.
        """
        positions = self.positions[chosen]
        try:
            return self.inputs[positions], self.labels[positions]
        except Exception as error:
            _note_sample(error, self.inputs, positions)
            raise

    def first(self, count: int) -> Split:
        """Return the split of the first samples."""
        return Split(self.inputs, self.labels, self.positions[:count])


def _note_sample(error: Exception, inputs: Any, positions: np.ndarray) -> None:
    """Note in an error of a source at which sample it fails: asked for one by one, that is the first of them."""
    failing = -1
    for position in np.atleast_1d(positions):
        try:
            inputs[np.array([position])]
        except Exception:  # noqa: BLE001 - whatever the source raises
            failing = int(position)
            break
    with suppress(AttributeError):  # an exception of somebody's that holds nothing else
        setattr(error, _SAMPLE, failing)


def unreadable_sample(error: BaseException) -> DoesNotFit | None:
    """Return what to say of an error that a source raised when it was asked for samples; None for any other one."""
    position = getattr(error, _SAMPLE, None)
    if position is None or isinstance(error, (TbcliError, MemoryError)):
        return None
    which = f"sample {position}" if position >= 0 else "a sample"
    failed = DoesNotFit(
        f"{which} of the data cannot be read: {describe_error(error)}", hint="mend that sample, or leave it out"
    )
    return with_trace(failed, error)


@dataclass(frozen=True, slots=True)
class Column:
    """An input column of a table.

    Args:
        name: What the table calls it.
        kind: ``number`` or ``category``.
        vocabulary: The categories; category ``i`` is coded as ``i + 1``, and 0 is unknown or missing.
        mean: Of the training rows; of numbers only.
        std: The same.
        fill: What stands for a missing number.
        missing: Rows without a value, among all.
        form: How the training file writes its numbers or dates, where it matters: ``decimal comma``, ``day first``.
    """

    name: str
    kind: str = "number"
    vocabulary: tuple[str, ...] = ()
    mean: float = 0.0
    std: float = 1.0
    fill: float = 0.0
    missing: int = 0
    form: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a model learns from and is measured on.

    Args:
        name: What the run record calls it, and the file of the model: letters, digits and ``-``.
        train: What the weights are fitted to.
        validation: What is looked at after each epoch; None when nothing was held out.
        test: What is looked at once, at the end; None where the source has none.
        class_names: A name for each class number, each label, or each value.
        task: What is learnt.
        columns: Those of a table, in the order of the inputs ``[m, columns]``; empty for anything else.
        notes: How the source was understood where it left room, in sentences.
        doubts: Those of the notes, the first ones, that say what is probably wrong.
    """

    name: str
    train: Split
    validation: Split | None
    test: Split | None
    class_names: tuple[str, ...]
    task: Task = CLASSIFICATION
    columns: tuple[Column, ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return tuple(self.train.inputs.shape[1:])

    @property
    def splits(self) -> dict[str, Split]:
        """The splits that there are, by name."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: split for name, split in named.items() if split is not None}

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
    *,
    validation: tuple[Any, np.ndarray] | None = None,
    needs_test: bool = False,
    stratify: bool = False,
    **told: Any,
) -> Dataset:
    """Limit the samples and hold out the splits that the source has not, the same ones in every run.

    Args:
        name: What the run record calls the data.
        train: Inputs ``[m, ...]`` and labels ``[m, ...]`` to cut the missing splits from.
        test: The same of the test set, or None.
        class_names: A name for each class number, label or value.
        config: How much to hold out, and the limit.
        validation: Inputs and labels of the validation split, or None where it must be held out.
        needs_test: Whether a test set is held out where there is none; a note then says what was held out.
        stratify: Whether each class is held out in proportion.
        told: What else the `Dataset` says of itself: ``task``, ``columns``, ``notes``.

    Raises:
        DoesNotFit: A split that was asked for would be empty.
    """
    inputs, labels = train
    remaining = fixed_order(len(labels))
    if config.limit_samples:
        remaining = remaining[: config.limit_samples]
    cut: dict[str, np.ndarray] = {}
    wanted = {
        "validation": config.validation_split if validation is None else 0,
        "test": config.test_split if test is None and needs_test else 0,
    }
    samples = len(remaining)
    for split, share in wanted.items():
        strata = labels[remaining] if stratify else None
        cut[split], remaining = _held_out(remaining, round(samples * share), strata)
        if share and not (len(cut[split]) and len(remaining)):
            raise DoesNotFit(
                f"{samples} samples cannot be split with data.{split}_split={share:g}",
                hint=f"use more samples or another `--{split}-split` (0 holds out none)",
            )
    own = {"validation": validation, "test": test}

    def split_of(which: str) -> Split | None:
        if len(cut[which]):
            return Split(inputs, labels, cut[which])
        given = own[which]
        return None if given is None else _whole(*given, config.limit_samples, in_order=not needs_test)

    train_split = Split(inputs, labels, remaining)
    if needs_test:
        told["notes"] = (*told.get("notes", ()), *_notes_on_cut(cut, samples, len(class_names) if stratify else 0))
    return Dataset(name, train_split, split_of("validation"), split_of("test"), class_names, **told)


def _notes_on_cut(cut: dict[str, np.ndarray], samples: int, strata: int) -> list[str]:
    counts = {split: len(positions) for split, positions in cut.items() if len(positions)}
    parts = ", ".join(f"{count:,} for {split}" for split, count in counts.items())
    how = ", each class in proportion" if strata and min(counts.values(), default=0) >= strata else ""
    return [f"held out of {samples:,} training samples: {parts}{how}"] if parts else []


def fixed_order(samples: int) -> np.ndarray:
    """Return the order ``[samples]`` in which samples are taken where not all are: the same in every run."""
    return np.random.Generator(np.random.PCG64(_SPLIT_KEY)).permutation(samples).astype(np.int64)


def _whole(inputs: Any, labels: np.ndarray, limit: int, *, in_order: bool) -> Split:
    """Return a split that the source has, limited; what may be sorted by class is not taken in its order."""
    order = np.arange(len(labels), dtype=np.int64) if in_order else fixed_order(len(labels))
    return Split(inputs, labels, order[: limit or len(labels)])


def _held_out(positions: np.ndarray, count: int, strata: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions that are held out, and the others.

    Args:
        positions: In the order in which they are drawn.
        count: How many to hold out.
        strata: The class of each, where each class gives its share.
    """
    if strata is None:
        return positions[:count], positions[count:]
    # Every class at even distances: the first `count` of this order hold each in proportion.
    ranks = np.empty(len(positions))
    for number in np.unique(strata):
        rows = np.flatnonzero(strata == number)
        ranks[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
    chosen = np.zeros(len(positions), bool)
    chosen[np.argsort(ranks, kind="stable")[:count]] = True
    return positions[chosen], positions[~chosen]


def count_steps(samples: int, batch_size: int, most: int = 0) -> int:
    """Return how many batches an epoch has: at most so many, unless that is 0; the last may be smaller."""
    whole = -(-samples // batch_size)
    return min(whole, most or whole)


def samples_at_once(shape: tuple[int, ...], most: int) -> int:
    """Return how many samples of a shape a model is asked about at once: fewer of large ones."""
    return max(_LEAST_AT_ONCE, min(most, _VALUES_AT_ONCE // max(1, math.prod(shape))))


def epoch_order(samples: int, seed: int, epoch: int) -> np.ndarray:
    """Return the order ``[samples]`` in which an epoch draws its samples: a function of seed and epoch alone.

    Nothing of the order depends on earlier epochs, so that a run can be continued anywhere.
    """
    return np.random.Generator(np.random.PCG64([seed, epoch])).permutation(samples)
