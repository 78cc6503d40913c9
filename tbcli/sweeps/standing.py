"""Which sweeps there are, and how far each has come; by what is kept of them, so that no run is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tbcli.config import PathsConfig
from tbcli.errors import NotFound
from tbcli.runs.claim import is_claimed
from tbcli.sweeps.directory import SweepDirectory, has_runs, sweep_names, sweeps_root
from tbcli.sweeps.endings import ENDED, Outcome, read_outcomes


class Standing(NamedTuple):
    """How far a sweep has come.

    Args:
        name: Of the sweep.
        total: How many trials it has.
        ended: How many of them have ended.
        metric: By which they are judged, with its selector.
        best: The best value of a finished trial, None where there is none.
        is_running: Whether a process of this machine runs it.
    """

    name: str
    total: int
    ended: int
    metric: str
    best: float | None
    is_running: bool


def standings(paths: PathsConfig, most: int) -> Iterator[Standing]:
    """Yield how far the newest sweeps of a workspace have come, the newest last.

    Damaged ones are left out, and those whose runs were all removed.
    """
    for name in sweep_names(paths)[-most:]:
        directory = SweepDirectory(sweeps_root(paths) / name)
        try:
            definition = directory.load()
        except NotFound:
            continue
        outcomes = read_outcomes(directory.log_file)
        if outcomes and not has_runs(paths, outcomes.values()):
            continue
        ended = sum(outcome.status in ENDED and number < definition.count for number, outcome in outcomes.items())
        values = _values(list(outcomes.values()))
        best = (min if definition.sense == "min" else max)(values, default=None)
        yield Standing(name, definition.count, ended, definition.metric, best, is_claimed(directory.path) is True)


def _values(outcomes: Sequence[Outcome]) -> list[float]:
    finished = (outcome.value for outcome in outcomes if outcome.status == "finished")
    return [value for value in finished if value is not None]
