"""What a trial of a sweep reached: the one place that takes from a run the number it is judged by."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tbcli.naming.series import without_split
from tbcli.runs.run import Run
from tbcli.runs.run_summary import summary_of

LAST = "last"


def number_of_trial(run: Run) -> int:
    """Return the number of a trial, -1 where its record does not tell."""
    number = run.sweep.get("trial")
    return number if isinstance(number, int) else -1


def value_of_trial(run: Run, metric: str, selector: str) -> float | None:
    """Return the number of a run, None where it has none; without validation the training's has to do.

    Args:
        run: The trial.
        metric: Its name.
        selector: ``best`` or ``last``, of its values over the epochs.
    """
    summary = summary_of(run)
    for name in dict.fromkeys((metric, without_split(metric))):
        found = summary.metric(name, selector)
        value = found.select(selector) if found else None
        if value is not None and math.isfinite(value):
            return value
    return None


def goal_text(metric: str, selector: str) -> str:
    """Return what trials are judged by as a person asks for it; the last value needs no selector."""
    return metric if selector == LAST else f"{metric}.{selector}"


def judged_by(run: Run) -> str:
    """Return what a trial is judged by, ``""`` where its record does not tell."""
    metric = run.sweep.get("metric")
    return goal_text(str(metric), str(run.sweep.get("selector") or LAST)) if metric else ""


def reached(run: Run) -> float | None:
    """Return the number that a trial is judged by, None where it has none or its record does not tell by which."""
    metric = run.sweep.get("metric")
    return value_of_trial(run, str(metric), str(run.sweep.get("selector") or LAST)) if metric else None


def best_of_trials(runs: Sequence[Run]) -> Run | None:
    """Return the best of the finished trials of one sweep, None where nothing tells."""
    scored = [(value, run) for run in runs if (value := reached(run)) is not None and run.status() == "finished"]
    if not scored:
        return None
    choose = min if scored[-1][1].sweep.get("sense") == "min" else max
    return choose(scored, key=lambda one: one[0])[1]
