"""Curves out of event files: those of a run of ours, and those of any log directory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tbcli.errors import NotFound
from tbcli.events.damage import located
from tbcli.figures.clocks import epoch_clock, plausible, seconds_since
from tbcli.figures.curves import EPOCH, STEP, Request
from tbcli.figures.traces import Reading, Trace, clock_of, foreign_id
from tbcli.naming.series import natural_key
from tbcli.readers.metrics import NamedSeries, is_chosen, read_metrics
from tbcli.runs import LogDirectory, Run
from tbcli.runs.history import History


def read_own_events(
    run: Run, label: str, history: History, words: Sequence[str], request: Request, reading: Reading
) -> tuple[list[Trace], dict[str, NotFound]]:
    """Return series of a run of ours, and which of the words none of them answers to.

    Raises:
        NotFound: There is no scalar at all, or none that is asked for.
    """
    metrics = _read_metrics(run, words, request, reading)
    lacking = _lacking(run, words, metrics, request) if len(words) > 1 else {}
    return _of_events(run, label, history, metrics, request), lacking


def _lacking(
    place: Run | LogDirectory, words: Sequence[str], metrics: Sequence[NamedSeries], request: Request
) -> dict[str, NotFound]:
    """Return the words that no series answers to, each with what is to be said of it."""
    errors: dict[str, NotFound] = {}
    for word in words:
        if not any(is_chosen(one, [word], one.metric) for one in metrics):
            try:  # by another spelling, perhaps
                _read_metrics(place, [word], request, Reading())
            except NotFound as error:
                errors[word] = error
    return errors


def _of_events(run: Run, label: str, history: History, metrics: Sequence[NamedSeries], request: Request) -> list[Trace]:
    start, end = plausible(one.series.wall_time for one in metrics)
    if run.started:
        start = run.started.timestamp()
    return [
        Trace(
            label,
            run.id,
            one.metric,
            one.name,
            one.literal,
            one.split,
            EPOCH if one.unit == EPOCH else STEP,
            one.series.step.astype(np.float64),
            one.series.value,
            seconds_since(start, end, one.series.wall_time),
            clock_of(history),
        )
        for one in metrics
    ]


def read_foreign(place: LogDirectory, label: str, request: Request, reading: Reading) -> list[Trace]:
    """Return the series of all runs inside a log directory, in natural order of the runs.

    Raises:
        NotFound: There is no scalar at all, or none that is asked for.
    """
    words = (*request.metrics, EPOCH) if request.metrics and request.x == EPOCH else request.metrics
    metrics = _read_metrics(place, words, request, reading)
    if len(words) > 1:
        reading.lacking += _lacking(place, request.metrics, metrics, request).items()
    by_run: dict[str, list[NamedSeries]] = {}
    for one in metrics:
        by_run.setdefault(one.run, []).append(one)
    return [
        trace
        for run in sorted(by_run, key=natural_key)
        for trace in _of_foreign_run(place, label, run, by_run[run], request)
    ]


def _of_foreign_run(
    place: LogDirectory, label: str, run: str, metrics: Sequence[NamedSeries], request: Request
) -> list[Trace]:
    inside = "" if run == place.run else run  # a run that was named bears that name
    counting = next((one for one in metrics if one.metric == EPOCH), None)
    clock = epoch_clock(counting.series.step.astype(np.float64), counting.series.value) if counting else None
    counts_epochs = counting is None and _are_consecutive([one for one in metrics if one.unit == EPOCH])
    start, end = plausible(one.series.wall_time for one in metrics)
    is_asked = any(is_chosen(counting, [word], EPOCH) for word in request.metrics) if counting else False
    others = [one for one in metrics if one.metric != EPOCH or is_asked]
    return [
        Trace(
            "/".join(part for part in (label, inside) if part not in ("", ".")) or place.name,
            foreign_id(place, run),
            one.metric,
            one.name,
            one.literal,
            one.split,
            EPOCH if one.unit == EPOCH and counts_epochs else STEP,
            one.series.step.astype(np.float64),
            one.series.value,
            seconds_since(start, end, one.series.wall_time),
            clock,
        )
        for one in others or metrics
    ]


def _are_consecutive(metrics: Sequence[NamedSeries]) -> bool:
    """Say whether the steps of series per epoch count the epochs, and not the steps at which these ended."""
    steps = np.unique(np.concatenate([one.series.step for one in metrics] or [np.empty(0, np.int64)]))
    return len(steps) < 2 or bool(np.diff(steps).min() == 1)


def _read_metrics(
    place: Run | LogDirectory, words: Sequence[str], request: Request, reading: Reading
) -> tuple[NamedSeries, ...]:
    # A moving average, a mean and a logarithmic axis need every point; otherwise the extremes do, in little memory.
    whole = request.smooth or request.groups or "x" in request.log
    stretches = 0 if whole else request.stretches
    found = read_metrics(
        place, words, also_called=lambda one: one.metric, buckets=stretches, verify=request.verify, cache=request.cache
    )
    reading.damage += located(found.damage, place.logs)
    reading.notes += found.notes
    return found.series
