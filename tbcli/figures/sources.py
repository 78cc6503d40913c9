"""Where curves come from: the histories of our runs and, where those lack something, event files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from tbcli.errors import NotFound
from tbcli.figures.choosing import VALIDATION as VAL_PREFIX
from tbcli.figures.choosing import HistoryColumns, pick_columns
from tbcli.figures.curves import EPOCH, Request
from tbcli.figures.traces import Reading, Trace, clock_of
from tbcli.naming.direction import NOT_METRICS
from tbcli.naming.words import TRAIN, VALIDATION
from tbcli.runs import LogDirectory, Run
from tbcli.runs.history import History, read_history


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
                reading.traces += _read_own(place, label, histories[place.id], request, usual, reading)
            else:
                from tbcli.figures.event_traces import read_foreign

                reading.traces += read_foreign(place, label, request, reading)
        except NotFound as error:
            reading.missing.append(error)
    if not reading.traces:
        first, others = reading.missing[0], len(reading.missing) - 1
        more = f"; the same holds for {others} more" if others else ""
        raise NotFound(f"{first.message}{more}", hint=first.hint)
    _require_all_words(reading, len(places), request)
    return reading


def _require_all_words(reading: Reading, places: int, request: Request) -> None:
    """Say what single places lack of what was asked for.

    Raises:
        NotFound: No place has one of the metrics.
    """
    for word in request.metrics:
        errors = [error for lacking, error in reading.lacking if lacking == word]
        if errors and len(errors) + len(reading.missing) == places:
            raise errors[0]
        reading.notes += [error.message for error in errors]


def _usual(histories: Iterable[History]) -> list[str]:
    """Return the metrics that are drawn of several histories when none is named."""
    try:
        return [picked.metric for picked in pick_columns(name for one in histories for name in one.columns)]
    except NotFound:
        return []


def _read_own(
    run: Run, label: str, history: History, request: Request, usual: Sequence[str], reading: Reading
) -> list[Trace]:
    """Return what the history of a run of ours has, and from its event files what that lacks."""
    if not history.epochs:
        return _read_without_epochs(run, label, request, reading)
    if not request.metrics:
        known = [name for name in usual if name in history.columns or VAL_PREFIX + name in history.columns]
        return _of_columns(run, label, history, pick_columns(history.columns, known), request)
    errors: dict[str, NotFound] = {}
    for word in request.metrics:
        try:
            pick_columns(history.columns, [word])
        except NotFound as error:
            errors[word] = NotFound(f"run {run.label} has {error.message}", hint=error.hint)
    held = [word for word in request.metrics if word not in errors]
    columns = _of_columns(run, label, history, pick_columns(history.columns, held), request) if held else []
    return [*_read_lacking(run, label, history, errors, request, reading), *columns] if errors else columns


def _read_lacking(
    run: Run, label: str, history: History, errors: Mapping[str, NotFound], request: Request, reading: Reading
) -> list[Trace]:
    """Return from the event files what a history lacks; what these lack too is noted.

    Raises:
        NotFound: They lack everything that was asked for.
    """
    from tbcli.figures.event_traces import read_own_events

    try:
        traces, lacking = read_own_events(run, label, history, list(errors), request, reading)
    except NotFound as wider:
        # The event files know more names; their answer is about the first of the words.
        first = next(iter(errors))
        error = NotFound(errors[first].message, hint=wider.hint if "no metric" in wider.message else errors[first].hint)
        if len(errors) == len(request.metrics):
            raise error from None
        traces, lacking = [], {**errors, first: error}
    reading.lacking += lacking.items()
    return traces


def _read_without_epochs(run: Run, label: str, request: Request, reading: Reading) -> list[Trace]:
    from tbcli.figures.event_traces import read_own_events

    try:
        return read_own_events(run, label, read_history(run.history_file), request.metrics, request, reading)[0]
    except NotFound:
        if run.is_live():
            raise NotFound(
                f"run {run.label} has no finished epoch yet", hint="wait for the end of epoch 1, as `--watch` does"
            ) from None
        if not run.record_file.exists():
            raise NotFound(
                f"run {run.label} was removed meanwhile", hint=f"`tbcli clean --restore {run.id}` if it is in the trash"
            ) from None
        raise NotFound(
            f"run {run.label} has no epoch to plot; it is {run.status()}", hint="`tbcli runs` lists the runs"
        ) from None


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
            seconds,
            clock_of(history),
        )
        for metric, names in columns
        for column in names
    ]


def _split_of_history(metric: str) -> str:
    return "" if metric in NOT_METRICS else TRAIN
