"""Curves gathered for drawing: which panels, on which axis, how smooth, in which groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tbcli.errors import NotFound
from tbcli.events.damage import Damage
from tbcli.figures.bands import band_over
from tbcli.figures.smoothing import Floats, shown_points, smoothed
from tbcli.figures.sources import EPOCH, STEP, TIME, Found, Request, read_curves
from tbcli.runs import LogDirectory, Run

_USUAL = ("acc", "loss")  # what a panel has in its name that is shown first
_UNITS = (("d", 86_400.0), ("h", 3600.0), ("min", 60.0))


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
        ids: ``{name: id}`` of the runs of ours.
    """

    charts: tuple[Chart, ...]
    runs: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    damage: tuple[Damage, ...] = ()
    ids: Mapping[str, str] = field(default_factory=dict)


def gather(places: Sequence[Run | LogDirectory], request: Request) -> Gathered:
    """Read what is asked for, and make curves of it.

    Args:
        places: At least one.
        request: What is to be drawn.

    Raises:
        NotFound: There is nothing to draw, a metric is in none of the places, or its epochs are not known.
    """
    found: list[Found] = []
    damage: list[Damage] = []
    missing: list[NotFound] = []
    labels = _labels(places)
    for place, label in zip(places, labels, strict=True):
        try:
            found += read_curves(place, label, request, damage)
        except NotFound as error:
            missing.append(error)
    if not found:
        raise missing[0]
    left_out = [f"{error.message}: left out" for error in missing]
    charts = [
        _chart(metric, alike, request, left_out)
        for metric in _chosen_metrics(found, request, left_out)
        for alike in _on_one_axis([one for one in found if one.metric == metric], request)
    ]
    runs = dict.fromkeys(curve.run for chart in charts for curve in chart.curves)
    ids = {label: place.id for place, label in zip(places, labels, strict=True) if isinstance(place, Run)}
    return Gathered(tuple(charts), tuple(runs), tuple(dict.fromkeys(left_out)), tuple(damage), ids)


def _labels(places: Sequence[Run | LogDirectory]) -> list[str]:
    """Return what a person calls each place, no two the same."""
    names = [place.name or (place.id if isinstance(place, Run) else "") for place in places]
    if len(places) == 1:
        return names if isinstance(places[0], Run) else [""]
    longer = [place.label if isinstance(place, Run) else str(place.logs) for place in places]
    return [name if name and names.count(name) == 1 else long for name, long in zip(names, longer, strict=True)]


def _chosen_metrics(found: Sequence[Found], request: Request, left_out: list[str]) -> list[str]:
    metrics = list(dict.fromkeys(one.metric for one in found))
    if request.metrics:
        return metrics
    metrics.sort(key=lambda name: next((rank for rank, word in enumerate(_USUAL) if word in name.lower()), 9))
    if len(metrics) > request.most_panels:
        rest = metrics[request.most_panels :]
        shown = ", ".join(rest[:5]) + (", ..." if len(rest) > 5 else "")
        left_out.append(f"{len(rest)} more metrics are not shown: {shown}; `--metric NAME` chooses")
    return metrics[: request.most_panels]


def _chart(metric: str, found: Sequence[Found], request: Request, left_out: list[str]) -> Chart:
    label = _axis_label(found, request.x)
    axis = label if label in (STEP, EPOCH) else request.x
    if not request.groups and len(found) > request.most_curves:
        left_out.append(f"{metric}: {request.most_curves} of {len(found):,} curves are shown")
        found = found[: request.most_curves]
    curves = [(one, _on_axis(one, axis), one.values) for one in found]
    if request.x == TIME:
        longest = max((float(np.nanmax(x)) for _, x, _ in curves if np.isfinite(x).any()), default=0.0)
        name, seconds = next(((name, length) for name, length in _UNITS if longest >= 2 * length), ("s", 1.0))
        curves = [(one, x / seconds, y) for one, x, y in curves]
        label = f"{label} ({name})"
    drawn = _grouped(curves, request) if request.groups else [_curve(one, x, y, request) for one, x, y in curves]
    if len(drawn) > request.most_curves:
        left_out.append(f"{metric}: {request.most_curves} of {len(drawn):,} groups are shown")
    chart = Chart(metric, tuple(drawn[: request.most_curves]), label)
    return replace(chart, curves=tuple(_on_log_axes(curve, chart, request.log, left_out) for curve in chart.curves))


