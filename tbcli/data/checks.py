"""What no training can make sense of, found before it starts: whatever the data come from."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tbcli.data.dataset import Dataset, Split
from tbcli.data.telling import progress_counter
from tbcli.errors import DoesNotFit
from tbcli.naming.matching import listed

_BYTES = 1 << 24  # of inputs that are looked at at once


def check_dataset(dataset: Dataset, *, to_train: bool = True) -> tuple[str, ...]:
    """Return what is odd but can be used, a sentence each.

    Args:
        dataset: What was loaded.
        to_train: Whether there must be something to learn: one class, or one sample, is enough to measure a model by.

    Raises:
        DoesNotFit: Splits have different shapes, too few samples, inputs that are no numbers, or labels that do not
            suit the task.
    """
    for name, split in dataset.splits.items():
        _check_lengths(name, split)
        _check_shapes(name, split, dataset.train)
        _check_labels(name, split, dataset)
    if to_train and len(dataset.train) < 2:
        raise DoesNotFit(
            f"there {'is 1 training sample' if len(dataset.train) else 'are no training samples'}",
            hint="training needs at least two; see `--limit-samples`, `--validation-split` and `--test-split`",
        )
    for name, split in dataset.splits.items():
        _check_inputs(name, split, dataset)
    if not to_train:
        return ()
    if dataset.task.has_classes:
        return _check_classes(dataset)
    return _check_values(dataset)


def blocks_of(split: Split) -> Iterator[np.ndarray]:
    """Yield the inputs of a split, in its order, a few megabytes at a time."""
    size = max(1, int(np.prod(split.inputs.shape[1:])) * np.dtype(split.inputs.dtype).itemsize)
    step = max(1, _BYTES // size)
    for first in range(0, len(split), step):
        yield split.inputs[split.positions[first : first + step]]


def _check_lengths(name: str, split: Split) -> None:
    if split.inputs.shape[0] != len(split.labels):
        raise DoesNotFit(
            f"the {name} split has {split.inputs.shape[0]:,} inputs and {len(split.labels):,} targets",
            hint="there must be one target per input",
        )
    if not len(split):
        raise DoesNotFit(f"the {name} split has no samples", hint="leave it out, or add samples")


def _check_shapes(name: str, split: Split, train: Split) -> None:
    if split.inputs.shape[1:] != train.inputs.shape[1:]:
        raise DoesNotFit(
            f"a training input has shape {list(train.inputs.shape[1:])}, one of the {name} split "
            f"{list(split.inputs.shape[1:])}",
            hint="all splits need inputs of the same shape",
        )
    if 0 in train.inputs.shape[1:]:
        raise DoesNotFit(f"an input has shape {list(train.inputs.shape[1:])}: nothing is in it", hint="are they whole?")


def _check_labels(name: str, split: Split, dataset: Dataset) -> None:
    """Raise a `DoesNotFit` for labels that are not those of the task."""
    labels, count = split.labels[split.positions], len(dataset.class_names)
    if dataset.task.has_classes:
        odd = labels[(labels < 0) | (labels >= count)]
        if len(odd):
            raise DoesNotFit(
                f"the {name} split has label {odd[0]}, but classes count from 0 to {count - 1}",
                hint=f"{len(odd):,} of {len(labels):,} labels are out of this range",
            )
    elif labels.ndim != 2 or labels.shape[1] != count:
        raise DoesNotFit(
            f"the targets of the {name} split have shape {list(labels.shape)}, but {count} have names",
            hint=f"they are {listed(dataset.class_names)}",
        )
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise DoesNotFit(f"targets of the {name} split are NaN or infinite", hint="remove those samples")


def _check_inputs(name: str, split: Split, dataset: Dataset) -> None:
    """Raise a `DoesNotFit` where inputs are NaN or infinite; what streams is looked at as it is drawn."""
    if not isinstance(split.inputs, np.ndarray) or split.inputs.dtype.kind != "f":
        return
    seen = 0
    tell = progress_counter(f"Checking the {name} inputs: {{}} of {{}} samples", len(split))
    for block in blocks_of(split):
        if not np.isfinite(block.sum(dtype=np.float64)):  # NaN and infinity stay what they are in a sum
            odd = ~np.isfinite(block.reshape(len(block), -1))
            sample, place = np.argwhere(odd)[0] if odd.any() else (0, 0)
            if odd.any():
                where = f"column {dataset.columns[place].name!r}" if dataset.columns else f"value {place}"
                kind = "NaN" if np.isnan(block[sample].reshape(-1)[place]) else "infinite"
                raise DoesNotFit(
                    f"inputs of the {name} split are NaN or infinite: sample {split.positions[seen + sample]:,} is "
                    f"{kind} in {where}",
                    hint="remove those samples, or replace the values",
                )
        seen += len(block)
        tell(seen)


def _check_classes(dataset: Dataset) -> tuple[str, ...]:
    names, count = dataset.class_names, len(dataset.class_names)
    labels = dataset.train.labels
    in_train = np.bincount(labels[dataset.train.positions], minlength=count)
    in_source = np.sum([np.bincount(split.labels, minlength=count) for split in dataset.splits.values()], axis=0)
    empty = [names[i] for i in np.flatnonzero(in_source == 0)]
    if count < 2 or (in_source > 0).sum() < 2:
        only = names[int(np.argmax(in_source))]
        raise DoesNotFit(f"all samples belong to one class: {only!r}", hint="classification needs at least two classes")
    if empty:
        raise DoesNotFit(
            f"{_counted(len(empty), 'class has', 'classes have')} no samples: {listed(empty)}",
            hint="remove the class, or add samples of it",
        )
    if (in_train > 0).sum() < 2:
        raise DoesNotFit(
            f"all {len(dataset.train):,} training samples belong to one class: {names[int(np.argmax(in_train))]!r}",
            hint="use more samples, or shuffle them first",
        )
    missing = [names[i] for i in np.flatnonzero(in_train == 0)]
    if missing:
        said = _counted(len(missing), "class has", "classes have")
        return (f"{said} samples, but none in the training split: {listed(missing)}",)
    return ()


def _check_values(dataset: Dataset) -> tuple[str, ...]:
    """Return the targets that are the same in all training samples; it is an error if all of them are."""
    labels = dataset.train.labels[dataset.train.positions]
    constant = np.flatnonzero(labels.min(axis=0) == labels.max(axis=0))
    if len(constant) == labels.shape[1]:
        value = f"{labels[0, 0]:g}" if labels.shape[1] == 1 else "the same"
        raise DoesNotFit(f"the targets of all training samples are {value}", hint="there is nothing to learn from them")
    return tuple(f"target {dataset.class_names[i]!r} is {labels[0, i]:g} in all training samples" for i in constant)


def _counted(count: int, one: str, many: str) -> str:
    return f"1 {one}" if count == 1 else f"{count:,} {many}"
