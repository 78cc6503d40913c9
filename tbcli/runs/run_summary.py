"""What the record, the history and the configuration of a tbcli run tell of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tbcli.naming.direction import best_position, summarize
from tbcli.naming.series import split_of
from tbcli.runs.history import read_history
from tbcli.runs.run import Run
from tbcli.runs.summary import ARGUMENTS, LEARNING_RATE, Metric, Summary


def summary_of(
    run: Run,
    now: datetime | None = None,
    read_tags: Callable[[], tuple[Mapping[str, Metric], Mapping[str, str]]] = lambda: ({}, {}),
) -> Summary:
    """Return the summary of a tbcli run; nothing but its record is read before it is asked for.

    Args:
        run: The run.
        now: The moment to measure ages from; the present unless given.
        read_tags: Returns the metrics of its event files and their aliases.
    """

    def fact(name: str) -> Any:
        match name:
            case "status":
                return run.status(now)
            case "age":
                return run.age_seconds(now)
            case "bytes":
                return run.bytes()
            case "epoch" | "epochs":
                return epochs_of(run)
            case "task":
                return run.task_name
            case "sweep":
                return run.sweep.get("name")
            case "trial":
                return run.sweep.get("trial")
            case "trial_of":
                return run.sweep
            case _:
                return run.record.get(name)

    def read_more() -> tuple[Mapping[str, Metric], Mapping[str, str]]:
        metrics, aliases = read_tags()
        return {**metrics, **curves_of(run)}, aliases

    return Summary(
        run.label,
        run.id,
        metrics_of(run),
        read_fact=fact,
        read_settings=lambda: settings_of_run(run),
        read_more=read_more,
        data=run.data_name,
        task=run.task_name or "",
        fingerprints=_fingerprints_of(run),
        directions=run.directions,
    )


def _fingerprints_of(run: Run) -> dict[str, str]:
    kept = run.record.get("evaluation_data")
    return {name: str(value) for name, value in kept.items() if value} if isinstance(kept, Mapping) else {}


def metrics_of(run: Run) -> dict[str, Metric]:
    """Return the metrics of a run; of one that trains or was killed, those of the epochs it has finished.

    Where the user says which way metrics are better, the best is sought anew in the history.
    """
    kept: Mapping[str, Any] = run.metrics
    if not kept or run.directions:
        history = read_history(run.history_file)
        kept = {**kept, **summarize(history.columns, history.epochs, run.directions)}
    return {name: _metric(name, value) for name, value in kept.items()}


def curves_of(run: Run) -> dict[str, Metric]:
    """Return what the history holds besides metrics: the course of the learning rate."""
    history = read_history(run.history_file)
    values = history.columns.get(LEARNING_RATE)
    if not values or all(map(math.isnan, values)):  # a training with several optimizers has no single rate
        return {}
    best = best_position(LEARNING_RATE, values, run.directions, asked=True)
    if best is None:
        return {LEARNING_RATE: Metric(math.nan, None, values[-1])}
    return {LEARNING_RATE: Metric(values[best], history.epochs[best], values[-1])}


def epochs_of(run: Run) -> int | None:
    """Return how many epochs a run has finished, or None where nothing tells."""
    told = run.record.get("epochs")
    if told is not None:
        return told if isinstance(told, int) and not isinstance(told, bool) else None
    epochs = read_history(run.history_file).epochs
    return epochs[-1] if epochs else None


def seconds_left(run: Run, now: datetime) -> float | None:
    """Return how long a run in training still needs for the epochs it was asked for; None where nothing tells yet.

    Epochs are taken to last as they have lasted since the first one, which also compiles.
    """
    history, asked = read_history(run.history_file), epochs_asked(run)
    seconds = history.columns.get("seconds")
    if asked is None or not seconds or not history.epochs or not math.isfinite(seconds[-1]):
        return None
    pace = (seconds[-1] - seconds[0]) / (len(seconds) - 1) if len(seconds) > 1 else seconds[0]
    try:
        since = max(0.0, now.timestamp() - run.history_file.stat().st_mtime)
    except OSError:
        return None
    left = pace * (asked - history.epochs[-1]) - since
    return max(0.0, left) if math.isfinite(left) else None


def ending_of(run: Run) -> str:
    """Return what ended a training besides its number of epochs, or failed to: the option and its value."""
    train = run.read_config().get("train")
    settings = train if isinstance(train, Mapping) else {}
    ended_by, until = run.record.get("ended_by"), settings.get("until")
    if ended_by == "until":
        return f'ended by --until "{until}"'
    if ended_by == "max_time":
        return f"ended by --max-time {settings.get('max_time')}"
    never_held = f'--until "{until}" never held' if ended_by and until else ""
    return f"ended by --patience {settings.get(ended_by)}" if ended_by == "patience" else never_held


def epochs_asked(run: Run) -> int | None:
    """Return how many epochs a run was asked for, None where its configuration does not tell."""
    train = run.read_config().get("train")
    asked = train.get("epochs") if isinstance(train, Mapping) else None
    return asked if isinstance(asked, int) and not isinstance(asked, bool) else None


def _metric(name: str, kept: Any) -> Metric:
    """Return what the record holds of a metric: a mapping for a series, a number for one value."""
    if not isinstance(kept, dict):
        value = _number(kept)
        return Metric(value, None, value, is_series=False, split=split_of(name))
    epoch = kept.get("best_epoch")
    best_epoch = epoch if isinstance(epoch, int) and epoch else None
    return Metric(_number(kept.get("best")), best_epoch, _number(kept.get("last")), split=split_of(name))


def _number(value: Any) -> float:
    """Return a number as it is, all else (null above all, as which NaN is kept) as NaN."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan


def settings_of_run(run: Run) -> dict[str, Any]:
    """Return the configuration of a run, and the arguments that only some runs have, as ``{"section.key": value}``."""
    sections = {**run.read_config(), ARGUMENTS: _as_swept(run)}
    return {
        f"{section}.{key}": value
        for section, group in sections.items()
        if isinstance(group, Mapping)
        for key, value in group.items()
    }


def _as_swept(run: Run) -> Any:
    """Return the arguments of a run; what a script's ``--no-NAME`` switches off is ``no_NAME`` if that was swept."""
    known, params = run.record.get(ARGUMENTS), run.sweep.get("params")
    if not isinstance(known, Mapping) or not isinstance(params, Mapping):
        return known
    told = dict(known)
    for name, value in known.items():
        swept = params.get(f"{ARGUMENTS}.no_{name}")
        if isinstance(value, bool) and isinstance(swept, bool) and swept is not value:
            del told[name]
            told[f"no_{name}"] = swept
    return told
