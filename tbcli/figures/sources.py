"""Where curves come from: the histories of our runs, and the event files of anybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tbcli.errors import NotFound
from tbcli.events.damage import Damage, located
from tbcli.figures.curves import Panel, pick_panels
from tbcli.figures.smoothing import Floats
from tbcli.naming.series import VALIDATION
from tbcli.readers.metrics import NamedSeries, is_chosen, joined, read_metrics
from tbcli.runs import LogDirectory, Run
from tbcli.runs.history import History, read_history

STEP, EPOCH, TIME = "step", "epoch", "time"
AXES = (STEP, EPOCH, TIME)
LOGS = ("x", "y", "xy")


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be drawn.

    Args:
        metrics: Names or patterns, of series or of panels; none for the usual ones.
        x: One of `AXES`, or ``""`` for what stands in the files.
        log: Which axes are logarithmic: ``""`` or one of `LOGS`.
        smooth: Weight of the past in TensorBoard's smoothing.
        groups: ``{id of a run, or `foreign_id`: label of its group}``; groups are drawn as bands.
        stretches: Points a curve has on the page, about; its extremes within each stay.
        most_panels: As many are drawn where no metric is named.
        most_curves: As many are drawn in one panel.
        verify: Prove every checksum.
        cache: Use the reader's cache.
    """

    metrics: tuple[str, ...] = ()
    x: str = ""
    log: str = ""
    smooth: float = 0.0
    groups: Mapping[str, str] = field(default_factory=dict)
    stretches: int = 1000
    most_panels: int = 6
    most_curves: int = 100
    verify: bool = False
    cache: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """One series as it was read, and what is needed to put it on any axis."""

    run: str
    id: str
    metric: str
    name: str
    split: str
    unit: str  # of its steps: STEP or EPOCH
    steps: Floats
    seconds: Floats  # since the run began
    values: Floats
    epochs_at: tuple[Floats, Floats] | None = None  # steps and the epochs they belong to


def foreign_id(place: LogDirectory, run: str) -> str:
    """Return what stands for a run inside a foreign log directory in `Request.groups`."""
    return f"{place.logs}/{run}"


def panel_of(metric: NamedSeries) -> str:
    """Return the metric under which a series is drawn, together with what was measured on other samples."""
    return metric.metric


def read_curves(place: Run | LogDirectory, label: str, request: Request, damage: list[Damage]) -> list[Found]:
    """Return the series of one place: of a run of ours from its history, as far as that holds them."""
    if isinstance(place, LogDirectory):
        return _foreign(place, label, request, damage)
    history = read_history(place.history_file)
    try:
        panels = pick_panels(history.columns, request.metrics) if history.epochs else []
    except NotFound as error:
        try:
            series = _metrics(place, request.metrics, request, damage)
        except NotFound:
            raise error from None  # it knows the names that are meant
        held = [word for word in request.metrics if any(is_chosen(one, [word], panel_of(one)) for one in series)]
        lacking = [word for word in request.metrics if word not in held]
        panels = pick_panels(history.columns, lacking) if lacking else []
        return [*_own(place, label, history, series), *_columns(place, label, history, panels)]
    if not panels:
        return _own(place, label, history, _metrics(place, request.metrics, request, damage))
    return _columns(place, label, history, panels)


def _columns(run: Run, label: str, history: History, panels: Sequence[Panel]) -> list[Found]:
    return [_from_history(run, label, history, column) for panel in panels for column in panel.columns]


def _from_history(run: Run, label: str, history: History, column: str) -> Found:
    held_out = column.startswith("val_")
    epochs = np.array(history.epochs, np.float64)
    return Found(
        label,
        run.id,
        column.removeprefix("val_"),
        column,
        VALIDATION if held_out else "",
        EPOCH,
        epochs,
        np.array(history.columns["seconds"]) if "seconds" in history.columns else epochs * np.nan,
        np.array(history.columns[column]),
        _epochs_of(history),
    )


def _epochs_of(history: History) -> tuple[Floats, Floats] | None:
    """Return the optimizer steps at which epochs ended, from the start of training on, and their numbers."""
    if "step" not in history.columns:
        return None
    return np.array([0.0, *history.columns["step"]]), np.array([0.0, *history.epochs])


def _own(run: Run, label: str, history: History, series: Sequence[NamedSeries]) -> list[Found]:
    """Return series of a run of ours from its event files."""
    began = run.started.timestamp() if run.started else min(float(one.series.wall_time[0]) for one in series)
    return [
        Found(
            label,
            run.id,
            one.metric,
            one.name,
            one.split,
            EPOCH if one.unit != STEP else STEP,
            one.series.step.astype(np.float64),
            one.series.wall_time - began,
            one.series.value,
            _epochs_of(history),
        )
        for one in series
    ]


def _foreign(place: LogDirectory, label: str, request: Request, damage: list[Damage]) -> list[Found]:
    words = (*request.metrics, "epoch") if request.metrics and request.x == EPOCH else request.metrics
    series = _metrics(place, words, request, damage)
    began: dict[str, float] = {}
    clocks: dict[str, tuple[Floats, Floats]] = {}
    for one in series:
        began[one.run] = min(began.get(one.run, np.inf), float(one.series.wall_time[0]))
        if one.metric == "epoch":  # as Lightning writes it
            clocks[one.run] = (one.series.step.astype(np.float64), one.series.value)
    # Written to count the others, and no metric unless somebody asks for it.
    shown = [one for one in series if one.metric != "epoch" or "epoch" in request.metrics]
    return [
        Found(
            "/".join(part for part in (label, one.run) if part not in ("", ".")) or place.name,
            foreign_id(place, one.run),
            one.metric,
            joined(label, one.full_name),
            one.split,
            EPOCH if one.unit == EPOCH else STEP,
            one.series.step.astype(np.float64),
            one.series.wall_time - began[one.run],
            one.series.value,
            clocks.get(one.run),
        )
        for one in shown or series
    ]


def _metrics(
    place: Run | LogDirectory, words: Sequence[str], request: Request, damage: list[Damage]
) -> tuple[NamedSeries, ...]:
    # A moving average, a mean and a logarithmic axis need every point; else the extremes do, in little memory.
    whole = request.smooth or request.groups or "x" in request.log
    stretches = 0 if whole else request.stretches
    found = read_metrics(
        place, words, also_called=panel_of, buckets=stretches, verify=request.verify, cache=request.cache
    )
    damage += located(found.damage, place.logs)
    return found.series
