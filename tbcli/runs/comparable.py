"""Whether runs can be compared by a metric: they learnt the same, and were measured on the same samples.

A run keeps a fingerprint of each split. Where it keeps none, as runs of earlier versions and of other programs, the
name of the data has to do: a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tbcli.naming.series import split_of
from tbcli.naming.words import TRAIN
from tbcli.runs.summary import Summary

TASKS, DATA = "tasks", "data"


def what_differs(one: Summary, other: Summary, metric: str, *, strict: bool = False) -> str:
    """Return what makes a metric of two runs incomparable: `TASKS`, `DATA`, or ``""``.

    Args:
        one: A run.
        other: Another one.
        metric: Its name tells the split on which it was measured.
        strict: Whether what only one of them tells counts as a difference.
    """
    if one.task != other.task and (strict or (one.task and other.task)):
        return TASKS
    ours, theirs = (fingerprint_of(run, metric) for run in (one, other))
    if ours and theirs:
        return "" if ours == theirs else DATA
    return DATA if one.data != other.data and (strict or (one.data and other.data)) else ""


def fingerprint_of(run: Summary, metric: str) -> str:
    """Return the fingerprint of the samples on which a metric was measured, ``""`` where the run keeps none."""
    return run.fingerprints.get(split_of(metric) or TRAIN, "")


def notes_on_differences(sides: Sequence[tuple[str, Sequence[Summary]]]) -> list[str]:
    """Return sentences on what makes metrics incomparable; none where they can be compared.

    Args:
        sides: What is compared: a label, and its runs.
    """
    notes = []
    runs = [run for _, members in sides for run in members]
    if len({run.task for run in runs if run.task}) > 1:
        notes.append(_note("the tasks differ", ((label, [run.task for run in members]) for label, members in sides)))
    if len({run.data for run in runs if run.data}) > 1:
        notes.append(_note("the data differ", ((label, [run.data for run in members]) for label, members in sides)))
    elif splits := _differing_splits(runs):
        notes.append(f"the {' and '.join(splits)} samples differ, so the metrics may not be comparable")
    return notes


def _note(what: str, told: Iterable[tuple[str, Sequence[str]]]) -> str:
    each = "; ".join(f"{label}: {', '.join(dict.fromkeys(filter(None, texts))) or 'unknown'}" for label, texts in told)
    return f"{what}, so the metrics may not be comparable: {each}"


def _differing_splits(runs: Sequence[Summary]) -> list[str]:
    """Return the splits held out whose samples differ."""
    splits = dict.fromkeys(split for run in runs for split in run.fingerprints if split != TRAIN)
    return [split for split in splits if len({run.fingerprints.get(split) for run in runs} - {None}) > 1]
