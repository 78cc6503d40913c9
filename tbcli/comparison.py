"""Runs or groups of runs side by side: each metric at its best and its last value, and the settings that differ."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from tbcli.errors import NotFound
from tbcli.grouping import Side, independent_runs, is_beside, is_key, notes_on_groups
from tbcli.naming.direction import Direction
from tbcli.naming.group_labels import text_of
from tbcli.naming.matching import listed
from tbcli.runs.comparable import DATA, TASKS, notes_on_differences, what_differs
from tbcli.runs.summary import Metric, Summary
from tbcli.welch import Difference, compare_groups, corrected


class Cell(NamedTuple):
    """A metric of one side: the value of its run, or the mean over its runs.

    Args:
        value: NaN where it is not a number; None where the side has no such metric.
        epoch: That of the best value, of a single run.
        deviation: Sample standard deviation over the runs; None for fewer than two.
        n: How many finite values the mean is of.
        difference: To the baseline; None where one has no number.
        relative: The same as a share of the baseline's value.
        is_better: Than the baseline's; None where they are equal, have no difference, or the metric no direction.
        unit: ``epoch`` or ``step``: what `epoch` counts.
        tag: Directory and tag in the event files, of a single run; ``""`` where it is from the record.
        noise: Whether a group differs from the baseline by more than noise; None where no groups are compared.
    """

    value: float | None
    epoch: float | None = None
    deviation: float | None = None
    n: int = 0
    difference: float | None = None
    relative: float | None = None
    is_better: bool | None = None
    unit: str = ""
    tag: str = ""
    noise: Difference | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One metric at one moment, with one cell per side.

    Args:
        metric: Its name.
        at: ``best``, ``last``, or ``""`` for a metric that has a single value.
        cells: In the order of the sides.
        direction: Which way the metric is better.
        best: Position of the best side, a finite value before none; None where several are equal, or only one side has
            the metric.
        tied: Positions of the equal best, where another side is worse.
        differs: What makes the sides incomparable by this metric: ``tasks``, ``data``, ``unknown`` data, or ``""``;
            none is best where something does.
    """

    metric: str
    at: str
    cells: tuple[Cell, ...]
    direction: Direction
    best: int | None = None
    tied: tuple[int, ...] = ()
    differs: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All there is to show.

    Args:
        sides: At least one.
        baseline: Position of the side that differences are taken to.
        rows: The metrics.
        settings: ``{key: value of each side}`` of the settings that differ; None where a side has no such setting.
        unconfigured: Positions of the sides that have no settings at all, which therefore differ in none.
        data: What each side was trained on; ``""`` where nothing tells.
        notes: Sentences on what makes the comparison less than it seems: data that differ, runs that have not
            finished, groups of one.
        left_out: The runs that are in no group, as they have not finished.
    """

    sides: tuple[Side, ...]
    baseline: int
    rows: tuple[Row, ...]
    settings: Mapping[str, tuple[str | None, ...]]
    unconfigured: tuple[int, ...] = ()
    data: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[Summary, ...] = ()


def compare_sides(sides: Sequence[Side], baseline: int = 0, *, grouped_by: str = "") -> Comparison:
    """Return the comparison.

    Args:
        sides: At least one.
        baseline: Position of the side that differences are taken to.
        grouped_by: The key by which runs became groups, which needs no row among the settings.

    Raises:
        NotFound: No side has metrics.
    """
    spellings = _Spellings(member for side in sides for member in side.members)
    if not spellings.rows:
        raise NotFound(
            f"no metrics to compare in {', '.join(side.label for side in sides)}",
            hint="a run has metrics after its first epoch",
        )
    rows = tuple(
        _row(name, at, [(side, spellings.metrics(name, side)) for side in sides], baseline)
        for name in spellings.rows
        for at in _moments(name, sides, spellings)
    )
    if grouped_by:
        independent = [independent_runs(side.members) for side in sides]
        rows = tuple(_tested(row, independent, spellings, baseline) for row in rows)
    unconfigured = tuple(
        position for position, side in enumerate(sides) if not any(member.settings for member in side.members)
    )
    settings = _differing(sides, grouped_by, unconfigured)
    data = tuple(", ".join(dict.fromkeys(member.data for member in side.members if member.data)) for side in sides)
    notes = (
        *_notes_on_data(sides, settings),
        *(notes_on_groups(sides, grouped_by) if grouped_by else _on_unfinished(sides)),
    )
    return Comparison(tuple(sides), baseline, rows, settings, unconfigured, data, notes)


class _Spellings:
    """Which metric of each run a row shows: runs may spell it differently (`Loss`, `loss`; `acc`, `accuracy`)."""

    def __init__(self, members: Iterable[Summary]) -> None:
        self._names: dict[str, dict[str, dict[str, None]]] = {}  # of a run, by what they have in common
        spelt: dict[str, dict[str, None]] = {}
        self._several: set[str] = set()  # one run has two of these: they are two metrics
        for member in members:
            own: dict[str, dict[str, None]] = {}
            for name in member.metrics:
                own.setdefault(_common(name), {})[name] = None
                spelt.setdefault(_common(name), {})[name] = None
            self._several |= {key for key, names in own.items() if len(names) > 1}
            self._names[member.id] = own
        self.rows = [
            name for key, names in spelt.items() for name in (names if key in self._several else list(names)[:1])
        ]

    def metrics(self, name: str, side: Side) -> list[Metric]:
        """Return the metric of each run of a side that has it."""
        return [metric for member in side.members if (metric := self.metric(name, member)) is not None]

    def metric(self, name: str, member: Summary) -> Metric | None:
        """Return the metric of a run, None where it has none."""
        key = _common(name)
        own = name if key in self._several else next(iter(self._names[member.id].get(key, ())), name)
        return member.metrics.get(own)


@lru_cache(maxsize=65_536)
def _common(name: str) -> str:
    before, _, last = name.lower().rpartition("_")
    return f"{before}_{'accuracy' if last == 'acc' else last}"


def _moments(name: str, sides: Sequence[Side], spellings: _Spellings) -> tuple[str, ...]:
    if not any(metric.is_series for side in sides for metric in spellings.metrics(name, side)):
        return ("",)
    return ("best", "last") if _direction_of(name, sides[0]).sense else ("last",)


def _direction_of(name: str, side: Side) -> Direction:
    return side.members[0].direction(name)


def _row(name: str, at: str, measured: Sequence[tuple[Side, Sequence[Metric]]], baseline: int) -> Row:
    values = [_cell(side, metrics, at) for side, metrics in measured]
    direction, base = _direction_of(name, measured[0][0]), values[baseline].value
    cells = tuple(
        cell if position == baseline else _against(cell, base, direction) for position, cell in enumerate(values)
    )
    differs = _what_differs([side for side, metrics in measured if metrics], name)
    if differs == TASKS:
        return Row(name, at, tuple(values), direction, differs=differs)
    if differs:
        return Row(name, at, tuple(cell._replace(is_better=None) for cell in cells), direction, differs=differs)
    if not direction.sense:
        return Row(name, at, cells, direction)
    ranked = sorted(
        (cell.value if direction.sense == "min" else -cell.value, position)
        for position, cell in enumerate(cells)
        if cell.value is not None and math.isfinite(cell.value)
    )
    first = [position for value, position in ranked if _is_same(value, ranked[0][0])]
    has_worse = len(first) < sum(cell.value is not None for cell in cells)  # what diverged is worse
    is_single = has_worse and len(first) == 1
    tied = tuple(sorted(first)) if has_worse and not is_single else ()
    return Row(name, at, cells, direction, first[0] if is_single else None, tied)


def _tested(row: Row, independent: Sequence[Sequence[Sequence[Summary]]], spellings: _Spellings, baseline: int) -> Row:
    """Return a row of groups with what a test says of each against the baseline, as far as they can be compared."""
    if row.differs in (TASKS, DATA):
        return row
    values = [_independent_values(row, groups, spellings) for groups in independent]
    others = [position for position in range(len(values)) if position != baseline]
    tests = corrected([compare_groups(values[baseline], values[position]) for position in others])
    noise = dict(zip(others, tests, strict=True))
    return replace(
        row, cells=tuple(cell._replace(noise=noise.get(position)) for position, cell in enumerate(row.cells))
    )


def _independent_values(row: Row, groups: Sequence[Sequence[Summary]], spellings: _Spellings) -> list[float]:
    """Return the finite values of a group, the mean of runs that repeat each other."""
    found = []
    for group in groups:
        metrics = [metric for member in group if (metric := spellings.metric(row.metric, member)) is not None]
        values = [value for metric in metrics if (value := metric.select(row.at)) is not None]
        if finite := [value for value in values if math.isfinite(value)]:
            found.append(statistics.mean(finite))
    return found


def _what_differs(sides: Sequence[Side], metric: str) -> str:
    """Return what makes the sides that have a metric incomparable, ``""`` where nothing does."""
    if len(sides) < 2:
        return ""
    first, *others = (member for side in sides for member in side.members)
    return next((differs for other in others if (differs := what_differs(first, other, metric))), "")


def _cell(side: Side, metrics: Sequence[Metric], at: str) -> Cell:
    values = [value for metric in metrics if (value := metric.select(at)) is not None]
    if not values:
        return Cell(None)
    units = {metric.unit for metric in metrics}
    unit = units.pop() if len(units) == 1 else ""
    if len(side.members) == 1:
        return Cell(values[0], metrics[0].best_epoch if at == "best" else None, n=1, unit=unit, tag=metrics[0].tag)
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return Cell(math.nan, unit=unit)
    deviation = statistics.stdev(finite) if len(finite) > 1 else None
    return Cell(statistics.mean(finite), deviation=deviation, n=len(finite), unit=unit)


def _against(cell: Cell, base: float | None, direction: Direction) -> Cell:
    if cell.value is None or base is None or not math.isfinite(difference := cell.value - base):
        return cell
    difference = 0.0 if _is_same(cell.value, base) else difference
    relative = difference / abs(base) if base else None
    is_better = (difference < 0) == (direction.sense == "min") if difference and direction.sense else None
    return cell._replace(difference=difference, relative=relative, is_better=is_better)


def _is_same(value: float, other: float) -> bool:
    """Say whether two numbers differ by no more than float32 rounds: one writer keeps that, another float64."""
    return math.isclose(value, other, rel_tol=2**-24)


def _notes_on_data(sides: Sequence[Side], settings: Mapping[str, tuple[str | None, ...]]) -> Iterator[str]:
    """Yield a sentence where the runs learnt different things, or were trained or measured on different data."""
    yield from notes_on_differences([(side.label, side.members) for side in sides])
    keys = [key for key in settings if key.startswith("data.") and key != "data.source"]
    if keys:
        yield f"the data settings differ, so the metrics may not be comparable: {', '.join(keys)}"


def _on_unfinished(sides: Sequence[Side]) -> Iterator[str]:
    """Yield a sentence where single runs did not get to their ends."""
    alone = [side.members[0] for side in sides if len(side.members) == 1]
    stopped = [f"{member.label} is {ended_early(member)}" for member in alone if member.unfinished]
    if stopped:
        yield f"not all runs have finished, so they may not be comparable: {listed(stopped)}"


def ended_early(summary: Summary) -> str:
    """Return how far a run got that has not finished: ``pruned after epoch 1``; ``""`` for any other."""
    epoch = summary.read_fact("epoch") if summary.unfinished else None
    return summary.unfinished + (f" after epoch {epoch}" if epoch else "")


def _differing(
    sides: Sequence[Side], grouped_by: str, unconfigured: Sequence[int]
) -> dict[str, tuple[str | None, ...]]:
    keys = dict.fromkeys(key for side in sides for member in side.members for key in member.settings)
    texts = {
        key: tuple(_texts_of(key, side) for side in sides)
        for key in keys
        if key != "train.name" and not (grouped_by and (is_key(key, grouped_by) or is_beside(key)))
    }
    configured = [position for position in range(len(sides)) if position not in unconfigured]
    return {key: values for key, values in texts.items() if len({values[i] for i in configured}) > 1}


def _texts_of(key: str, side: Side) -> str | None:
    """Return the setting's value as text; all values of a group whose runs differ in it."""
    texts = {text_of(member.settings[key]) for member in side.members if key in member.settings}
    return ", ".join(sorted(texts, key=_in_order)) if texts else None


def _in_order(text: str) -> tuple[bool, float, str]:
    """Return what sorts numbers by size and before other texts."""
    try:
        number = float(text)
    except ValueError:
        return True, 0.0, text
    return (False, number, text) if number == number else (True, 0.0, text)  # not a number
