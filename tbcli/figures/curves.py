"""What a figure of curves shows, as plain data: painters draw it, and tests read it without a pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tbcli.naming.direction import Overrides

if TYPE_CHECKING:  # a mistake in a name is found before NumPy is loaded
    from tbcli.events.damage import Damage
    from tbcli.figures.smoothing import Floats

STEP, EPOCH, TIME = "step", "epoch", "time"
AXES = (STEP, EPOCH, TIME)
LOGS = ("x", "y", "xy")
LARGEST = 1e100  # beyond, and below its inverse, the arithmetic of an axis overflows
SEPARATOR = "  ·  "  # of facts on one line
MANY_RUNS = 5  # beyond, curves are thin, validation stands in front and the legend is ranked


@dataclass(frozen=True, slots=True)
class Request:
    """What to draw.

    Args:
        metrics: Names or globs, of series or of panels; empty for the usual ones.
        x: One of `AXES`, or ``""`` for what the series count.
        log: Which axes are logarithmic: ``""`` or one of `LOGS`.
        smooth: Weight of the past in TensorBoard's smoothing.
        groups: ``{id of a run, or `foreign_id`: label of its group}``; a group becomes its mean with a band.
        grouped_by: The key by which they are groups.
        remarks: What to say of the groups.
        directions: The user's ``[direction]`` section.
        stretches: About how many points a curve has on the page; the extremes of each stretch stay.
        most_panels: How many are drawn when no metric is named.
        most_named: How many are drawn when metrics are named.
        most_curves: How many are drawn in one panel.
        verify: Verify all checksums.
        cache: Use the reader's cache.
    """

    metrics: tuple[str, ...] = ()
    x: str = ""
    log: str = ""
    smooth: float = 0.0
    groups: Mapping[str, str] = field(default_factory=dict)
    grouped_by: str = ""
    remarks: tuple[str, ...] = ()
    directions: Overrides = field(default_factory=dict)
    stretches: int = 1000
    most_panels: int = 9
    most_named: int = 12
    most_curves: int = 100
    verify: bool = False
    cache: bool = True


class Best(NamedTuple):
    """The best measured value of a curve.

    Args:
        x: Where it is on the axis.
        y: The value.
        at: The same place in words: ``epoch 13``; on an axis of time what the series counts.
        guess: What to add where the direction is guessed: ``(higher is better: guessed)``.
    """

    x: float
    y: float
    at: str
    guess: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """One line.

    Args:
        run: Label of the run or the group.
        id: What scripts call it.
        name: ``val_loss``.
        split: ``train``, ``validation``, ``test`` or ``""``.
        x: ``[n]``.
        y: ``[n]``, smoothed if that was asked for.
        tags: ``run/tag`` of the series, as written in the files; of a group those of all members.
        raw: x and y as measured, where y is smoothed.
        band: Lower and upper edge ``[n]``, where y is the mean of a group.
        members: Runs that the mean is over.
        best: Its best value, where the metric has a direction.
        last: Its last measured value, whether it is a number or not; NaN without one.
        ending: What to say where that is no finite number: ``ends in nan at step 3``.
        is_judged: Whether its run is judged by it: validation where there is one.
    """

    run: str
    id: str
    name: str
    split: str
    x: Floats
    y: Floats
    tags: tuple[str, ...] = ()
    raw: tuple[Floats, Floats] | None = None
    band: tuple[Floats, Floats] | None = None
    members: int = 1
    best: Best | None = None
    last: float = float("nan")
    ending: str = ""
    is_judged: bool = True


class Panel(NamedTuple):
    """The curves of one metric.

    Args:
        metric: Its name.
        curves: At least one.
        x_label: What stands below the axis.
        log: Which axes are logarithmic: ``""`` or one of `LOGS`.
    """

    metric: str
    curves: tuple[Curve, ...]
    x_label: str
    log: str = ""

    @property
    def is_counted(self) -> bool:
        """Whether the x axis counts something."""
        return self.x_label in (STEP, EPOCH)

    @property
    def is_of_one_run(self) -> bool:
        """Whether all curves are of one run or group."""
        return len({curve.id for curve in self.curves}) == 1

    def best_of(self, curve: Curve) -> Best | None:
        """Return the best value of a curve, where the axes have a place for it."""
        best = curve.best
        lies_within = best and (best.y >= 1 / LARGEST or "y" not in self.log) and (best.x > 0 or "x" not in self.log)
        return best if lies_within else None

    def why_empty(self) -> str:
        """Return what to say where no point can be drawn."""
        columns = [curve.raw[1] if curve.raw else curve.y for curve in self.curves]
        if "x" in self.log and not any(map(len, columns)):
            return "no point above 0 for a logarithmic axis"
        is_finite = any((abs(column) <= LARGEST).any() for column in columns)
        return "no value above 0 for a logarithmic axis" if self.log and is_finite else "no finite value"


class Entry(NamedTuple):
    """One run or group in the legend.

    Args:
        id: What scripts call it.
        label: What people call it.
        values: Its results: ``0.9700 @ 3, test 0.9912``; never cut.
        members: ``n=3`` of a group.
        status: ``pruned``, say, of one of several runs that has not finished.
    """

    id: str
    label: str
    values: str = ""
    members: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """The two lines above a figure.

    Args:
        name: What is drawn: a run, or how many.
        kind: The kind of figure: ``training history``.
        what: Model and data.
        id: Of a run that has a name too.
        results: Epochs, status, test value; never cut.
    """

    name: str
    kind: str
    what: str = ""
    id: str = ""
    results: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """All there is to write."""
        return self.name, self.kind, self.what, *self.results


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything a painter needs.

    Args:
        heading: The lines above.
        panels: At least one.
        entries: The legend: the runs or groups, best first where they are many.
        legend_heading: What the values of the legend are.
        notes: What was done to the curves.
        left_out: Sentences about what is not shown.
        damage: What could not be read.
        smooth: The weight that was used.
    """

    heading: Heading
    panels: tuple[Panel, ...]
    entries: tuple[Entry, ...]
    legend_heading: str = ""
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    damage: tuple[Damage, ...] = ()
    smooth: float = 0.0

    @property
    def is_crowded(self) -> bool:
        """Whether there are so many runs that curves are thin and validation stands in front."""
        return len(self.entries) > MANY_RUNS

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the panels."""
        return tuple(dict.fromkeys(panel.metric for panel in self.panels))

    def tags(self) -> dict[str, list[str]]:
        """Return ``{name: the literal tags it stands for}``."""
        tags: dict[str, dict[str, None]] = {}
        for panel in self.panels:
            for curve in panel.curves:
                tags.setdefault(curve.name, {}).update(dict.fromkeys(curve.tags))
        return {name: list(literal) for name, literal in tags.items()}


def on_one_line(parts: Sequence[str]) -> str:
    """Return facts on one line."""
    return SEPARATOR.join(filter(None, parts))
