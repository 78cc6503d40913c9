"""What the event files of a run, or of any log directory, say of each metric: best, where, and last."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tbcli.errors import NotFound
from tbcli.events.damage import Damage
from tbcli.naming.direction import NO_OVERRIDES, Overrides, direction_of
from tbcli.naming.directories import HERE
from tbcli.naming.series import Identity, Named, natural_key
from tbcli.naming.words import EPOCH, STEP
from tbcli.readers.documents import HParams
from tbcli.readers.events import LogContent, open_logdir
from tbcli.readers.metrics import are_consecutive, clash_notes, joined, names_in
from tbcli.readers.series import Scalars, Series
from tbcli.runs.files import utc_text
from tbcli.runs.run import LogDirectory
from tbcli.runs.summary import Metric, Summary

_LATEST = 4e9  # seconds since 1970; a clock beyond is none


@dataclass(slots=True)
class LoggedRuns:
    """The runs below another program's log directory, with what they hold; made by `read_runs`.

    Args:
        place: The log directory.
        content: All that was read.
        scalars: Its scalars.
        named: What they are called.
        tell_unread: Gets what could not be read of the hyperparameters, when they are asked for.
    """

    place: LogDirectory
    content: LogContent
    scalars: Scalars
    named: Named
    tell_unread: Callable[[tuple[Damage, ...]], None] = lambda _: None
    _hparams: Mapping[str, list[HParams]] | None = field(default=None, init=False)
    _unread: tuple[Damage, ...] = field(default=(), init=False)
    _with_scalars: frozenset[str] | None = field(default=None, init=False)

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What could not be read."""
        found = self.content.damage
        return (*found, *(each for each in self.scalars.damage if each not in found))

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about names that several series would have shared, and about settings that were written again."""
        return clash_notes(self.named.clashes)

    @property
    def names(self) -> list[str]:
        """The runs, relative to the log directory, in the order in which people count."""
        found = dict.fromkeys(identity.run for identity in self.named.identities)
        found |= {self.owner_of(entry.run): None for entry in self.content.inventory()}
        return sorted((run for run in found if self.place.run in ("", run)), key=natural_key)

    def called(self, run: str) -> str:
        """Return what a run is called beside others: its path below the log directory, or the name of that itself."""
        return os.path.basename(os.path.abspath(self.place.logs)) if run == HERE else run  # noqa: PTH100, PTH119

    def owner_of(self, directory: str) -> str:
        """Return the run that a directory belongs to; one without scalars to the run around it, or alone beside it."""
        if self._with_scalars is None:
            self._with_scalars = frozenset(identity.run for identity in self.named.identities)
        runs = self._with_scalars
        owner = self.named.owners.get(directory, directory)
        if owner in runs or directory not in self.scalars.described:
            return owner
        parent = directory
        while parent not in (HERE, ""):
            parent = parent.rpartition("/")[0] or HERE
            if parent in runs:
                return parent
            beside = {run for run in runs if parent == HERE or run.startswith(f"{parent}/")}
            if beside:
                return beside.pop() if len(beside) == 1 else owner
        return owner

    def series(self, run: str) -> Iterator[tuple[Identity, Series]]:
        """Yield the series of a run."""
        for identity, series in zip(self.named.identities, self.scalars, strict=True):
            if identity.run == run:
                yield identity, series

    def settings(self, run: str) -> dict[str, Any]:
        """Return the hyperparameters of a run; of those that were written several times, the last."""
        ordered = sorted(self._all_settings().get(run, ()), key=lambda each: natural_key(each.run))
        return {name: value for hparams in ordered for name, value in hparams.values.items()}

    @property
    def unread_settings(self) -> tuple[Damage, ...]:
        """What could not be read of the hyperparameters."""
        self._all_settings()
        return self._unread

    def _all_settings(self) -> Mapping[str, list[HParams]]:
        if self._hparams is None:
            found: dict[str, list[HParams]] = {}
            documents = self.content.documents()
            for directory, hparams in documents.hparams.items():
                found.setdefault(self.owner_of(directory), []).append(hparams)
            self._hparams, self._unread = found, documents.damage
            self.tell_unread(documents.damage)
        return self._hparams

    def summaries(self) -> list[Summary]:
        """Return a summary of each run that has scalars."""
        members: dict[str, list[tuple[Identity, Series]]] = {}
        for identity, series in zip(self.named.identities, self.scalars, strict=True):
            if not identity.unit and (series.run, series.tag) in self.scalars.by_epoch:
                identity = identity._replace(unit=EPOCH)
            members.setdefault(identity.run, []).append((identity, series))
        return [self._summary(run, members[run]) for run in self.names if run in members]

    def summaries_of(self, run: str) -> list[Summary]:
        """Return the summary of one run, nothing where it has no scalars."""
        members = list(self.series(run))
        return [self._summary(run, members)] if members else []

    def _summary(self, run: str, members: list[tuple[Identity, Series]]) -> Summary:
        metrics, aliases = metrics_and_aliases(members, self.place.directions)
        path = joined_path(self.place, run)
        facts = {
            "id": path,
            "run": self.called(run),
            **_times([series for _, series in members]),
        }
        facts["name"] = facts["run"]

        def fact(name: str) -> Any:
            if name in ("epoch", "epochs"):  # a hyperparameter of that name comes first
                return None if name in self.settings(run) else _last_epoch(members)
            return facts.get(name)

        return Summary(
            path,
            path,
            metrics,
            fact,
            partial(self.settings, run),
            aliases=aliases,
            directions=self.place.directions,
        )


def joined_path(place: LogDirectory, run: str) -> str:
    """Return the path that names a run of a log directory, whether or not there is a directory of that name."""
    top = os.path.normpath(place.logs)
    return top if run == HERE else f"{top}/{run}"


def read_runs(place: LogDirectory, *, verify: bool = False, cache: bool = True) -> LoggedRuns:
    """Return the runs below a log directory; see `tbcli.readers.read_scalars` for the arguments.

    Raises:
        NotFound: There is no such directory or file.
    """
    content = open_logdir(place.logs, verify=verify, cache=cache)
    scalars = content.scalars()
    return LoggedRuns(place, content, scalars, names_in(scalars, top=place.logs))


def metrics_and_aliases(
    members: list[tuple[Identity, Series]], directions: Overrides = NO_OVERRIDES
) -> tuple[dict[str, Metric], dict[str, str]]:
    """Return the metrics of one run by their names, and what else each answers to: its tag, its directory and tag."""
    metrics = {identity.name: metric_of(series, identity, directions) for identity, series in members}
    metrics = _in_epochs(metrics, members)
    tags = [series.tag for _, series in members]
    aliases: dict[str, str] = {}
    for identity, series in members:
        aliases[joined(series.run, series.tag)] = identity.name
        if tags.count(series.tag) == 1:
            aliases[series.tag] = identity.name
        aliases |= dict.fromkeys(identity.aliases, identity.name)
    return metrics, aliases


def _in_epochs(metrics: dict[str, Metric], members: list[tuple[Identity, Series]]) -> dict[str, Metric]:
    """Return the metrics with the place of their best in epochs where the run logs these beside its steps.

    What is written per epoch, but counts steps (as Lightning's ``_epoch``), says so.
    """
    clock = next((series for identity, series in members if identity.metric == EPOCH), None)
    if clock is None:
        per_epoch = [series.step for identity, series in members if identity.unit == EPOCH]
        if are_consecutive(per_epoch):
            return metrics
        return {name: metric._replace(unit=STEP) for name, metric in metrics.items()}
    found = {}
    for name, metric in metrics.items():
        at = metric.best_epoch
        place = int(np.searchsorted(clock.step, at, side="right")) - 1 if at is not None else -1
        epoch = float(clock.value[place]) if place >= 0 else float("nan")
        if np.isfinite(epoch):
            metric = metric._replace(best_epoch=int(epoch) if epoch.is_integer() else round(epoch, 2), unit=EPOCH)
        else:
            metric = metric._replace(unit=STEP)
        found[name] = metric
    return found


def _last_epoch(members: list[tuple[Identity, Series]]) -> float | None:
    """Return the last epoch that a log tells, by a clock or as what its series count; None where it tells none."""
    clock = next((series.value for identity, series in members if identity.metric == EPOCH), None)
    if clock is not None:
        known = clock[np.isfinite(clock)]
        last = float(known.max()) if len(known) else None
    else:
        per_epoch = [series.step for identity, series in members if identity.unit == EPOCH]
        last = float(max(int(steps[-1]) for steps in per_epoch)) if per_epoch and are_consecutive(per_epoch) else None
    return int(last) if last is not None and last.is_integer() else last


def metric_of(series: Series, identity: Identity, directions: Overrides = NO_OVERRIDES) -> Metric:
    """Return best and last of a series; no best where it has no finite value or no direction."""
    values = series.value
    last, split, unit = float(values[-1]), identity.split, identity.unit or STEP
    tag = joined(series.run, series.tag)
    finite = np.flatnonzero(np.isfinite(values))
    sense = direction_of(identity.name, directions, asked=True).sense
    if not len(finite) or not sense:
        return Metric(float("nan"), None, last, split=split, unit=unit, tag=tag)
    choose = np.argmin if sense == "min" else np.argmax
    best = finite[choose(values[finite])]
    return Metric(float(values[best]), int(series.step[best]), last, split=split, unit=unit, tag=tag)


def tags_of(logs: Path, directions: Overrides = NO_OVERRIDES) -> tuple[dict[str, Metric], dict[str, str]]:
    """Return the metrics in the event files of a tbcli run, and their aliases."""
    scalars = open_logdir(logs).scalars()
    identities = names_in(scalars, is_ours=True).identities
    return metrics_and_aliases(
        [
            (identity._replace(unit=identity.unit or EPOCH), series)
            for identity, series in zip(identities, scalars, strict=True)
        ],
        directions,
    )


def find_run(place: LogDirectory, name: str) -> LogDirectory:
    """Return the one run of that name inside a log directory.

    ``latest`` is the one that was written to last, ``best`` and ``best:val_loss`` the one with the best value.

    Raises:
        NotFound: There is no such run.
    """
    runs = read_runs(place)
    if name == "best" or name.startswith("best:"):
        found = _best_run(runs, name.partition(":")[2] or "val_accuracy")
    elif name == "latest":
        ends = {identity.run: 0.0 for identity in runs.named.identities}
        for identity, series in zip(runs.named.identities, runs.scalars, strict=True):
            ends[identity.run] = max(ends[identity.run], float(series.wall_time[-1]))
        found = max(ends, key=lambda run: (ends[run], natural_key(run)), default=None)
    else:
        found = name if name in runs.names else None
    if found is None:
        raise NotFound(f"no run {name!r} in {str(place.logs)!r}", hint="`tbcli runs PATH` lists the runs in a path")
    return replace(place, name=place.name if found == HERE else found, run=found)


def _best_run(runs: LoggedRuns, name: str) -> str | None:
    scored = [
        (metric.best, run)
        for run in runs.names
        for summary in runs.summaries_of(run)
        if (metric := summary.metric(name, "best")) is not None and np.isfinite(metric.best)
    ]
    sense = direction_of(name, runs.place.directions, asked=True).sense
    if not scored or not sense:
        return None
    return (min if sense == "min" else max)(scored, key=lambda pair: pair[0])[1]


def _times(series: list[Series]) -> dict[str, Any]:
    """Return when a run began and ended, as far as its clocks tell."""
    clocks = [each.wall_time[(each.wall_time > 0) & (each.wall_time < _LATEST)] for each in series]
    clocks = [clock for clock in clocks if len(clock)]
    if not clocks:
        return {}
    first, last = min(float(clock.min()) for clock in clocks), max(float(clock.max()) for clock in clocks)
    started, ended = (utc_text(datetime.fromtimestamp(moment, UTC)) for moment in (first, last))
    return {"started": started, "ended": ended, "seconds": round(last - first, 3)}