def _on_one_axis(found: Sequence[Found], request: Request) -> list[Sequence[Found]]:
    """Return the series of one metric, in one panel or, where some count epochs and nothing tells the steps, in two."""
    epochs = [one for one in found if one.unit == EPOCH]
    if request.x or not 0 < len(epochs) < len(found) or all(one.epochs_at for one in epochs):
        return [found]
    return [epochs, [one for one in found if one.unit != EPOCH]]


def _on_log_axes(curve: Curve, chart: Chart, log: str, left_out: list[str]) -> Curve:
    """Return the curve without the points that a logarithmic axis has no place for: they would lie at its edge."""
    columns = [curve.y, *(() if curve.raw is None else curve.raw[1:])]
    if "y" in log and any((column <= 0).any() for column in columns):
        left_out.append(f"{chart.metric}: a logarithmic axis has no place for values of 0 or below")  # they are gaps
    if "x" not in log:
        return curve
    stays = ~(curve.x <= 0)
    if not stays.all():
        left_out.append(f"a logarithmic axis has no place for {chart.x_label} 0 or below: left out")
    raw, band = curve.raw, curve.band
    return replace(
        curve,
        x=curve.x[stays],
        y=curve.y[stays],
        raw=raw and (raw[0][~(raw[0] <= 0)], raw[1][~(raw[0] <= 0)]),
        band=band and (band[0][stays], band[1][stays]),
    )


def _axis_label(found: Iterable[Found], x: str) -> str:
    units = {one.unit for one in found}
    unit = x or (units.pop() if len(units) == 1 else STEP)
    return "time since the start" if unit == TIME else unit


def _on_axis(one: Found, x: str) -> Floats:
    """Return where the points lie.

    Raises:
        NotFound: The epochs of a series that counts steps, or its times, are not known.
    """
    if x in ("", one.unit):
        return one.steps
    if x == TIME:
        if not np.isfinite(one.seconds).any():  # as in a text log
            raise NotFound(f"nothing tells the times of {one.name!r}", hint="`--x step` or `--x epoch`")
        return one.seconds
    if x == STEP:
        return np.interp(one.steps, one.epochs_at[1], one.epochs_at[0]) if one.epochs_at else one.steps
    if one.epochs_at is None:
        raise NotFound(f"nothing tells the epochs of {one.name!r}", hint="`--x step` or `--x time`")
    return np.interp(one.steps, *one.epochs_at)


def _curve(one: Found, x: Floats, y: Floats, request: Request) -> Curve:
    log_x = "x" in request.log
    shown = shown_points(x, y, request.stretches, log_x=log_x)
    curve = Curve(one.run, one.name, one.split, x[shown], y[shown])
    if not request.smooth:
        return curve
    smooth = smoothed(y, request.smooth)
    places = shown_points(x, smooth, request.stretches, log_x=log_x)
    return replace(curve, x=x[places], y=smooth[places], raw=(curve.x, curve.y))


def _grouped(curves: Sequence[tuple[Found, Floats, Floats]], request: Request) -> list[Curve]:
    """Return a mean and a band for each group, training before validation as the series come."""
    members: dict[tuple[str, str], list[tuple[Found, Floats, Floats]]] = {}
    for one, x, y in curves:
        members.setdefault((request.groups.get(one.id, one.run), one.split), []).append((one, x, y))
    drawn = []
    for (label, split), group in members.items():
        band = band_over([(x, smoothed(y, request.smooth)) for _, x, y in group])
        shown = shown_points(band.x, band.mean, request.stretches, log_x="x" in request.log)
        x, mean, lower, upper = (column[shown] for column in band)
        drawn.append(Curve(label, group[0][0].name, split, x, mean, band=(lower, upper), members=len(group)))
    return drawn
