"""Series of one metric become a panel: on one axis, as curves or as means of groups, each with its best value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tbcli.errors import NotFound
from tbcli.figures.bands import band_over
from tbcli.figures.clocks import count_differently, epochs_at, in_one_unit, steps_at
from tbcli.figures.curves import EPOCH, LARGEST, STEP, TIME, Best, Curve, Panel, Request
from tbcli.figures.smoothing import Floats, shown_points, smoothed
from tbcli.figures.titles import counted
from tbcli.figures.traces import Trace
from tbcli.naming.direction import direction_of
from tbcli.naming.words import TEST, TRAIN, VALIDATION, learning_rate_of

_LOG_RANGE = 100.0  # largest over smallest value from which a loss is shown on a logarithmic axis
_ORDER = {TRAIN: 0, "": 0, VALIDATION: 1, TEST: 2}

Measured = tuple[Trace, Floats, Floats]
"""A series, where its points lie on the axis, and its values."""


def make_panel(metric: str, traces: Sequence[Trace], request: Request, left_out: list[str]) -> Panel:
    """Return the panel of a metric.

    Args:
        metric: Its name.
        traces: Its series, at least one.
        request: What to draw.
        left_out: Takes sentences about what is not shown.

    Raises:
        NotFound: The epochs of a series that counts steps are not known.
    """
    units = {trace.unit for trace in traces}
    axis = request.x or (units.pop() if len(units) == 1 else STEP)
    label = axis
    if not request.groups and len(traces) > request.most_curves:
        traces, said = _most_telling(metric, traces, request)
        left_out.append(said)
    measured = [(trace, _on_axis(trace, axis), trace.values) for trace in traces]
    if axis == TIME:
        name, seconds = in_one_unit([x for _, x, _ in measured])
        label = f"time since the start ({name})"
        _note_lost_times(measured, left_out)
        measured = [(trace, x / seconds, y) for trace, x, y in measured]
    elif axis == STEP:
        left_out += _two_clocks(metric, measured)
    curves = (
        _grouped(measured, request, label, left_out)
        if request.groups
        else [_curve(trace, x, y, request, label) for trace, x, y in measured]
    )
    if len(curves) > request.most_curves:
        left_out.append(f"{metric}: {request.most_curves} of {len(curves):,} groups are drawn")
    curves = _judged(curves[: request.most_curves])
    panel = Panel(metric, tuple(curves), label, _log_axes(metric, curves, request))
    return panel._replace(curves=tuple(_on_log_axes(curve, panel, request.log, left_out) for curve in curves))


def _most_telling(metric: str, traces: Sequence[Trace], request: Request) -> tuple[Sequence[Trace], str]:
    """Return as many series as may be drawn, validation of the best runs first, and what is said of it."""
    held_out = {trace.id for trace in traces if trace.split == VALIDATION}
    judged = [trace for trace in traces if trace.split == VALIDATION or trace.id not in held_out]
    others = [trace for trace in traces if trace.split != VALIDATION and trace.id in held_out]
    sense = direction_of(metric, request.directions).sense

    def rank(trace: Trace) -> float:
        position = _best_position(metric, trace.values, request)
        return np.inf if position is None else float(trace.values[position]) * (1 if sense == "min" else -1)

    judged.sort(key=rank)
    shown = {id(trace) for trace in (*judged, *others)[: request.most_curves]}
    which = " (the best)" if sense else ""
    said = f"{metric}: {request.most_curves} of {len(traces):,} curves are drawn{which}"
    return [trace for trace in traces if id(trace) in shown], said


def _on_axis(trace: Trace, axis: str) -> Floats:
    """Return where the points lie.

    Raises:
        NotFound: The epochs of a series that counts steps are not known.
    """
    if axis == trace.unit:
        return trace.steps
    if axis == TIME:
        return trace.steps * np.nan if trace.seconds is None else trace.seconds
    if axis == STEP:
        return steps_at(trace.steps, trace.clock) if trace.clock else trace.steps
    if trace.clock is None:
        raise NotFound(f"the epochs of {trace.name!r} are not recorded", hint="`--x step` or `--x time`")
    return epochs_at(trace.steps, trace.clock)


def _note_lost_times(measured: Sequence[Measured], left_out: list[str]) -> None:
    for trace, x, _ in measured:
        lost = int(np.isnan(x).sum())
        if lost:
            verb = "has" if lost == 1 else "have"
            left_out.append(f"{trace.name}: {counted(lost, 'point')} {verb} no usable wall time and cannot be drawn")


def _two_clocks(metric: str, measured: Sequence[Measured]) -> list[str]:
    """Return what to say where one series of a run seems to count steps and another one epochs."""
    by_run: dict[str, list[Measured]] = {}
    for one in measured:
        if len(one[1]) > 1:
            by_run.setdefault(one[0].id, []).append(one)
    pairs = [(min(alike, key=_end), max(alike, key=_end)) for alike in by_run.values()]
    found = [(short, long) for short, long in pairs if count_differently(short[1], long[1])]
    if not found:
        return []
    (short, x, _), (long, steps, _) = found[0]
    more = f", and so in {len(found) - 1:,} more" if len(found) > 1 else ""
    timed = all(trace.seconds is not None and np.isfinite(trace.seconds).any() for trace in (short, long))
    advice = "; `--x time` draws both by the time they were written" if timed else ""
    where = f"{short.name} ends at {_place(STEP, x[-1])} and {long.name} at {_place(STEP, steps[-1])}"
    return [f"{metric}: in {long.run} {where}{more}: they seem to count different things{advice}"]


def _end(one: Measured) -> float:
    return float(one[1][-1])


def _curve(trace: Trace, x: Floats, y: Floats, request: Request, label: str) -> Curve:
    log_x = "x" in request.log
    shown = shown_points(x, y, request.stretches, log_x=log_x)
    best = _best(trace, x, y, request, label)
    if best is not None and best[1] not in shown:
        shown = np.union1d(shown, [best[1]])
    curve = Curve(
        trace.run,
        trace.id,
        trace.name,
        trace.split,
        x[shown],
        y[shown],
        (trace.tag,),
        best=best and best[0],
        last=float(y[-1]) if len(y) else float("nan"),
        ending=_ending(trace, x, y, label),
    )
    if not request.smooth:
        return curve
    smooth = smoothed(y, request.smooth)
    places = shown_points(x, smooth, request.stretches, log_x=log_x)
    return replace(curve, x=x[places], y=smooth[places], raw=(curve.x, curve.y))


def _best(trace: Trace, x: Floats, y: Floats, request: Request, label: str) -> tuple[Best, int] | None:
    """Return the best value of a series and its position, where its metric has a direction."""
    position = _best_position(trace.metric, y, request)
    if position is None:
        return None
    guess = direction_of(trace.metric, request.directions).note
    return Best(float(x[position]), float(y[position]), _place_of(trace, x, position, label), guess), position


def _best_position(metric: str, y: Floats, request: Request) -> int | None:
    sense = direction_of(metric, request.directions).sense
    real = np.where(np.abs(y) <= LARGEST, y, np.nan)
    if not sense or np.isnan(real).all():
        return None
    return int(np.nanargmin(real) if sense == "min" else np.nanargmax(real))


def _ending(trace: Trace, x: Floats, y: Floats, label: str) -> str:
    """Return what to say of a series whose last value is no finite number."""
    if len(y) and np.isfinite(y[-1]):
        return ""
    if not np.isfinite(y).any():
        return "has no finite value"
    return f"ends in {y[-1]:g} at {_place_of(trace, x, -1, label)}"


def _place_of(trace: Trace, x: Floats, position: int, label: str) -> str:
    """Return where a point is: on an axis of time, what its series counts."""
    if label in (STEP, EPOCH):
        return _place(label, x[position])
    return _place(trace.unit, trace.steps[position])


def _grouped(measured: Sequence[Measured], request: Request, label: str, left_out: list[str]) -> list[Curve]:
    """Return a mean and a band for each group, training before validation as the series come."""
    members: dict[tuple[str, str, str], list[Measured]] = {}
    for trace, x, y in measured:
        members.setdefault((request.groups.get(trace.id, trace.run), trace.split, trace.name), []).append((trace, x, y))
    return [_mean(group, of, request, label, left_out) for (group, _, _), of in members.items()]


def _mean(group: str, members: Sequence[Measured], request: Request, label: str, left_out: list[str]) -> Curve:
    first = members[0][0]
    usable = [one for one in members if np.isfinite(one[1] * 0 + one[2] * 0).any()]
    if len(usable) < len(members):
        lost = len(members) - len(usable)
        left_out.append(f"{group}: {lost} of {len(members)} runs have no finite {first.name} and are not in the mean")
    if len(usable) < 2:
        return replace(_curve(*(usable or members)[0], request, label), run=group, id=group)
    band = band_over([(x, smoothed(y, request.smooth)) for _, x, y in usable])
    if band.longest > band.shortest:
        left_out.append(
            f"{group}: the mean of {len(usable)} runs ends at {_place(label, band.shortest)}, where the first of them "
            f"ends; the longest reaches {_place(label, band.longest)}"
        )
    shown = shown_points(band.x, band.mean, request.stretches, log_x="x" in request.log)
    position = _best_position(first.metric, band.mean, request)
    best = None
    if position is not None:
        guess = direction_of(first.metric, request.directions).note
        best = Best(float(band.x[position]), band.exact_mean(position), _place(label, band.x[position]), guess)
        shown = np.union1d(shown, [position])
    x, mean, lower, upper = (column[shown] for column in band[:4])
    lost = sum(not np.isfinite(y[-1]) for _, _, y in usable)
    return Curve(
        group,
        group,
        first.name,
        first.split,
        x,
        mean,
        tuple(dict.fromkeys(trace.tag for trace, _, _ in members)),
        band=(lower, upper),
        members=len(usable),
        best=best,
        last=band.exact_mean(-1) if len(band.mean) and not lost else float("nan"),
        ending=f"has {counted(lost, 'run')} of {len(usable)} whose last value is no finite number" if lost else "",
    )


def _place(label: str, x: float) -> str:
    """Return where something is on the axis: ``epoch 5``, ``2.4 min``."""
    if label in (STEP, EPOCH):
        return f"{label} {round(float(x), 2):,.12g}"
    return f"{x:.3g} {label.rpartition('(')[2].rstrip(')')}"


def _judged(curves: Sequence[Curve]) -> list[Curve]:
    """Return the curves run by run, training before validation, and which one its run is judged by."""
    judged: dict[str, str] = {}
    for curve in curves:
        before = judged.get(curve.id)
        if before is None or (_ORDER.get(curve.split, 0) == 1 and _ORDER.get(before, 0) != 1):
            judged[curve.id] = curve.split
    places = {one: place for place, one in enumerate(judged)}
    ordered = sorted(curves, key=lambda curve: (places[curve.id], _ORDER.get(curve.split, 0)))
    return [replace(curve, is_judged=judged[curve.id] == curve.split) for curve in ordered]


def _log_axes(metric: str, curves: Sequence[Curve], request: Request) -> str:
    """Return the axes that are logarithmic: those asked for, and that of a loss that spans powers of ten."""
    log = request.log
    is_loss = direction_of(metric, request.directions).sense == "min"
    if "y" in log or not (is_loss or learning_rate_of(metric)):
        return log
    values = np.concatenate([curve.raw[1] if curve.raw else curve.y for curve in curves])
    values = values[np.abs(values) <= LARGEST]
    if not len(values) or values.min() < 1 / LARGEST or values.max() / values.min() < _LOG_RANGE:
        return log
    return f"{log}y"


def _on_log_axes(curve: Curve, panel: Panel, log: str, left_out: list[str]) -> Curve:
    """Return the curve without the points that a logarithmic axis has no place for: they would lie at its edge."""
    columns = [curve.y, *(() if curve.raw is None else curve.raw[1:])]
    if "y" in log and any((column <= 0).any() for column in columns):
        left_out.append(f"{curve.name}: values of 0 or below cannot be drawn on a logarithmic axis")  # gaps
    if "x" not in log:
        return curve
    stays = ~(curve.x <= 0)
    if not stays.all():
        left_out.append(f"points at {panel.x_label} 0 or below cannot be drawn on a logarithmic axis")
    raw, band = curve.raw, curve.band
    return replace(
        curve,
        x=curve.x[stays],
        y=curve.y[stays],
        raw=raw and (raw[0][~(raw[0] <= 0)], raw[1][~(raw[0] <= 0)]),
        band=band and (band[0][stays], band[1][stays]),
    )
