"""Which tables of text are training logs: Keras' ``CSVLogger``, Lightning's ``metrics.csv``, ``results.csv`` and kin.

A table is a log only if its header says so: a column that counts epochs or steps, and another that is called as a
metric is. One whose name nothing tells must begin with ``epoch``; so a data set is never taken for a log.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tbcli.naming.direction import is_measure
from tbcli.naming.tag_parts import read_tag
from tbcli.naming.words import EPOCH, STEP, learning_rate_of, words_of
from tbcli.readers.cells import is_strange, number_in
from tbcli.runs.files import open_regular
from tbcli.runs.history import LEADING_COLUMNS

_KNOWN = frozenset(("metrics.csv", "results.csv", "summary.csv", "progress.csv", "history.csv"))
_SEPARATORS = ",;\t"
_STEPS = ("step", "global_step", "global step", "iteration", "iter", "steps", "iterations")
EPOCHS = ("epoch", "epochs")
_OTHER_COUNTERS = ("timesteps_total", "time/total_timesteps", "total_timesteps", "training_iteration")
_COUNTERS = (*_STEPS, *EPOCHS, *_OTHER_COUNTERS)
_UNNAMED = ("", "unnamed: 0")  # the index that pandas writes
# Words that hardly anybody but a training writes; others that measure (`score`, `error`) stand in data sets too.
_TELLING = frozenset(
    (
        "loss",
        "losses",
        "logloss",
        "acc",
        "accuracy",
        "mae",
        "mse",
        "rmse",
        "auc",
        "f1",
        "ppl",
        "perplexity",
        "nll",
        "bce",
        "dice",
        "iou",
        "bleu",
        "reward",
        "rew",
    )
)
_HEAD = 1 << 16  # bytes, in which the header and the first row must end
_MOST_EPOCH = 1e8  # above that it is a time


class Form(NamedTuple):
    """How a table is written: what separates its cells, and which column counts what."""

    separator: str
    counter: str
    unit: str


def form_of(path: str, *, is_named: bool = False) -> Form | None:
    """Return how a table is written, or None where it is no training log.

    Args:
        path: The file.
        is_named: Whether the user named this very file: then any table with a counter is a log.

    Raises:
        OSError: The file cannot be read.
    """
    separator, header, second = _first_rows(path)
    if len(header) < 2:
        return None
    counter = _counter(header, second, Path(path).name.lower(), is_named=is_named)
    return Form(separator, *counter) if counter else None


def why_not(path: str) -> str:
    """Return for a person why a table is not taken for a training log.

    Raises:
        OSError: The file cannot be read.
    """
    _, header, second = _first_rows(path)
    if len(header) < 2:
        return "is no table"
    if _counter(header, second, "", is_named=True) is not None:
        if not any(second):
            return "has a header and no rows"
        return "is not clearly a training log: to read it all the same, name the file itself"
    place = next((place for place, cell in enumerate(header) if _plain(cell) in _COUNTERS), None)
    if place is None:
        return "is no training log: no column counts epochs or steps"
    return f"is no training log: {header[place]!r} is no count of epochs or steps in its first row"


def _first_rows(path: str) -> tuple[str, list[str], list[str]]:
    """Return what separates the cells of a table, its header, and its first row."""
    with open_regular(path) as file:
        head = os.read(file, _HEAD)
    first, _, rest = (
        head.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\r", "\n").partition("\n")
    )
    if "\0" in first:
        return "", [], []
    separator = max(_SEPARATORS, key=first.count)
    return separator, _cells(first, separator), _cells(rest.partition("\n")[0], separator)


def _cells(line: str, separator: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:
        return []


def _counter(header: Sequence[str], row: Sequence[str], name: str, *, is_named: bool) -> tuple[str, str] | None:
    """Return the column that counts, and its unit; None where this is no training log."""
    lower = [_plain(cell) for cell in header]
    if is_ours(header):  # a row per epoch
        return header[0], EPOCH
    if lower[0] in _UNNAMED:
        is_pandas = any(f"val_{cell}" in lower for cell in lower[1:]) or is_named
        return (header[0], EPOCH) if is_pandas and _counts(row, 0) else None
    place = next((lower.index(word) for word in _COUNTERS if word in lower), None)
    if place is None or not _counts(row, place):
        return None
    others = [cell for cell in header if cell != header[place] and _plain(cell) not in EPOCHS]
    if not is_named:
        begins = lower[0] in EPOCHS or (lower[0] in _STEPS and any(epoch in lower for epoch in EPOCHS))
        is_known = name in _KNOWN and (name == "progress.csv" or all(map(_is_number_or_empty, row)))
        if not (begins or is_known) or not any(map(is_telling, others)):
            return None
    return header[place], EPOCH if lower[place] in EPOCHS else STEP


def is_ours(header: Sequence[str]) -> bool:
    """Say whether this is the history of a run of ours."""
    return tuple(header[: len(LEADING_COLUMNS)]) == LEADING_COLUMNS


def _plain(cell: str) -> str:
    return cell.lstrip("# ").lower()


def _counts(row: Sequence[str], place: int) -> bool:
    """Say whether a first row, if there is one, has a small number at a place."""
    if not any(row):
        return True
    value = number_in(row[place]) if place < len(row) else math.nan
    return value is not None and 0 <= value < _MOST_EPOCH


def _is_number_or_empty(cell: str) -> bool:
    return not is_strange(cell, number_in(cell))


def is_telling(name: str) -> bool:
    """Say whether a column is called as hardly anything but a metric of a training is."""
    tag = read_tag(name)
    words = {word.text for word in words_of(name)}
    return bool(
        words & _TELLING or learning_rate_of(tag.core) or (tag.split and is_measure(tag.core, with_direction=True))
    )
