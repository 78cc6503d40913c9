"""What the event files of a run, or of any log directory, say of each scalar: best, where, and last."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tbcli.events.damage import Damage
from tbcli.naming.direction import lower_is_better
from tbcli.readers.events import LogContent, open_logdir
from tbcli.readers.series import Scalars, Series
from tbcli.runs.run import LogDirectory
from tbcli.runs.summary import Metric, Summary


def summarize_logdir(
    found: LogDirectory, *, verify: bool = False, cache: bool = True
) -> tuple[Summary, tuple[Damage, ...]]:
    """Return the summary of a log directory of somebody else's, and what is damaged in it.

    A metric is called ``run/tag``, as TensorBoard shows it; the hyperparameters of its runs are its settings.

    Args:
        found: The directory.
        verify: See `open_logdir`.
        cache: See `open_logdir`.
    """
    content = open_logdir(found.logs, verify=verify, cache=cache)
    scalars = content.scalars()
    metrics = {joined(series.run, series.tag): metric_of(series) for series in scalars}
    name = os.path.normpath(found.logs)
    summary = Summary(name, name, metrics, lambda fact: None, lambda: _hyperparameters(content), unit="step")
    return summary, (*content.damage, *(each for each in scalars.damage if each not in content.damage))


def joined(run: str, tag: str) -> str:
    """Return ``run/tag``; the tag alone for what lies in the directory itself."""
    return tag if run == "." else f"{run}/{tag}"


def metric_of(series: Series) -> Metric:
    """Return best and last of a series; all not a number where it has no finite value."""
    values = series.value
    last = float(values[-1])
    finite = np.flatnonzero(np.isfinite(values))
    if not len(finite):
        return Metric(float("nan"), None, last)
    choose = np.argmin if lower_is_better(joined(series.run, series.tag)) else np.argmax
    best = finite[choose(values[finite])]
    return Metric(float(values[best]), int(series.step[best]), last)


def tags_of(logs: Path) -> dict[str, Metric]:
    """Return the scalars in the event files of a run of ours, as ``directory/tag``, and by the tag where one has it."""
    scalars = open_logdir(logs).scalars()
    return dict(_named(scalars))


def _named(scalars: Scalars) -> Iterator[tuple[str, Metric]]:
    tags = [tag for _, tag in scalars.names]
    for series in scalars:
        metric = metric_of(series)
        yield joined(series.run, series.tag), metric
        if tags.count(series.tag) == 1:
            yield series.tag, metric


def _hyperparameters(content: LogContent) -> dict[str, object]:
    """Return the hyperparameters that all runs agree on by name, and those of each run with the run before."""
    by_run = {run: hparams.values for run, hparams in content.documents().hparams.items() if hparams.values}
    if len(by_run) == 1:
        return dict(next(iter(by_run.values())))
    return {joined(run, name): value for run, values in by_run.items() for name, value in values.items()}
