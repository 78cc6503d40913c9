"""Whether runs can be compared by a metric: they learnt the same, and were measured on the same samples.

A run keeps a fingerprint of each split. Where it keeps none, as runs of earlier versions and of other programs, the
name of the data has to do: a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tbcli.naming.series import split_of
from tbcli.naming.words import TRAIN, VALIDATION
from tbcli.runs.summary import Summary

TASKS, DATA, UNKNOWN = "tasks", "data", "unknown"
NO_NAME = "n/a"
"""What a run says of its data that recorded somebody's own training."""


def what_differs(one: Summary, other: Summary, metric: str, *, strict: bool = False) -> str:
    """Return what makes a metric of two runs incomparable: `TASKS`, `DATA`, `UNKNOWN` data, or ``""``.

    Args:
        one: A run.
        other: Another one.
        metric: Its name tells the split on which it was measured.
        strict: Whether what only one of them tells counts as a difference. Then runs of the same script whose data are
            not known are taken to have the same.
    """
    if one.task != other.task and (strict or (one.task and other.task)):
        return TASKS
    ours, theirs = (fingerprint_of(run, metric) for run in (one, other))
    unnamed = [run.data for run in (one, other)].count(NO_NAME)
    if ours and theirs and (ours == theirs or unnamed != 1):  # a script may prepare the same data otherwise
        return "" if ours == theirs else DATA
    if unnamed:
        is_same = one.id == other.id or (strict and unnamed == 2 and script_of(one) == script_of(other) != "")
        return "" if is_same and not (ours and theirs) else UNKNOWN
    return DATA if one.data != other.data and (strict or (one.data and other.data)) else ""


def script_of(run: Summary) -> str:
    """Return the script that made a run, ``""`` where none is known."""
    return str(run.read_fact("script") or "")


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
    if len({run.data for run in runs} - {"", NO_NAME}) > 1:
        notes.append(_note("the data differ", ((label, [run.data for run in members]) for label, members in sides)))
    elif splits := _differing_splits(runs):
        notes.append(f"the {' and '.join(splits)} samples differ, so the metrics may not be comparable")
    elif unknown := [label for label, members in sides if not all(_is_known(run, runs) for run in members)]:
        notes.append(f"the data of {', '.join(unknown)} are not known, so the metrics may not be comparable")
    return notes


def _is_known(run: Summary, others: Sequence[Summary]) -> bool:
    """Say whether it is known what samples a run was validated with, or it is compared with itself."""
    prints = {other.fingerprints.get(VALIDATION) for other in others}
    return run.data != NO_NAME or (len(prints) == 1 and prints != {None}) or {other.id for other in others} == {run.id}


def _note(what: str, told: Iterable[tuple[str, Sequence[str]]]) -> str:
    each = "; ".join(f"{label}: {', '.join(dict.fromkeys(filter(None, texts))) or 'unknown'}" for label, texts in told)
    return f"{what}, so the metrics may not be comparable: {each}"


def _differing_splits(runs: Sequence[Summary]) -> list[str]:
    """Return the splits held out whose samples differ; a script and `tbcli train` may prepare the same otherwise."""
    if {run.data == NO_NAME for run in runs} == {True, False}:
        return []
    splits = dict.fromkeys(split for run in runs for split in run.fingerprints if split != TRAIN)
    return [split for split in splits if len({run.fingerprints.get(split) for run in runs} - {None}) > 1]
