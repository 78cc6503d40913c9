"""Runs and log directories become the scene of a figure: one way, whatever is on the axes and whoever wrote it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tbcli.errors import NotFound
from tbcli.figures.captions import heading_for, legend_for, notes_for
from tbcli.figures.choosing import Candidate, pick_metrics
from tbcli.figures.curves import EPOCH, TIME, Panel, Request, Scene
from tbcli.figures.panels import make_panel
from tbcli.figures.sources import read_traces
from tbcli.figures.traces import Reading, Trace
from tbcli.naming.series import AT_STEP
from tbcli.runs import LogDirectory, Run


def compose(places: Sequence[Run | LogDirectory], request: Request) -> Scene:
    """Read what is asked for, and return the scene.

    Args:
        places: At least one.
        request: What is to be drawn.

    Raises:
        NotFound: There is nothing to draw, a metric is in none of the places, or its epochs are not known.
    """
    reading = read_traces(places, _labels(places), request)
    left_out = [*reading.notes, *(f"{error.message}: left out" for error in reading.missing)]
    panels = tuple(_panels(reading, request, left_out))
    runs = {place.id: place for place in places if isinstance(place, Run)}
    entries, legend_heading = legend_for(panels, runs, request)
    return Scene(
        heading_for(places, reading.traces, entries, request),
        panels,
        entries,
        legend_heading,
        notes_for(panels, entries, request),
        tuple(dict.fromkeys([*request.remarks, *left_out])),
        tuple(reading.damage),
        request.smooth,
    )


def _labels(places: Sequence[Run | LogDirectory]) -> list[str]:
    """Return what a person calls each place, no two the same."""
    names = [place.name or (place.id if isinstance(place, Run) else "") for place in places]
    if len(places) == 1:
        return names if isinstance(places[0], Run) else [""]
    longer = [place.label if isinstance(place, Run) else str(place.logs) for place in places]
    return [name if name and names.count(name) == 1 else long for name, long in zip(names, longer, strict=True)]


def _panels(reading: Reading, request: Request, left_out: list[str]) -> list[Panel]:
    by_metric: dict[str, list[Trace]] = {}
    for trace in reading.traces:
        by_metric.setdefault(trace.metric, []).append(trace)
    candidates = [
        Candidate(
            metric,
            all(map(_is_counting, alike)),
            all(map(_is_constant, alike)),
            all(len(one.values) < 2 for one in alike),
            alike[0].name if len({one.name for one in alike}) == 1 else metric,
        )
        for metric, alike in by_metric.items()
    ]
    most = request.most_named if request.metrics else request.most_panels
    is_chosen = bool(request.metrics) or _are_histories(reading)
    metrics, said = pick_metrics(candidates, most, request.directions, are_named=is_chosen)
    left_out += said
    panels = [
        make_panel(name, alike, request, left_out)
        for metric in metrics
        for name, alike in _on_one_axis(metric, _with_times(by_metric[metric], request, left_out), request)
        if alike
    ]
    if not panels:
        names = dict.fromkeys(trace.name for metric in metrics for trace in by_metric[metric])
        raise NotFound(f"the times of {', '.join(names)} are not recorded", hint="`--x step` or `--x epoch`")
    return panels


def _with_times(traces: Sequence[Trace], request: Request, left_out: list[str]) -> Sequence[Trace]:
    """Return the series that can be drawn over time, where that was asked for: text logs have none."""
    if request.x != TIME:
        return traces
    timed = [trace for trace in traces if trace.seconds is not None and np.isfinite(trace.seconds).any()]
    left_out += [f"the times of {trace.name!r} are not recorded: left out" for trace in traces if trace not in timed]
    return timed


def _are_histories(reading: Reading) -> bool:
    """Say whether all series are those that were picked from the histories of our runs."""
    return all(trace.unit == EPOCH and trace.tag.endswith(f"/epoch_{trace.metric}") for trace in reading.traces)


def _is_constant(trace: Trace) -> bool:
    return len(trace.values) > 1 and bool((trace.values == trace.values[0]).all())


def _is_counting(trace: Trace) -> bool:
    steps = np.diff(trace.values)
    return len(steps) > 1 and bool((steps >= 0).all() and (trace.values % 1 == 0).all() and steps.any())


def _on_one_axis(metric: str, traces: Sequence[Trace], request: Request) -> list[tuple[str, Sequence[Trace]]]:
    """Return the series of one metric, in one panel or in two.

    Two where a run has the metric per epoch and per step, or where some count epochs and nothing tells the steps.
    """
    within = [trace for trace in traces if trace.name.endswith(AT_STEP)]
    whole = [trace for trace in traces if trace not in within]
    if within and {(trace.id, trace.split) for trace in within} & {(trace.id, trace.split) for trace in whole}:
        return [(metric, whole), (metric + AT_STEP, within)]
    epochs = [trace for trace in traces if trace.unit == EPOCH]
    if request.x or not 0 < len(epochs) < len(traces) or all(trace.clock for trace in epochs):
        return [(metric, traces)]
    return [(metric, epochs), (metric + AT_STEP, [trace for trace in traces if trace.unit != EPOCH])]
