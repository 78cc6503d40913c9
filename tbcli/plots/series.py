"""Curves of runs and of any log directory, gathered for drawing: which panels, on which axis, how smooth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tbcli.errors import NotFound
from tbcli.plots.bands import band_over
from tbcli.plots.curves import pick_panels
from tbcli.plots.smoothing import Floats, shown_points, smoothed
from tbcli.plots.splits import VALIDATION, place_of
from tbcli.readers.damage import Damage
from tbcli.readers.metrics import Metric, joined, name_of, read_metrics
from tbcli.runs import LogDirectory, Run
from tbcli.runs.history import History, read_history

STEP, EPOCH, TIME = "step", "epoch", "time"
AXES = (STEP, EPOCH, TIME)
LOGS = ("x", "y", "xy")
_USUAL = ("acc", "loss")  # what a panel has in its name that is shown first
_UNITS = (("d", 86_400.0), ("h", 3600.0), ("min", 60.0))


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be drawn.

    Args:
        metrics: Names or patterns; none for the usual ones.
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
class Curve:
    """One line.

    Args:
        run: The run, or the group, that it belongs to: what a person calls it.
        name: All its names: ``val_loss`` of a run of ours, ``run/tag`` of a foreign one.
        split: ``train``, ``validation``, ``test`` or ``""``.
        x: ``[n]``.
        y: ``[n]``; smoothed, where that was asked for.
        raw: x and y as measured, where y is smoothed.
        band: Lower and upper edge ``[n]``, where it is the mean over a group.
        members: Runs in the group.
    """

    run: str
    name: str
    split: str
    x: Floats
    y: Floats
    raw: tuple[Floats, Floats] | None = None
    band: tuple[Floats, Floats] | None = None
    members: int = 1


@dataclass(frozen=True, slots=True)
class Chart:
    """The curves of one metric, and what stands below them."""

    metric: str
    curves: tuple[Curve, ...]
    x_label: str


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything to draw.

    Args:
        charts: At least one.
        runs: What a person calls the runs or the groups, in their order.
        left_out: Sentences about what is not shown.
        damage: What could not be read.
    """

    charts: tuple[Chart, ...]
    runs: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    damage: tuple[Damage, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
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


def gather(places: Sequence[Run | LogDirectory], request: Request) -> Gathered:
    """Read what is asked for, and make curves of it.

    Args:
        places: At least one.
        request: What is to be drawn.

    Raises:
        NotFound: There is nothing to draw, a metric is in none of the places, or its epochs are not known.
    """
    found: list[_Found] = []
    damage: list[Damage] = []
    missing: list[NotFound] = []
    labels = _labels(places)
    for place, label in zip(places, labels, strict=True):
        try:
            found += _read(place, label, request, damage)
        except NotFound as error:
            missing.append(error)
    if not found:
        raise missing[0]
    left_out = [f"{error.message}: left out" for error in missing]
    charts = [
        _chart(metric, [one for one in found if one.metric == metric], request, left_out)
        for metric in _chosen_metrics(found, request, left_out)
    ]
    runs = dict.fromkeys(curve.run for chart in charts for curve in chart.curves)
    return Gathered(tuple(charts), tuple(runs), tuple(left_out), tuple(damage))


def foreign_id(place: LogDirectory, run: str) -> str:
    """Return what stands for a run inside a foreign log directory in `Request.groups`."""
    return f"{place.logs}/{run}"


def _labels(places: Sequence[Run | LogDirectory]) -> list[str]:
    """Return what a person calls each place, no two the same."""
    names = [place.name or (place.id if isinstance(place, Run) else "") for place in places]
    if len(places) == 1:
        return names if isinstance(places[0], Run) else [""]
    longer = [place.label if isinstance(place, Run) else str(place.logs) for place in places]
    return [name if name and names.count(name) == 1 else long for name, long in zip(names, longer, strict=True)]


def _chosen_metrics(found: Sequence[_Found], request: Request, left_out: list[str]) -> list[str]:
    metrics = list(dict.fromkeys(one.metric for one in found))
    if request.metrics:
        return metrics
    metrics.sort(key=lambda name: next((rank for rank, word in enumerate(_USUAL) if word in name.lower()), 9))
    if len(metrics) > request.most_panels:
        rest = metrics[request.most_panels :]
        shown = ", ".join(rest[:5]) + (", ..." if len(rest) > 5 else "")
        left_out.append(f"{len(rest)} more metrics are not shown: {shown}; `--metric NAME` chooses")
    return metrics[: request.most_panels]


def _read(place: Run | LogDirectory, label: str, request: Request, damage: list[Damage]) -> list[_Found]:
    """Return the series of one place: of a run of ours from its history, as far as that holds them."""
    if isinstance(place, LogDirectory):
        return _foreign(place, label, request, damage)
    history = read_history(place.history_file)
    try:
        panels = pick_panels(history.columns, request.metrics) if history.epochs else []
    except NotFound as error:
        try:
            return _own(place, label, history, request, damage)
        except NotFound:
            raise error from None  # it knows the names that are meant
    if not panels:
        return _own(place, label, history, request, damage)
    return [_from_history(place, label, history, column) for panel in panels for column in panel.columns]


def _from_history(run: Run, label: str, history: History, column: str) -> _Found:
    held_out = column.startswith("val_")
    epochs = np.array(history.epochs, np.float64)
    return _Found(
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


def _own(run: Run, label: str, history: History, request: Request, damage: list[Damage]) -> list[_Found]:
    """Return series of a run of ours from its event files."""
    wanted = tuple(request.metrics)
    series = _metrics(run, (*wanted, *(f"val_{word}" for word in wanted)), request, damage)
    began = run.started.timestamp() if run.started else min(float(one.series.wall_time[0]) for one in series)
    found = []
    for one in series:
        name = name_of(one.series.run, one.series.tag)
        held_out = name.startswith("val_")
        place = place_of(one.series.run, one.series.tag)
        short = "/" not in name
        found.append(
            _Found(
                label,
                run.id,
                name.removeprefix("val_") if short else place.metric,
                name,
                (VALIDATION if held_out else "") if short else place.split,
                STEP if one.series.tag.startswith("batch_") else EPOCH,
                one.series.step.astype(np.float64),
                one.series.wall_time - began,
                one.series.value,
                _epochs_of(history),
            )
        )
    return found


def _foreign(place: LogDirectory, label: str, request: Request, damage: list[Damage]) -> list[_Found]:
    words = (*request.metrics, "epoch") if request.metrics and request.x == EPOCH else request.metrics
    series = _metrics(place, words, request, damage)
    placed = [(place_of(one.run, one.name), one) for one in series]
    began: dict[str, float] = {}
    clocks: dict[str, tuple[Floats, Floats]] = {}
    for where, one in placed:
        began[where.run] = min(began.get(where.run, np.inf), float(one.series.wall_time[0]))
        if one.name == "epoch":  # as Lightning writes it
            clocks[one.run] = (one.series.step.astype(np.float64), one.series.value)
    # Written to count the others, and no metric unless somebody asks for it.
    shown = [(where, one) for where, one in placed if one.name != "epoch" or "epoch" in request.metrics]
    return [
        _Found(
            "/".join(part for part in (label, where.run) if part not in ("", ".")) or place.name,
            foreign_id(place, where.run),
            where.metric,
            joined(label, one.full_name),
            where.split,
            EPOCH if one.name.startswith("epoch_") else STEP,
            one.series.step.astype(np.float64),
            one.series.wall_time - began[where.run],
            one.series.value,
            clocks.get(one.run),
        )
        for where, one in shown or placed
    ]


def _metrics(
    place: Run | LogDirectory, words: Sequence[str], request: Request, damage: list[Damage]
) -> tuple[Metric, ...]:
    # A moving average, a mean and a logarithmic axis need every point; else the extremes do, in little memory.
    whole = request.smooth or request.groups or "x" in request.log
    stretches = 0 if whole else request.stretches
    found = read_metrics(place, words, buckets=stretches, verify=request.verify, cache=request.cache)
    damage += found.damage
    return found.series


def _chart(metric: str, found: Sequence[_Found], request: Request, left_out: list[str]) -> Chart:
    label = _axis_label(found, request.x)
    if not request.groups and len(found) > request.most_curves:
        left_out.append(f"{metric}: {request.most_curves} of {len(found):,} curves are shown")
        found = found[: request.most_curves]
    curves = [(one, _on_axis(one, request.x), one.values) for one in found]
    if request.x == TIME:
        longest = max((float(np.nanmax(x)) for _, x, _ in curves if np.isfinite(x).any()), default=0.0)
        name, seconds = next(((name, length) for name, length in _UNITS if longest >= 2 * length), ("s", 1.0))
        curves = [(one, x / seconds, y) for one, x, y in curves]
        label = f"{label} ({name})"
    drawn = _grouped(curves, request) if request.groups else [_curve(one, x, y, request) for one, x, y in curves]
    if len(drawn) > request.most_curves:
        left_out.append(f"{metric}: {request.most_curves} of {len(drawn):,} groups are shown")
    return Chart(metric, tuple(drawn[: request.most_curves]), label)


def _axis_label(found: Iterable[_Found], x: str) -> str:
    units = {one.unit for one in found}
    unit = x or (units.pop() if len(units) == 1 else STEP)
    return "time since the start" if unit == TIME else unit


def _on_axis(one: _Found, x: str) -> Floats:
    """Return where the points lie.

    Raises:
        NotFound: The epochs of a series that counts steps are not known.
    """
    if x in ("", one.unit):
        return one.steps
    if x == TIME:
        return one.seconds
    if x == STEP:
        return np.interp(one.steps, one.epochs_at[1], one.epochs_at[0]) if one.epochs_at else one.steps
    if one.epochs_at is None:
        raise NotFound(f"nothing tells the epochs of {one.name!r}", hint="`--x step` or `--x time`")
    return np.interp(one.steps, *one.epochs_at)


def _curve(one: _Found, x: Floats, y: Floats, request: Request) -> Curve:
    log_x = "x" in request.log
    shown = shown_points(x, y, request.stretches, log_x=log_x)
    curve = Curve(one.run, one.name, one.split, x[shown], y[shown])
    if not request.smooth:
        return curve
    smooth = smoothed(y, request.smooth)
    places = shown_points(x, smooth, request.stretches, log_x=log_x)
    return replace(curve, x=x[places], y=smooth[places], raw=(curve.x, curve.y))


def _grouped(curves: Sequence[tuple[_Found, Floats, Floats]], request: Request) -> list[Curve]:
    """Return a mean and a band for each group, training before validation as the series come."""
    members: dict[tuple[str, str], list[tuple[_Found, Floats, Floats]]] = {}
    for one, x, y in curves:
        members.setdefault((request.groups.get(one.id, one.run), one.split), []).append((one, x, y))
    drawn = []
    for (label, split), group in members.items():
        band = band_over([(x, smoothed(y, request.smooth)) for _, x, y in group])
        shown = shown_points(band.x, band.mean, request.stretches, log_x="x" in request.log)
        x, mean, lower, upper = (column[shown] for column in band)
        drawn.append(Curve(label, group[0][0].name, split, x, mean, band=(lower, upper), members=len(group)))
    return drawn
