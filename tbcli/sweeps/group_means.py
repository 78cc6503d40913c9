"""The trials of a sweep as groups that differ in their seed alone, and the course of each group's metrics."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tbcli.naming.direction import NOT_METRICS
from tbcli.naming.group_labels import group_label
from tbcli.runs.history import read_history
from tbcli.runs.run import Run


class TrialGroup(NamedTuple):
    """Trials with the same settings.

    Args:
        label: The settings that vary in the sweep, and their values here.
        runs: The trials, in their order.
    """

    label: str
    runs: Sequence[Run]


class Spread(NamedTuple):
    """A metric over the runs of a group, after one epoch.

    Args:
        mean: Over those that got there.
        deviation: Their sample standard deviation; None for fewer than two.
    """

    mean: float
    deviation: float | None


class GroupCurves(NamedTuple):
    """The metrics of a group, epoch by epoch.

    Args:
        runs: ``{epoch: how many runs got there}``.
        metrics: ``{metric: {epoch: its spread}}``; what is not a finite number does not count.
    """

    runs: Mapping[int, int]
    metrics: Mapping[str, Mapping[int, Spread]]


def group_trials(runs: Sequence[Run]) -> list[TrialGroup]:
    """Return the groups, in the order of their first trials.

    Args:
        runs: Trials of one sweep.
    """
    groups: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: int(run.sweep["trial"])):
        groups.setdefault(json.dumps(run.sweep.get("params"), sort_keys=True), []).append(run)
    return [TrialGroup(group_label(members[0].sweep.get("params") or {}), members) for members in groups.values()]


def curves_of_group(group: TrialGroup) -> GroupCurves:
    """Return how the metrics of a group went."""
    reached: dict[int, int] = {}
    values: dict[str, dict[int, list[float]]] = {}
    for run in group.runs:
        history = read_history(run.history_file)
        for epoch in history.epochs:
            reached[epoch] = reached.get(epoch, 0) + 1
        for name, column in history.columns.items():
            if name in NOT_METRICS:
                continue
            for epoch, value in zip(history.epochs, column, strict=True):
                if math.isfinite(value):
                    values.setdefault(name, {}).setdefault(epoch, []).append(value)
    spreads = {
        name: {epoch: _spread_of(measured) for epoch, measured in sorted(course.items())}
        for name, course in values.items()
    }
    return GroupCurves(dict(sorted(reached.items())), spreads)


def _spread_of(values: Sequence[float]) -> Spread:
    # As `tbcli compare --group-by` computes it, to the last digit.
    return Spread(statistics.mean(values), statistics.stdev(values) if len(values) > 1 else None)


def where_runs_end(curves: GroupCurves) -> Iterator[tuple[int, int]]:
    """Yield how many runs of a group reach an epoch, and the last epoch that as many reach."""
    epochs = list(curves.runs)
    for epoch, following in zip(epochs, [*epochs[1:], None], strict=True):
        if following is None or curves.runs[following] != curves.runs[epoch]:
            yield curves.runs[epoch], epoch
