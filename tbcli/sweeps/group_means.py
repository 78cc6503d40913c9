"""The trials of a sweep as groups that differ in their seed alone, and the course of each group's metrics."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
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
        mean: Over those that have a finite value there.
        deviation: Their sample standard deviation; None for fewer than two.
    """

    mean: float
    deviation: float | None


class GroupCurves(NamedTuple):
    """The metrics of a group, epoch by epoch, as far as all of its runs go: a sample that shrinks makes the mean jump.

    Args:
        runs: How many there are.
        epochs: Those that all of them have.
        longest: The last epoch that one of them has.
        metrics: ``{metric: {epoch: its spread}}``; what is not a finite number does not count.
    """

    runs: int
    epochs: Sequence[int]
    longest: int
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
    histories = [read_history(run.history_file) for run in group.runs]
    of_runs = [set(history.epochs) for history in histories if history.epochs]
    common = set.intersection(*of_runs) if of_runs else set()
    values: dict[str, dict[int, list[float]]] = {}
    for history in histories:
        for name, column in history.columns.items():
            if name in NOT_METRICS:
                continue
            for epoch, value in zip(history.epochs, column, strict=True):
                if epoch in common and math.isfinite(value):
                    values.setdefault(name, {}).setdefault(epoch, []).append(value)
    spreads = {
        name: {epoch: _spread_of(measured) for epoch, measured in sorted(course.items())}
        for name, course in values.items()
    }
    longest = max((max(each) for each in of_runs), default=0)
    return GroupCurves(len(of_runs), sorted(common), longest, spreads)


def _spread_of(values: Sequence[float]) -> Spread:
    # As `tbcli compare --group-by` computes it, to the last digit.
    return Spread(statistics.mean(values), statistics.stdev(values) if len(values) > 1 else None)
