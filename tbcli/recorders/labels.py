"""What is to be learnt of each split: how often each class, label or target value occurs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tbcli.figures.png.balance import draw_balance
from tbcli.figures.png.values import draw_values
from tbcli.naming import tags
from tbcli.recorders.input_values import of_numbers, span_of
from tbcli.recorders.markdown import table
from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION, Task

_MOST_ROWS = 1000  # of a table
_MOST_PANELS = 3  # of target values
_LABELS = "label", "labels"

Told = tuple[str, tuple[bytes, tuple[int, int]]]
"""Markdown, and a picture with its size."""


def tell_targets(task: Task, labels: Mapping[str, np.ndarray], names: Sequence[str]) -> dict[str, Told]:
    """Return texts and pictures by tag.

    Args:
        task: What is learnt.
        labels: What is true of all samples ``[n, ...]``, by split.
        names: A name for each class, label or value.
    """
    return _TARGETS[task.name](labels, names)


def _tell_classes(labels: Mapping[str, np.ndarray], names: Sequence[str]) -> dict[str, Told]:
    counts = {name: np.bincount(found, minlength=len(names)) for name, found in labels.items()}
    return {tags.CLASS_BALANCE: (describe_balance(counts, names), draw_balance(counts, names))}


def _tell_labels(labels: Mapping[str, np.ndarray], names: Sequence[str]) -> dict[str, Told]:
    positives = {name: (found > 0).sum(axis=0) for name, found in labels.items()}
    samples = {name: len(found) for name, found in labels.items()}
    numbers = {name: (found > 0).sum(axis=1) for name, found in labels.items()}
    most = max(int(found.max(initial=0)) for found in numbers.values())
    counts = {name: np.bincount(found, minlength=most + 1) for name, found in numbers.items()}
    several = [f"{number}" for number in range(most + 1)]
    return {
        tags.LABEL_BALANCE: (
            describe_balance(positives, names, samples, _LABELS),
            draw_balance(positives, names, samples),
        ),
        tags.LABELS_PER_SAMPLE: (
            describe_balance(counts, several, nouns=("labels", "numbers of labels")),
            draw_balance(counts, several),
        ),
    }


def _tell_values(labels: Mapping[str, np.ndarray], names: Sequence[str]) -> dict[str, Told]:
    """Tell of target values; a panel per split and value, for each value to one scale."""
    shown = names[:_MOST_PANELS]
    spans = {column: span_of([found[:, column] for found in labels.values()]) for column in range(len(shown))}
    panels = {
        f"{name}, {split}" if len(names) > 1 else split: of_numbers(
            found[:, [column]].astype(np.float64), len(found), spans[column]
        )
        for column, name in enumerate(shown)
        for split, found in labels.items()
    }
    title = "how often each target value occurs"
    if len(shown) < len(names):
        title += f"; the first {len(shown)} of {len(names)}"
    return {tags.TARGETS: (describe_targets(labels, names), draw_values(panels, title, is_log=False))}


_TARGETS: Mapping[str, Callable[[Mapping[str, np.ndarray], Sequence[str]], dict[str, Told]]] = {
    CLASSIFICATION.name: _tell_classes,
    MULTI_LABEL.name: _tell_labels,
    REGRESSION.name: _tell_values,
}
"""Task -> what tells of the labels of all splits: texts and pictures by tag."""


def describe_balance(
    counts: Mapping[str, np.ndarray],
    names: Sequence[str],
    totals: Mapping[str, int] | None = None,
    nouns: tuple[str, str] = ("class", "classes"),
) -> str:
    """Return a table of samples per class or label, and their share of the split; below it the sums.

    Args:
        counts: Samples of each class or label ``[names]`` by split.
        names: A name for each of them.
        totals: Samples of each split, where one may be counted several times.
        nouns: What one of them is called, and several.
    """
    header = [nouns[0], *(title for name in counts for title in (name, f"% of {name}"))]
    sizes = totals or {name: int(found.sum()) for name, found in counts.items()}
    rows = []
    for number, one in enumerate(names[:_MOST_ROWS]):
        pairs = (
            (f"{found[number]:,}", f"{100 * found[number] / max(1, sizes[name]):.2f}") for name, found in counts.items()
        )
        rows.append([one, *(cell for pair in pairs for cell in pair)])
    sums = ["samples" if totals else "all", *(cell for name in counts for cell in (f"{sizes[name]:,}", "100.00"))]
    absent = [f"{name}: no sample of {int((found == 0).sum())}" for name, found in counts.items() if (found == 0).any()]
    more = len(names) - _MOST_ROWS
    left_out = f"\nAnd {more:,} {nouns[1]} more.\n" if more > 0 else ""
    note = f"\n{nouns[1].capitalize()} without a sample: {', '.join(absent)}.\n" if absent else ""
    return table(header, [*rows, sums], numbers_from=1) + left_out + note


def describe_targets(labels: Mapping[str, np.ndarray], names: Sequence[str]) -> str:
    """Return a table of the target values ``[n, values]`` of each split."""
    header = ("value", "split", "samples", "min", "median", "max", "mean", "std")
    rows = []
    for column, name in enumerate(names[:_MOST_ROWS]):
        for split, found in labels.items():
            values = found[:, column].astype(np.float64)
            numbers = (values.min(), np.median(values), values.max(), values.mean(), values.std())
            rows.append((name, split, f"{len(values):,}", *(f"{number:.6g}" for number in numbers)))
    more = len(names) - _MOST_ROWS
    return table(header, rows, numbers_from=2) + (f"\nAnd {more:,} values more.\n" if more > 0 else "")
