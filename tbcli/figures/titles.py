"""What is written above and below figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from tbcli.figures.curves import SEPARATOR, Heading, on_one_line
from tbcli.naming.series import AT_STEP
from tbcli.naming.shortening import shortened_names
from tbcli.runs import Run
from tbcli.runs.comparable import NO_NAME

HISTORY = "training history"
_ACRONYM_LENGTH = 4  # mae, mse, auc, f1: not to be capitalised
_LEAST_WHAT = 0.25  # share of the line below which model and data are left out


def heading_of(run: Run) -> str:
    """Return what a person calls the run."""
    return run.name or run.id


def run_heading(run: Run, kind: str, *results: str, title: str = "") -> Heading:
    """Return what stands above a figure of one run.

    Args:
        run: Whose.
        kind: What the figure is.
        results: Facts that are never cut, the more important ones last; empty ones are left out.
        title: In place of the run's name.
    """
    facts = tuple(filter(None, results))
    return Heading(title or heading_of(run), kind, model_and_data([run]), run.id if run.name or title else "", facts)


def model_and_data(runs: Sequence[Run]) -> str:
    """Return what all the runs trained, and on what."""
    model, data = _shared(run.model_name for run in runs), _shared(run.data_name for run in runs)
    data = "" if data == NO_NAME else data
    return " on ".join(filter(None, (model, data)))


def _shared(facts: Iterable[str]) -> str:
    different = set(facts)
    return different.pop() if len(different) == 1 else ""


def history_heading(runs: Sequence[Run], epochs: int) -> Heading:
    """Return what stands above the history of one run, or of several over one another."""
    what = model_and_data(runs)
    if len(runs) > 1:
        return Heading(f"{len(runs)} runs", HISTORY, what)
    (run,) = runs
    status = run.status()
    results = (
        counted(epochs, "epoch") + ("" if status == "finished" else f", {status}") if epochs else status,
        result_of(run),
    )
    return Heading(heading_of(run), HISTORY, what, run.id if run.name else "", results)


def result_of(run: Run) -> str:
    """Return what came out on the test set, in the metric of the task: ``test accuracy 0.9871``; ``""`` if nothing."""
    value = number_of(run.metrics, f"test_{run.judge}")
    name = run.judge.upper() if len(run.judge) < _ACRONYM_LENGTH else run.judge.replace("_", " ")
    return "" if value is None else f"test {name} {short_number(value)}"


def first_line(heading: Heading, room: float, width: Callable[[str], float] = len) -> str:
    """Return the name and the kind of a figure; a name that is too long loses its middle."""
    kind = SEPARATOR + heading.kind if heading.kind else ""
    (name,) = shortened_names([heading.name], room - width(kind), width)
    return name + kind


def second_line(heading: Heading, room: float, width: Callable[[str], float] = len) -> str:
    """Return model and data, id and results; where they do not fit the id goes first, and results last."""
    for facts in ((heading.what, heading.id, *heading.results), (heading.what, *heading.results)):
        if width(on_one_line(facts)) <= room:
            return on_one_line(facts)
    results = on_one_line(heading.results)
    for start in range(len(heading.results)):  # a narrow page loses whole facts, the last one is left
        results = on_one_line(heading.results[start:])
        if width(results) <= room:
            break
    left = room - width(SEPARATOR + results)
    if left < room * _LEAST_WHAT:
        return results
    (what,) = shortened_names([heading.what], left, width)
    return on_one_line((what, results))


def counted(count: int, noun: str) -> str:
    """Return ``1 mistake``, ``6,000 mistakes``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def short_number(value: float) -> str:
    """Return a metric's value as a person compares it: four decimals, or three digits where that says nothing."""
    return f"{value:.4f}" if 0.01 <= abs(value) < 1000 or value == 0 else f"{value:.3g}"


def number_of(metrics: Mapping[str, object], name: str) -> float | None:
    """Return a plain finite number of a run's metrics, or None."""
    value = metrics.get(name)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number else None  # type: ignore[arg-type]


def panel_title(metric: str) -> str:
    """Return a metric's name as a heading: ``Top 5 accuracy``; a tag, or a name with capitals, stays as it is."""
    if "/" in metric or metric != metric.lower():
        return metric
    words = metric.replace("_", " ").replace(AT_STEP, " per step")
    return words[:1].upper() + words[1:] if len(words) >= _ACRONYM_LENGTH else words
