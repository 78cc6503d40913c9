"""Scalars of a tbcli run, or of any log directory, under the names that every command calls them by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tbcli.errors import NotFound
from tbcli.events.columns import Ints
from tbcli.events.damage import Damage, located
from tbcli.naming.directories import HERE
from tbcli.naming.matching import did_you_mean, is_glob, matches, pick
from tbcli.naming.series import Identity, Named, Seen, identify, resolve
from tbcli.naming.words import EPOCH, SPLITS, TRAIN
from tbcli.readers.events import read_scalars
from tbcli.readers.series import Scalars, Series
from tbcli.runs import LogDirectory, Run

_MOST_CLASHES = 5


@dataclass(frozen=True, slots=True)
class NamedSeries:
    """One series with what it is called; see `tbcli.naming.series.Identity`.

    Args:
        run: The id of a tbcli run; else the run inside the log directory, ``.`` for itself.
        name: ``loss``, ``val_loss``, ``loss@step``, ``gradients/dense``.
        metric: ``loss``: what it shares a panel with other splits by.
        split: ``train``, ``validation``, ``test`` or ``""``.
        unit: ``epoch``, ``step``, or ``""`` where nothing tells.
        aliases: Further names it answers to.
        series: The points, with the directory and the tag as they are written.
    """

    run: str
    name: str
    metric: str
    split: str
    unit: str
    series: Series
    aliases: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """Run and name: what tells it from all others."""
        return joined(self.run, self.name)

    @property
    def literal(self) -> str:
        """Directory and tag as they are written."""
        return joined(self.series.run, self.series.tag)


@dataclass(frozen=True, slots=True)
class Metrics:
    """All series of one place.

    Args:
        series: At least one, ordered by run and tag.
        damage: What could not be read.
        superseded: Points left out because a later file of the run wrote from their step on again.
        is_reduced: Whether long series are given by their extremes.
        notes: Sentences about series that would have shared a name.
        lacking: The patterns that fit nothing, where others do.
    """

    series: tuple[NamedSeries, ...]
    damage: tuple[Damage, ...] = ()
    superseded: int = 0
    is_reduced: bool = False
    notes: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


def joined(run: str, name: str) -> str:
    """Return ``run/name``, or the name alone where the run is the log directory itself."""
    return name if run in (".", "") else f"{run}/{name}"


def names_in(scalars: Scalars, *, is_ours: bool = False, top: Path | None = None) -> Named:
    """Return what each series is called, and which run each directory belongs to; see `identify`.

    Args:
        scalars: All that was read of a log directory.
        is_ours: It is one run of ours.
        top: Where it is, for one that is itself a split of the run around it.
    """
    counts = scalars.counts.tolist()
    seen = [Seen(run, tag, count) for (run, tag), count in zip(scalars.names, counts, strict=True)]
    return identify(seen, scalars.described, is_ours=is_ours, here=split_beside(top) if top else "")


def are_consecutive(steps: Sequence[Ints]) -> bool:
    """Say whether the steps of series per epoch count the epochs, and not the steps at which these ended."""
    every = np.unique(np.concatenate(steps)) if steps else np.empty(0, np.int64)
    return len(every) < 2 or bool(np.diff(every).min() == 1)


def split_beside(top: Path) -> str:
    """Return the split that a log directory is by its name, where training lies beside or around it; else ``""``."""
    split = SPLITS.get(top.resolve().name.lower())
    if split is None or split.split == TRAIN:
        return ""
    try:
        names = [entry.name for entry in top.resolve().parent.iterdir()]
    except OSError:
        return ""
    beside = (SPLITS.get(name.lower()) for name in names)
    is_split = any(other and other.split == TRAIN for other in beside) or any("tfevents" in name for name in names)
    return split.split if is_split else ""


def clash_notes(clashes: Iterable[tuple[str, str, tuple[str, ...]]]) -> tuple[str, ...]:
    """Return a sentence for each name that several series would have shared; of many the first few."""
    notes = [
        f"{len(tags)} series{'' if run == HERE else f' of {run!r}'} would be called {name!r}: "
        f"they keep their tags ({', '.join(tags[:_MOST_CLASHES])}{', ...' if len(tags) > _MOST_CLASHES else ''})"
        for run, name, tags in clashes
    ]
    more = len(notes) - _MOST_CLASHES
    return (*notes[:_MOST_CLASHES], *([f"and {more} more names that several series would share"] if more > 0 else ()))


def read_metrics(
    place: Run | LogDirectory,
    patterns: Sequence[str] = (),
    *,
    also_called: Callable[[NamedSeries], str] | None = None,
    buckets: int = 0,
    verify: bool = False,
    cache: bool = True,
) -> Metrics:
    """Return the scalars of a run or of a log directory.

    Args:
        place: Where they are; the path of a `LogDirectory` may also be a single event file.
        patterns: Names, or patterns as ``*loss``; see `matches`. None for all.
        also_called: Returns one more name by which a series can be chosen.
        buckets: See `tbcli.readers.read_scalars`, as the next two.
        verify: Prove the checksums of everything.
        cache: Use the cache, and renew it.

    Raises:
        NotFound: There is no scalar at all, or none that is asked for.
    """
    scalars = read_scalars(place.logs, buckets=buckets, verify=verify, cache=cache)
    return named_metrics(place, scalars, patterns, also_called=also_called)


def named_metrics(
    place: Run | LogDirectory,
    scalars: Scalars,
    patterns: Sequence[str] = (),
    *,
    also_called: Callable[[NamedSeries], str] | None = None,
) -> Metrics:
    """Return scalars that were read already under their names; see `read_metrics`.

    Raises:
        NotFound: As of `read_metrics`.
    """
    named = names_in(
        scalars, is_ours=isinstance(place, Run), top=place.logs if isinstance(place, LogDirectory) else None
    )
    wanted_run = place.run if isinstance(place, LogDirectory) else ""
    found = [
        _named(place, identity, series, is_by_epoch=(series.run, series.tag) in scalars.by_epoch)
        for identity, series in zip(named.identities, scalars, strict=True)
        if wanted_run in ("", identity.run)
    ]
    if not found:
        lost = next((f"; {incident}" for incident in located(scalars.damage, place.logs) if incident.is_loss), "")
        raise NotFound(
            f"{_called(place)} has no scalars{lost}",
            hint="a log directory has files named *tfevents*, or CSV logs, in it or below; `tbcli runs` lists the runs",
        )
    chosen = _chosen(patterns, found, also_called or (lambda metric: ""))
    if not chosen:
        wanted = " ".join(patterns)
        known = dict.fromkeys(metric.name for metric in found)
        raise NotFound(f"{_called(place)} has no metric {wanted!r}", hint=did_you_mean(patterns[0], known))
    names = {metric.literal for metric in chosen}
    clashes = [
        clash for clash in named.clashes if any(joined(clash[0], tag) in names or tag in names for tag in clash[2])
    ]
    called = also_called or (lambda metric: "")
    lacking = tuple(pattern for pattern in patterns if len(patterns) > 1 and not _chosen([pattern], found, called))
    notes = clash_notes(clashes)
    return Metrics(tuple(chosen), scalars.damage, scalars.superseded, scalars.is_reduced, notes, lacking)


def _chosen(
    patterns: Sequence[str], found: Sequence[NamedSeries], also_called: Callable[[NamedSeries], str]
) -> list[NamedSeries]:
    """Return the series that the patterns mean: in each run a word is a name if there is one, else a literal tag."""
    if not patterns:
        return list(found)
    runs: dict[str, list[NamedSeries]] = {}
    for metric in found:
        runs.setdefault(metric.run, []).append(metric)
    wanted = {
        metric.literal
        for members in runs.values()
        for pattern in patterns
        for metric in _meant(pattern, members, also_called)
    }
    return [metric for metric in found if metric.literal in wanted]


def _meant(
    pattern: str, members: Sequence[NamedSeries], also_called: Callable[[NamedSeries], str]
) -> list[NamedSeries]:
    def called_by(metric: NamedSeries) -> tuple[tuple[str, ...], str, str]:
        return _called_by(metric, also_called(metric))

    def names_of(metric: NamedSeries) -> tuple[tuple[str, ...], str, str]:
        return (metric.name, metric.full_name, also_called(metric)), "", ""

    meant = [] if is_glob(pattern) else pick([pattern], members, names_of)
    meant = meant or pick([pattern], members, called_by)
    if meant or is_glob(pattern):
        return meant
    name = resolve(pattern, [metric.name for metric in members], {})
    return [metric for metric in members if metric.name == name]


def _named(place: Run | LogDirectory, identity: Identity, series: Series, *, is_by_epoch: bool) -> NamedSeries:
    run, name, metric, split, unit, aliases = identity
    unit = unit or (EPOCH if is_by_epoch else "")
    if isinstance(place, Run):
        run, name, unit = place.id, joined(run, name), unit or EPOCH  # as our recorders count
    return NamedSeries(run, name, metric, split, unit, series, aliases)


def is_chosen(metric: NamedSeries, patterns: Sequence[str], also_called: str = "") -> bool:
    """Say whether one of the patterns fits a series under its names, or under one more; see `matches`."""
    return matches(patterns, *_called_by(metric, also_called))


def _called_by(metric: NamedSeries, also_called: str) -> tuple[tuple[str, ...], str, str]:
    names = (metric.name, metric.full_name, *metric.aliases, *([also_called] if also_called else ()))
    return names, metric.series.run, metric.series.tag


def _called(place: Run | LogDirectory) -> str:
    return f"run {place.label}" if isinstance(place, Run) else repr(str(place.logs))
