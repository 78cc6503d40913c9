"""Findings about the trainings of other programs, as far as their log directories hold curves that tell something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from tbcli.config import PathsConfig
from tbcli.doctor.course import Known
from tbcli.doctor.diagnosis import diagnose, diagnose_curves
from tbcli.doctor.findings import Finding
from tbcli.doctor.kept_files import check_kept
from tbcli.doctor.trends import Values
from tbcli.naming.direction import direction_of, is_measure
from tbcli.naming.series import Identity
from tbcli.naming.words import EPOCH, STEP, words_of
from tbcli.readers.logged_runs import LoggedRuns, joined_path, read_runs
from tbcli.readers.series import Series
from tbcli.runs import LogDirectory, Run, RunStore

_MOST_POINTS = 200
_MOST_METRICS = 40
_MOST_RUNS = 100
_VALIDATION = "val_"
_OF_REWARDS = ("reward", "rewards", "rew", "return", "returns", "rollout")  # while these rise, a loss may too
_LOSSES = ("loss", "total_loss", "losses", "logloss", "mlogloss", "multilogloss", "nll", "cross_entropy", "ppl")


def diagnose_place(place: LogDirectory, *, can_resume: Callable[[Run], bool] | None = None) -> list[Finding]:
    """Return what is wrong with the trainings below a log directory, whoever ran them.

    Args:
        place: The log directory.
        can_resume: See `diagnose`.

    Raises:
        NotFound: There is no such directory or file.
    """
    runs = read_runs(place)
    own = _own_runs(place)
    newest = list(own.values())[-_MOST_RUNS:]
    findings = [each for run in newest for each in (*check_kept(run), *diagnose(run, can_resume=can_resume))]
    if len(own) > _MOST_RUNS:
        findings.append(_not_looked_at(place, len(own) - _MOST_RUNS))
    for name in runs.names:
        if name.partition("/")[0] not in own:
            path = joined_path(place, name)
            found = _findings_on(list(runs.series(name)), runs)
            findings += [replace(each, where=f"{path}, {each.where}") for each in found]
    return findings


def _not_looked_at(place: LogDirectory, count: int) -> Finding:
    return Finding(
        level="note",
        name="runs-not-looked-at",
        what=f"of the trainings of tbcli only the newest {_MOST_RUNS} were looked at, {count} older ones were not",
        why="each costs some milliseconds",
        fix="tbcli doctor RUN",
        where=str(place.logs),
    )


def _own_runs(place: LogDirectory) -> dict[str, Run]:
    """Return the runs of ours that lie in a log directory, by the name of theirs."""
    if not place.logs.is_dir():
        return {}
    store = RunStore(PathsConfig(logdir=str(place.logs)), place.directions)
    return {run.logs.name: run for run in store.list() if place.run in ("", run.logs.name)}


def _findings_on(members: list[tuple[Identity, Series]], runs: LoggedRuns) -> list[Finding]:
    named = {identity.name: (identity, series) for identity, series in members if len(series.value)}
    loss = _loss_among(named)
    main = named.get(_VALIDATION + loss) or named.get(loss)
    if not loss or main is None:
        return []
    unit, ends = main[0].unit, _grid(main[1])
    calls = {loss: "loss", _VALIDATION + loss: "val_loss", **{name: name for name in _scores(named, runs)}}
    columns = {
        key: _on_grid(named[name][1], ends, is_filled=key == "loss")
        for name, key in calls.items()
        if name in named and {named[name][0].unit, unit} != {EPOCH, STEP}  # else nothing tells which belong together
    }
    found = diagnose_curves(ends, columns, Known(unit=unit or STEP, loss_name=loss), runs.place.directions)
    if any(word.text in _OF_REWARDS for name in named for word in words_of(name)):
        found = [each for each in found if each.name == "nan-loss"]
    return found if loss.lower() in _LOSSES else [replace(each, level="note") for each in found]


def _loss_among(named: Mapping[str, object]) -> str:
    """Return the loss that a training goes by, ``""`` where there is none for certain."""
    bases = dict.fromkeys(name.removeprefix(_VALIDATION) for name in named)
    usual = [name for word in _LOSSES for name in bases if name.lower() == word]
    parts = [name for name in bases if "loss" in name.lower() and name in named and _VALIDATION + name in named]
    return next(iter([*usual, *parts]), "")


def _scores(named: Mapping[str, object], runs: LoggedRuns) -> list[str]:
    """Return the metrics of which it is certain whether higher or lower is better."""
    names = [name for name in named if "loss" not in name.lower() and is_measure(name, with_direction=True)]
    return [name for name in names if not direction_of(name, runs.place.directions).is_guessed][:_MOST_METRICS]


def _grid(series: Series) -> Values:
    """Return the steps at which a course is looked at: those of the series, of long ones some."""
    steps = np.unique(series.step)
    if len(steps) <= _MOST_POINTS:
        return steps
    return steps[np.linspace(0, len(steps) - 1, _MOST_POINTS + 1).astype(np.int64)[1:]]


def _on_grid(series: Series, ends: Values, *, is_filled: bool) -> Values:
    """Return the mean between each end and the one before, NaN where nothing is finite or, unless filled, is there."""
    place = np.minimum(np.searchsorted(ends, series.step, side="left"), len(ends) - 1)
    finite = np.isfinite(series.value)
    counts = np.bincount(place[finite], minlength=len(ends))
    sums = np.bincount(place[finite], series.value[finite], minlength=len(ends))
    with np.errstate(invalid="ignore", over="ignore"):
        means: Values = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    is_there = np.bincount(place, minlength=len(ends)) > 0
    if is_filled and counts.any():
        means[~is_there] = np.interp(ends[~is_there], ends[counts > 0], means[counts > 0])
    return means
