"""One series on its way into a figure, and what is needed to put it on any axis."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tbcli.errors import NotFound
from tbcli.events.damage import Damage
from tbcli.figures.clocks import Clock
from tbcli.figures.smoothing import Floats
from tbcli.runs import LogDirectory
from tbcli.runs.history import History


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
        seconds: Since the run began ``[n]``, as far as they are recorded.
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
        lacking: Words that were asked for and that a place with others of them lacks, and what is to be said.
        notes: Sentences about series that would have shared a name.
    """

    traces: list[Trace] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)
    missing: list[NotFound] = field(default_factory=list)
    lacking: list[tuple[str, NotFound]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def foreign_id(place: LogDirectory, run: str) -> str:
    """Return what stands for a run inside a foreign log directory in `Request.groups`."""
    return f"{place.logs}/{run}"


def clock_of(history: History) -> Clock | None:
    """Return the optimizer steps at which epochs ended, from the start of training on, and their numbers."""
    if "step" not in history.columns:
        return None
    return np.array([0.0, *history.columns["step"]]), np.array([0.0, *history.epochs])
