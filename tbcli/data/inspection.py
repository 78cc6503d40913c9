"""What was understood of data, and what is probably wrong with them, before anyone trains."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tbcli.data.checks import blocks_of
from tbcli.data.dataset import Dataset, Split
from tbcli.data.leaks import find_leaks
from tbcli.data.telling import progress_counter
from tbcli.naming.matching import listed

_LEAST_IMBALANCE = 10  # times as many samples of the largest class as of the smallest
_FEW_SAMPLES = 10  # of a class
_FAR = 3  # standard deviations between the means of splits
_OUTLIER = 10  # standard deviations from the mean of the targets
_MOSTLY = 0.5  # of the rows
_MOST_NAMED = 5  # leaks


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers in short."""

    minimum: float
    maximum: float
    mean: float
    std: float


@dataclass(frozen=True, slots=True)
class SplitFacts:
    """One split.

    Args:
        samples: How many.
        held_out: Whether it was cut from the training samples; else the source has it.
        inputs: All values of its inputs.
        counts: Samples of each class, or with each label; empty of values.
        duplicates: Samples whose inputs are those of an earlier one, within the split.
        in_train: Samples whose inputs are those of a training sample; 0 of the training split.
    """

    samples: int
    held_out: bool
    inputs: Range
    counts: tuple[int, ...]
    duplicates: int
    in_train: int


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was understood.

    Args:
        dataset: The data.
        splits: By name.
        constant: Values of an input that are the same in all training samples.
        columns: The range of each column of a table in the training rows; of categories their codes.
        targets: The range of each value to predict, in the training samples; empty of classes and labels.
        findings: ``(kind, sentence)`` of what is probably wrong.
    """

    dataset: Dataset
    splits: Mapping[str, SplitFacts]
    constant: int
    columns: tuple[Range, ...]
    targets: tuple[Range, ...]
    findings: tuple[tuple[str, str], ...]

    def as_document(self) -> dict[str, Any]:
        """Return it for JSON."""
        dataset = self.dataset
        return {
            "name": dataset.name,
            "task": dataset.task.name,
            "inputs": {
                "shape": list(dataset.input_shape),
                "dtype": str(np.dtype(dataset.train.inputs.dtype)),
                "constant": self.constant,
            },
            "splits": {name: asdict(facts) for name, facts in self.splits.items()},
            "classes": [] if self.targets else list(dataset.class_names),
            "targets": [
                {"name": name, **asdict(each)} for name, each in zip(dataset.class_names, self.targets, strict=False)
            ],
            "columns": [
                {**asdict(column), "minimum": each.minimum, "maximum": each.maximum}
                for column, each in zip(dataset.columns, self.columns, strict=True)
            ],
            "findings": [{"kind": kind, "text": text} for kind, text in self.findings],
            "notes": list(dataset.notes),
        }


def inspect_dataset(dataset: Dataset) -> Inspection:
    """Return what was understood of data; all of their inputs are looked at once."""
    looks = {name: _look(name, split) for name, split in dataset.splits.items()}
    splits = {
        name: SplitFacts(
            samples=len(dataset.splits[name]),
            held_out=name != "train" and dataset.splits[name].labels is dataset.train.labels,
            inputs=look.range,
            counts=_counts(dataset, dataset.splits[name]),
            duplicates=len(look.digests) - len(np.unique(look.digests)),
            in_train=0 if name == "train" else int(np.isin(look.digests, looks["train"].digests).sum()),
        )
        for name, look in looks.items()
    }
    train = looks["train"]
    is_value = dataset.train.labels.dtype.kind == "f"
    targets = dataset.train.labels[dataset.train.positions].astype(np.float64) if is_value else np.empty((1, 0))
    columns = (
        tuple(map(Range, *(each.tolist() for each in (train.lowest, train.highest, train.means, train.stds))))
        if dataset.columns
        else ()
    )
    findings = (
        *(("missing", doubt) for doubt in dataset.doubts),
        *_of_names(dataset),
        *_of_duplicates(dataset, splits, looks),
        *_of_leaks(dataset),
        *_of_constants(dataset, train),
        *_of_gaps(dataset),
        *_of_classes(dataset, splits),
        *_of_ranges(splits),
        *_of_targets(dataset, targets),
    )
    constant = int((train.lowest == train.highest).sum())
    return Inspection(dataset, splits, constant, columns, tuple(map(range_of, targets.T)), findings)


def range_of(values: np.ndarray) -> Range:
    """Return numbers in short."""
    return Range(float(values.min()), float(values.max()), float(values.mean()), float(values.std()))


@dataclass(frozen=True, slots=True)
class _Look:
    """What one pass over a split tells: of each sample, and of each place in it ``[values of a sample]``."""

    digests: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    means: np.ndarray
    stds: np.ndarray

    @property
    def range(self) -> Range:
        mean = float(self.means.mean())
        variance = float((self.stds**2 + (self.means - mean) ** 2).mean())
        return Range(float(self.lowest.min()), float(self.highest.max()), mean, variance**0.5)


def _look(name: str, split: Split) -> _Look:
    size, digests = int(np.prod(split.inputs.shape[1:])), b""
    tell = progress_counter(f"Looking at the {name} split: {{}} of {{}} samples", len(split))
    lowest, highest = np.full(size, np.inf), np.full(size, -np.inf)
    sums, squares = np.zeros(size), np.zeros(size)
    for block in blocks_of(split):
        rows = np.ascontiguousarray(block).reshape(len(block), -1)
        digests += b"".join(hashlib.blake2b(row.data, digest_size=8).digest() for row in rows)
        tell(len(digests) // 8)
        np.minimum(lowest, rows.min(axis=0), out=lowest)
        np.maximum(highest, rows.max(axis=0), out=highest)
        numbers = rows.astype(np.float64)
        sums += numbers.sum(axis=0)
        squares += np.einsum("ij,ij->j", numbers, numbers)
    means = sums / len(split)
    return _Look(
        np.frombuffer(digests, np.uint64),
        lowest,
        highest,
        means,
        np.sqrt(np.maximum(squares / len(split) - means**2, 0)),
    )


def _counts(dataset: Dataset, split: Split) -> tuple[int, ...]:
    labels = split.labels[split.positions]
    if dataset.task.has_classes:
        return tuple(np.bincount(labels, minlength=len(dataset.class_names)).tolist())
    return () if labels.dtype.kind == "f" else tuple(labels.sum(axis=0, dtype=np.int64).tolist())


Findings = Iterator[tuple[str, str]]


def _of_duplicates(dataset: Dataset, splits: Mapping[str, SplitFacts], looks: Mapping[str, _Look]) -> Findings:
    for name, facts in splits.items():
        if facts.in_train:
            share = f"{facts.in_train:,} of {facts.samples:,} samples ({facts.in_train / facts.samples:.1%})"
            yield "duplicates", f"{share} of the {name} split are identical to a training sample"
    if splits["train"].duplicates:
        yield "duplicates", f"{splits['train'].duplicates:,} training samples are duplicates of another"
    if contradictions := _contradictions(dataset, looks["train"].digests):
        yield (
            "contradiction",
            f"{contradictions:,} training samples have the same inputs as another, but a different target",
        )


def _contradictions(dataset: Dataset, digests: np.ndarray) -> int:
    """Return how many training samples share their inputs with an earlier one of another target."""
    labels = dataset.train.labels[dataset.train.positions]
    _, first, groups = np.unique(digests, return_index=True, return_inverse=True)
    differs = labels[first[groups]] != labels
    return int(differs.reshape(len(labels), -1).any(axis=1).sum())


def _of_leaks(dataset: Dataset) -> Findings:
    leaks = find_leaks(dataset)
    for leak in leaks[:_MOST_NAMED]:
        of = f" {dataset.class_names[leak.target]!r}" if dataset.train.labels.ndim > 1 else ""
        yield (
            "leak",
            (
                f"{name_of_input(dataset, leak.place)} alone predicts the target{of} "
                f"({leak.measure} {leak.score:.3f}): possibly a leak"
            ),
        )
    if len(leaks) > _MOST_NAMED:
        yield "leak", f"{len(leaks) - _MOST_NAMED:,} more inputs predict a target on their own"


def name_of_input(dataset: Dataset, place: int) -> str:
    """Return what an input is called, by its place in a sample."""
    if dataset.columns:
        return f"column {dataset.columns[place].name!r}"
    where = [int(i) for i in np.unravel_index(place, dataset.input_shape)]
    return f"value {where[0]}" if len(where) == 1 else f"the value at {where}"


def _of_constants(dataset: Dataset, train: _Look) -> Findings:
    constant = np.flatnonzero(train.lowest == train.highest)
    if len(constant) == len(train.lowest):
        yield "constant", "all training inputs are the same"
    elif len(constant) and len(dataset.input_shape) == 1:  # the border of images seldom changes
        called = [dataset.columns[i].name if dataset.columns else str(i) for i in constant]
        kind = "columns" if dataset.columns else "values"
        yield (
            "constant",
            (f"{len(constant):,} of {len(train.lowest):,} {kind} never change in training: {listed(called)}"),
        )


def _of_gaps(dataset: Dataset) -> Findings:
    rows = len(dataset.train.labels)
    gaps = {column.name: column.missing / rows for column in dataset.columns if column.missing > rows * _MOSTLY}
    if gaps:
        named = [f"{name} ({share:.0%})" for name, share in gaps.items()]
        yield "missing", f"columns that are missing in most rows: {listed(named)}"


def _of_classes(dataset: Dataset, splits: Mapping[str, SplitFacts]) -> Findings:
    counts = splits["train"].counts
    if not counts:
        return
    names, samples = dataset.class_names, splits["train"].samples
    few = [f"{names[i]} ({count})" for i, count in enumerate(counts) if count < _FEW_SAMPLES]
    if few:
        kind = "classes" if dataset.task.has_classes else "labels"
        yield "few", f"{kind} with fewer than {_FEW_SAMPLES} training samples: {listed(few)}"
    if dataset.task.has_classes and max(counts) >= _LEAST_IMBALANCE * max(1, min(counts)):
        most, least = int(np.argmax(counts)), int(np.argmin(counts))
        yield (
            "imbalance",
            (
                f"class {names[most]!r} has {counts[most]:,} training samples, {names[least]!r} {counts[least]:,}: "
                f"always predicting {names[most]!r} scores {counts[most] / samples:.1%}; see --balance"
            ),
        )
    for name, facts in splits.items():
        missing = [names[i] for i, count in enumerate(facts.counts) if not count and counts[i]]
        if missing and name != "train":
            yield "few", f"the {name} split has no samples of {listed(missing)}"


def _of_names(dataset: Dataset) -> Findings:
    """Yield the classes and labels whose names differ in case or blanks only."""
    alike: dict[str, list[str]] = {}
    for name in dataset.class_names if dataset.train.labels.dtype.kind != "f" else ():
        alike.setdefault(" ".join(name.split()).casefold(), []).append(name)
    for names in alike.values():
        if len(names) > 1:
            yield (
                "names",
                f"{listed([repr(name) for name in names])} are classes of their own: they differ only in case",
            )


def _of_ranges(splits: Mapping[str, SplitFacts]) -> Findings:
    train = splits["train"].inputs
    for name, facts in splits.items():
        distance = abs(facts.inputs.mean - train.mean)
        if distance > _FAR * max(train.std, 1e-12):
            yield (
                "range",
                (
                    f"inputs of the {name} split have mean {facts.inputs.mean:.4g}, of training {train.mean:.4g}: "
                    "check their scale"
                ),
            )


def _of_targets(dataset: Dataset, targets: np.ndarray) -> Findings:
    for name, values in zip(dataset.class_names, targets.T, strict=False):
        far = np.abs(values - values.mean()) > _OUTLIER * values.std()
        if far.any():
            yield (
                "outliers",
                f"{int(far.sum()):,} values of {name!r} are more than {_OUTLIER} standard deviations from the mean",
            )
