"""The best runs by a metric within each task and data, where what can be compared with what decides."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from tbcli.errors import ConfigError, NotFound
from tbcli.runs.comparable import NO_NAME, fingerprint_of, what_differs
from tbcli.runs.run import Run
from tbcli.runs.summary import Summary


class Ranked(NamedTuple):
    """Runs that a metric puts in order.

    Args:
        worse: The runs that are not among the best of their like.
        notes: Sentences on what was kept because it cannot be judged, and on what is guessed.
    """

    worse: list[Run]
    notes: tuple[str, ...]


def all_but_the_best(runs: Sequence[Run], count: int, metric: str, summarize: Callable[[Run], Summary]) -> Ranked:
    """Return the runs that are not among the best of those that they can be compared with.

    Runs without the metric, and runs whose data are not known, are never among them.

    Raises:
        ConfigError: The metric has no direction.
        NotFound: No run has it.
    """
    scored: list[tuple[float, Run, Summary]] = []
    known: dict[str, None] = {}
    notes: dict[str, None] = {}
    lacking = unknown = 0
    for run in runs:
        summary = summarize(run)
        found = summary.metric(metric, "best")
        known |= dict.fromkeys(summary.metrics)
        sense, note = _sense(metric, summary)
        value = math.nan if found is None else found.best
        if math.isnan(value):
            lacking += 1
        elif not fingerprint_of(summary, metric) and summary.data in ("", NO_NAME):
            unknown += 1
        else:
            scored.append((-value if sense == "max" else value, run, summary))
            notes |= dict.fromkeys([f"the best by {metric} {note}"] if note else [])
    if runs and lacking == len(runs):
        from tbcli.naming.matching import did_you_mean

        raise NotFound(f"no run has a metric {metric!r}", hint=did_you_mean(metric, known) if known else "`tbcli runs`")
    groups = _alike(scored, metric)
    notes |= dict.fromkeys(_what_is_guessed(groups, metric))
    if lacking:
        notes[f"{_counted(lacking)} without {metric} kept"] = None
    if unknown:
        notes[f"{_counted(unknown)} on unknown data kept"] = None
    best_first = (sorted(group, key=lambda one: one[0]) for group in groups)  # of equal ones the older is the first
    worse = {id(run) for group in best_first for _, run, _ in group[count:]}
    return Ranked([run for run in runs if id(run) in worse], tuple(notes))


def _sense(metric: str, summary: Summary) -> tuple[str, str]:
    from tbcli.naming.direction import how_to_declare

    direction = summary.direction(metric, asked=True)
    if not direction.sense:
        raise ConfigError(f"no run is the best by {metric!r}: it has no direction", hint=how_to_declare(metric))
    return direction.sense, direction.note


def _alike(scored: Iterable[tuple[float, Run, Summary]], metric: str) -> list[list[tuple[float, Run, Summary]]]:
    """Return the runs in groups of those that can be compared."""
    groups: list[list[tuple[float, Run, Summary]]] = []
    for one in scored:
        for group in groups:
            if not what_differs(group[0][2], one[2], metric, strict=True):
                group.append(one)
                break
        else:
            groups.append([one])
    return groups


def _what_is_guessed(groups: Sequence[Sequence[tuple[float, Run, Summary]]], metric: str) -> Iterable[str]:
    for group in groups:
        unproved = [summary for _, _, summary in group if not fingerprint_of(summary, metric)]
        if unproved and len(group) > 1:
            are = "1 run keeps" if len(unproved) == 1 else f"{len(unproved)} runs keep"
            name = f"guessed from the name {unproved[0].data!r}"
            yield f"{are} no fingerprint of the data: that they are the same is {name}"


def _counted(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"
