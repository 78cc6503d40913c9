"""Where curves come from: the histories of our runs, and the event files of anybody."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tbcli.errors import NotFound
from tbcli.events.damage import Damage, located
from tbcli.figures.choosing import VALIDATION as VAL_PREFIX
from tbcli.figures.choosing import HistoryColumns, pick_columns
from tbcli.figures.clocks import Clock, epoch_clock, plausible, seconds_since
from tbcli.figures.curves import EPOCH, STEP, TIME, Request
from tbcli.figures.smoothing import Floats
from tbcli.naming.direction import NOT_METRICS
from tbcli.naming.words import TRAIN, VALIDATION
from tbcli.readers.metrics import NamedSeries, is_chosen, read_metrics
from tbcli.runs import LogDirectory, Run
from tbcli.runs.history import History, read_history


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """One series, and what is needed to put it on any axis.

    Args:
        run: Label of its run.
        id: What scripts call the run.
        metric: The panel.
        name: ``val_loss``.
        tag: ``run/tag`` as written in the files.
        split: ``train``, ``validation``, ``test`` or ``""``.
        unit: What the steps count: ``epoch`` or ``step``.
        steps: ``[n]``.
        values: ``[n]``.
        seconds: Since the run began ``[n]``, where the time was asked for.
        clock: The epochs that steps belong to.
    """

    run: str
    id: str
    metric: str
    name: str
    tag: str
    split: str
    unit: str
    steps: Floats
    values: Floats
    seconds: Floats | None = None
    clock: Clock | None = None


@dataclass(slots=True)
class Reading:
    """What was read.

    Args:
        traces: The series.
        damage: What could not be read.
        missing: What is not there.
    """

    traces: list[Trace] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)
    missing: list[NotFound] = field(default_factory=list)


def foreign_id(place: LogDirectory, run: str) -> str:
    """Return what stands for a run inside a foreign log directory in `Request.groups`."""
    return f"{place.logs}/{run}"


def read_traces(places: Sequence[Run | LogDirectory], labels: Sequence[str], request: Request) -> Reading:
    """Return the series of all places: of runs of ours from their histories, as far as those hold them.

    Raises:
        NotFound: There is nothing in any place.
    """
    reading = Reading()
    histories = {place.id: read_history(place.history_file) for place in places if isinstance(place, Run)}
    usual = _usual(histories.values()) if not request.metrics else []
    for place, label in zip(places, labels, strict=True):
        try:
            if isinstance(place, Run):
                reading.traces += _read_own(place, label, histories[place.id], request, usual, reading.damage)
            else:
                reading.traces += _read_foreign(place, label, request, reading.damage)
        except NotFound as error:
            reading.missing.append(error)
    if not reading.traces:
        first, others = reading.missing[0], len(reading.missing) - 1
        more = f"; the same holds for {others} more" if others else ""
        raise NotFound(f"{first.message}{more}", hint=first.hint)
    return reading


def _usual(histories: Iterable[History]) -> list[str]:
    """Return the metrics that are drawn of several histories when none is named."""
    try:
        return [picked.metric for picked in pick_columns(name for one in histories for name in one.columns)]
    except NotFound:
        return []


def _read_own(
    run: Run, label: str, history: History, request: Request, usual: Sequence[str], damage: list[Damage]
) -> list[Trace]:
    """Return what the history of a run of ours has, and from its event files what that lacks."""
    if not history.epochs:
        return _read_without_epochs(run, label, request, damage)
    if not request.metrics:
        known = [name for name in usual if name in history.columns or VAL_PREFIX + name in history.columns]
        return _of_columns(run, label, history, pick_columns(history.columns, known), request)
    try:
        return _of_columns(run, label, history, pick_columns(history.columns, request.metrics), request)
    except NotFound as error:
        try:
            metrics = _read_metrics(run, request.metrics, request, damage)
        except NotFound:
            raise _unknown(run, error) from None
        held = [word for word in request.metrics if any(is_chosen(one, [word], one.metric) for one in metrics)]
        lacking = [word for word in request.metrics if word not in held]
        columns = pick_columns(history.columns, lacking) if lacking else []
        return [
            *_of_events(run, label, history, metrics, request),
            *_of_columns(run, label, history, columns, request),
        ]


def _unknown(run: Run, error: NotFound) -> NotFound:
    return NotFound(f"run {run.label} has {error.message.removesuffix(' in the history')}", hint=error.hint)


def _read_without_epochs(run: Run, label: str, request: Request, damage: list[Damage]) -> list[Trace]:
    try:
        metrics = _read_metrics(run, request.metrics, request, damage)
    except NotFound:
        if run.is_live():
            raise NotFound(
                f"run {run.label} has no finished epoch yet", hint="wait for the end of epoch 1, as `--watch` does"
            ) from None
        raise NotFound(
            f"run {run.label} has no epoch to plot; it is {run.status()}", hint="`tbcli runs` lists the runs"
        ) from None
    return _of_events(run, label, read_history(run.history_file), metrics, request)


def _of_columns(
    run: Run, label: str, history: History, columns: Sequence[HistoryColumns], request: Request
) -> list[Trace]:
    epochs = np.array(history.epochs, np.float64)
    seconds = np.array(history.columns["seconds"]) if "seconds" in history.columns else epochs * np.nan
    return [
        Trace(
            label,
            run.id,
            metric,
            column,
            f"{VALIDATION if column.startswith(VAL_PREFIX) else TRAIN}/epoch_{column.removeprefix(VAL_PREFIX)}",
            VALIDATION if column.startswith(VAL_PREFIX) else _split_of_history(metric),
            EPOCH,
            epochs,
            np.array(history.columns[column]),
            seconds if request.x == TIME else None,
            _clock_of(history),
        )
        for metric, names in columns
        for column in names
    ]


def _split_of_history(metric: str) -> str:
    return "" if metric in NOT_METRICS else TRAIN


def _clock_of(history: History) -> Clock | None:
    """Return the optimizer steps at which epochs ended, from the start of training on, and their numbers."""
    if "step" not in history.columns:
        return None
    return np.array([0.0, *history.columns["step"]]), np.array([0.0, *history.epochs])


def _of_events(run: Run, label: str, history: History, metrics: Sequence[NamedSeries], request: Request) -> list[Trace]:
    start, end = plausible(one.series.wall_time for one in metrics) if request.x == TIME else (0.0, 0.0)
    if run.started and request.x == TIME:
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
            seconds_since(start, end, one.series.wall_time) if request.x == TIME else None,
            _clock_of(history),
        )
        for one in metrics
    ]


def _read_foreign(place: LogDirectory, label: str, request: Request, damage: list[Damage]) -> list[Trace]:
    words = (*request.metrics, EPOCH) if request.metrics and request.x == EPOCH else request.metrics
    metrics = _read_metrics(place, words, request, damage)
    by_run: dict[str, list[NamedSeries]] = {}
    for one in metrics:
        by_run.setdefault(one.run, []).append(one)
    return [
        trace
        for run in sorted(by_run, key=natural)
        for trace in _of_foreign_run(place, label, run, by_run[run], request)
    ]


def _of_foreign_run(
    place: LogDirectory, label: str, run: str, metrics: Sequence[NamedSeries], request: Request
) -> list[Trace]:
    counting = next((one for one in metrics if one.metric == EPOCH), None)
    clock = epoch_clock(counting.series.step.astype(np.float64), counting.series.value) if counting else None
    start, end = plausible(one.series.wall_time for one in metrics) if request.x == TIME else (0.0, 0.0)
    is_asked = any(is_chosen(counting, [word], EPOCH) for word in request.metrics) if counting else False
    others = [one for one in metrics if one.metric != EPOCH or is_asked]
    return [
        Trace(
            "/".join(part for part in (label, run) if part not in ("", ".")) or place.name,
            foreign_id(place, run),
            one.metric,
            one.name,
            one.literal,
            one.split,
            EPOCH if one.unit == EPOCH else STEP,
            one.series.step.astype(np.float64),
            one.series.value,
            seconds_since(start, end, one.series.wall_time) if request.x == TIME else None,
            clock,
        )
        for one in others or metrics
    ]


def _read_metrics(
    place: Run | LogDirectory, words: Sequence[str], request: Request, damage: list[Damage]
) -> tuple[NamedSeries, ...]:
    # A moving average, a mean and a logarithmic axis need every point; otherwise the extremes do, in little memory.
    whole = request.smooth or request.groups or "x" in request.log
    stretches = 0 if whole else request.stretches
    found = read_metrics(
        place, words, also_called=lambda one: one.metric, buckets=stretches, verify=request.verify, cache=request.cache
    )
    damage += located(found.damage, place.logs)
    return found.series


def natural(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts ``version_2`` before ``version_10``."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]
