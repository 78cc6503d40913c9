"""The words of a scene: what stands above it, the legend of its runs, and what was done to the curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tbcli.figures.curves import EPOCH, MANY_RUNS, STEP, Curve, Entry, Heading, Panel, Request
from tbcli.figures.titles import (
    HISTORY,
    counted,
    history_heading,
    model_and_data,
    number_of,
    short_number,
)
from tbcli.naming.direction import lower_is_better
from tbcli.runs import LogDirectory, Run

if TYPE_CHECKING:
    from tbcli.figures.traces import Trace

_MOST_ENDINGS = 3  # notes about runs that end in no number


def heading_for(
    places: Sequence[Run | LogDirectory], traces: Sequence[Trace], entries: Sequence[Entry], request: Request
) -> Heading:
    """Return what stands above the figure."""
    drawn = {trace.id for trace in traces}
    runs = [place for place in places if isinstance(place, Run) and place.id in drawn]
    if request.groups:
        name = f"{len(entries)} groups of runs" if len(entries) > 1 else entries[0].label
        return Heading(name, HISTORY, model_and_data(runs), results=(counted(len(drawn), "run"),))
    if len(runs) == len(drawn):
        return history_heading(runs, _epochs(traces))
    if len(places) == 1:
        (place,) = places
        return Heading(place.name or str(place.logs), HISTORY, counted(len(drawn), "run") if len(drawn) > 1 else "")
    return Heading(f"{len(drawn)} runs" if len(drawn) > 1 else entries[0].label, HISTORY)


def _epochs(traces: Sequence[Trace]) -> int:
    clocks = [len(trace.clock[1]) - 1 for trace in traces if trace.clock]
    return max(clocks or [len(trace.steps) for trace in traces if trace.unit == EPOCH], default=0)


def legend_for(panels: Sequence[Panel], runs: Mapping[str, Run], request: Request) -> tuple[tuple[Entry, ...], str]:
    """Return an entry per run or group, the best first where they are many, and what their values are."""
    curves = [curve for panel in panels for curve in panel.curves]
    labels = {curve.id: curve.run for curve in curves}
    panel = next((one for one in panels if any(one.best_of(curve) and curve.is_judged for curve in one.curves)), None)
    judged = {curve.id: curve for curve in panel.curves if curve.is_judged} if panel else {}
    entries = [
        Entry(
            one,
            label,
            _values(judged.get(one), _tested(one, panel, runs, request)) if panel else "",
            _members(one, curves, judged.get(one)) if request.groups else "",
            _status(runs.get(one), len(labels)),
        )
        for one, label in labels.items()
    ]
    if panel and len(entries) > MANY_RUNS:
        sign = 1 if lower_is_better(panel.metric, request.directions) else -1
        entries.sort(key=lambda entry: _rank(judged.get(entry.id), sign))
    return tuple(entries), _legend_heading(list(judged.values()))


def _members(one: str, curves: Sequence[Curve], judged: Curve | None) -> str:
    """Return how many runs the value in the legend is over; without a value, how many each curve is over."""
    sizes = {judged.members} if judged else {curve.members for curve in curves if curve.id == one}
    return f"n={min(sizes)}" if len(sizes) == 1 else f"n={min(sizes)} to {max(sizes)}"


def _status(run: Run | None, entries: int) -> str:
    """Return the status of one of several runs that has not finished; of a single one the heading tells it."""
    status = run.status() if run and entries > 1 else "finished"
    return "" if status == "finished" else status


def _rank(curve: Curve | None, sign: int) -> float:
    return sign * curve.best.y if curve and curve.best else math.inf


def _values(curve: Curve | None, tested: str) -> str:
    best = f"{short_number(curve.best.y)} @ {_unit_and_place(curve.best.at)[1]}" if curve and curve.best else ""
    return ", ".join(filter(None, (best, tested and f"test {tested}")))


def _tested(one: str, panel: Panel, runs: Mapping[str, Run], request: Request) -> str:
    """Return the test value of a run, or the mean of a group whose runs all have one."""
    members = [run for run in runs.values() if (request.groups.get(run.id) or run.id) == one]
    values = [number_of(run.metrics, f"test_{panel.metric}") for run in members]
    values += [curve.last for curve in panel.curves if curve.id == one and curve.split == "test"]
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known or len(known) < len(values):
        return ""
    spread = f" ± {np.std(known, ddof=1):.2g}" if len(known) > 1 else ""
    return short_number(float(np.mean(known))) + spread


def _legend_heading(judged: Sequence[Curve]) -> str:
    best = [curve for curve in judged if curve.best]
    if not best:
        return ""
    names = {curve.name for curve in best}
    units = {_unit_and_place(curve.best.at)[0] for curve in best if curve.best}
    mean = "of the mean " if any(curve.members > 1 for curve in best) else ""  # not the mean of the bests
    unit = units.pop() if len(units) == 1 else ""
    heading = f"best {mean}{best[0].name if len(names) == 1 else 'value'}" + (f" @ {unit}" if unit else "")
    return f"{heading} {best[0].best.guess if best[0].best else ''}".strip()


def _unit_and_place(at: str) -> tuple[str, str]:
    """Return ``epoch`` and ``13`` of ``epoch 13``; of ``2.4 min`` no unit and all of it."""
    unit, _, place = at.partition(" ")
    return (unit, place) if unit in (STEP, EPOCH) else ("", at)


def notes_for(panels: Sequence[Panel], entries: Sequence[Entry], request: Request) -> tuple[str, ...]:
    """Return what was done to the curves."""
    curves = [curve for panel in panels for curve in panel.curves]
    notes = _endings(curves)
    widths = {len(curve.x) > 1 for curve in curves if curve.band and len(curve.x)}
    if widths:
        drawn = " or ".join([*(["band"] if True in widths else []), *(["bar"] if False in widths else [])])
        ends = "; it ends where the first of them ends" if True in widths else ""
        notes.append(f"{drawn}: mean ± sample standard deviation over the runs of a group{ends}")
    if request.smooth:
        smoothed = "each run smoothed" if request.groups else "smoothed"
        notes.append(f"{smoothed} {request.smooth:g} as in TensorBoard (debiased moving average)")
        if any(curve.raw for curve in curves):
            notes[-1] += "; measured values pale"
    if len(entries) > MANY_RUNS and not all(curve.is_judged for curve in curves):
        notes.append("more than 5 runs: validation in front, training pale")
    return tuple(notes)


def _endings(curves: Sequence[Curve]) -> list[str]:
    """Return which runs did not end in a finite number."""
    names: dict[str, dict[str, None]] = {}
    for curve in curves:
        if curve.ending:
            names.setdefault(f"{curve.run} {curve.ending}", {})[curve.name] = None
    more = len(names) - _MOST_ENDINGS
    told = [f"{said}: {', '.join(metrics)}" for said, metrics in list(names.items())[:_MOST_ENDINGS]]
    return [*told, *([f"and {more:,} more that do not end in a finite number"] if more > 0 else [])]
