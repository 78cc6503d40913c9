"""What was understood of data, as lines for a person or a pipe."""

from __future__ import annotations

import math
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence

from tbcli.cli.output import is_terminal, padded, printable, shortened, styled
from tbcli.config import DataConfig
from tbcli.data.dataset import Column
from tbcli.data.inspection import Inspection, Range

_MOST_ROWS = 24  # of classes, targets or columns on a terminal; a pipe has all
_LONGEST_NAME = 32
_PIPED_COLUMNS = 10_000


def report_lines(inspection: Inspection, config: DataConfig) -> list[str]:
    """Return blocks with a blank line between: facts, classes or targets, columns, findings, notes."""
    width = min(shutil.get_terminal_size().columns, 100) if is_terminal(sys.stdout) else _PIPED_COLUMNS
    blocks = [
        _facts(inspection, config),
        _classes(inspection),
        _targets(inspection),
        _columns(inspection, width),
        list(_sentences("Check", [text for _, text in inspection.findings], width, "yellow")),
        list(_sentences("How it was read", inspection.dataset.notes[len(inspection.dataset.doubts) :], width, "bold")),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block).split("\n")


def _facts(inspection: Inspection, config: DataConfig) -> list[str]:
    dataset = inspection.dataset
    train = inspection.splits["train"].inputs
    shape = " x ".join(map(str, dataset.input_shape))
    what = f"{shape} {dataset.train.inputs.dtype}, {_range(train)}"
    if dataset.columns:
        categories = sum(column.kind == "category" for column in dataset.columns)
        kinds = [(len(dataset.columns) - categories, "numbers"), (categories, "categories")]
        said = " and ".join(f"{count} of {kind}" for count, kind in kinds if count)
        what = f"{len(dataset.columns)} column{'s' if len(dataset.columns) > 1 else ''}, {said}"
    if inspection.constant:
        what += f"; {inspection.constant:,} of {math.prod(dataset.input_shape):,} never change"
    count = len(dataset.class_names)
    names = "classes" if dataset.task.has_classes else "values" if inspection.targets else "labels"
    learnt = f"{dataset.task.name}, {count} {names if count > 1 else names[:-1]}"
    learnt += f" of {config.target}" if dataset.columns else ""
    rows = [["source", config.source], ["task", learnt], ["inputs", what]]
    total = sum(facts.samples for facts in inspection.splits.values())
    for name, facts in inspection.splits.items():
        cut = " held out" if facts.held_out else ""
        rows.append([name, f"{facts.samples:,} samples ({facts.samples / total:.0%}){cut}"])
    return [styled(dataset.name, "bold", sys.stdout), *(f"  {line}" for line in padded(_printable(rows)))]


def _range(numbers: Range) -> str:
    return f"{_short(numbers.minimum)} to {_short(numbers.maximum)}, mean {_short(numbers.mean)}"


def _short(number: float) -> str:
    """Return a number with four digits at least, and none of its whole part lost."""
    return f"{number:,.0f}" if 1e4 <= abs(number) < 1e9 else f"{number:.4g}"


def _printable(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[printable(cell) for cell in row] for row in rows]


def _table(rows: list[list[str]], right: range) -> list[str]:
    """Return a table; on a terminal a long one ends with how many rows are left."""
    left = len(rows) - 1 - _MOST_ROWS if is_terminal(sys.stdout) else 0
    shown = rows[: _MOST_ROWS + 1] if left > 0 else rows
    lines = padded(_printable(shown), right=right)
    lines[0] = styled(lines[0], "bold", sys.stdout)
    return [*lines, *([f"... and {left:,} more; a pipe and --json show all"] if left > 0 else [])]


def _classes(inspection: Inspection) -> list[str]:
    if inspection.targets:
        return []
    kind = "class" if inspection.dataset.task.has_classes else "label"
    rows = [[kind, *inspection.splits]]
    for i, name in enumerate(inspection.dataset.class_names):
        counts = [f"{facts.counts[i]:,}" for facts in inspection.splits.values()]
        rows.append([shortened(name, _LONGEST_NAME), *counts])
    return _table(rows, range(1, len(rows[0])))


def _targets(inspection: Inspection) -> list[str]:
    if not inspection.targets:
        return []
    rows = [["target", "least", "most", "mean", "std"]]
    for name, each in zip(inspection.dataset.class_names, inspection.targets, strict=True):
        numbers = (each.minimum, each.maximum, each.mean, each.std)
        rows.append([shortened(name, _LONGEST_NAME), *map(_short, numbers)])
    return _table(rows, range(1, 5))


def _columns(inspection: Inspection, width: int) -> list[str]:
    if not inspection.columns:
        return []
    rows = [["column", "missing", "values in the training rows"]]
    for column, each in zip(inspection.dataset.columns, inspection.columns, strict=True):
        rows.append([shortened(column.name, _LONGEST_NAME), f"{column.missing:,}", _values(column, each)])
    used = max(len(row[0]) for row in rows) + max(len(row[1]) for row in rows) + 4
    return _table([[*row[:2], shortened(row[2], max(20, width - used))] for row in rows], range(1, 2))


def _values(column: Column, numbers: Range) -> str:
    if column.kind == "category":
        return f"{len(column.vocabulary)} categories: {', '.join(column.vocabulary[:50])}"
    return _range(numbers)


def _sentences(title: str, sentences: Sequence[str], width: int, style: str) -> Iterator[str]:
    if sentences:
        yield styled(title, style, sys.stdout)
    for sentence in sentences:
        yield from textwrap.wrap(
            printable(sentence), width, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False
        )
