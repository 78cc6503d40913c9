"""Scalars of a run of ours, or of any log directory, under the names by which people know them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tbcli.config import did_you_mean
from tbcli.errors import NotFound
from tbcli.readers.damage import Damage
from tbcli.readers.events import read_scalars
from tbcli.readers.series import Scalars, Series
from tbcli.runs import LogDirectory, Run

_AN_EPOCH = "epoch_"


@dataclass(frozen=True, slots=True)
class Metric:
    """One series with its names.

    Args:
        run: The id of a run of ours; of a foreign log directory the run inside it, ``.`` for itself.
        name: ``loss``, ``val_loss``, ``train/gradients/dense`` in a run of ours; a foreign tag as it is.
        series: The points.
    """

    run: str
    name: str
    series: Series

    @property
    def full_name(self) -> str:
        """Both: what tells it from all others."""
        return joined(self.run, self.name)


@dataclass(frozen=True, slots=True)
class Metrics:
    """All series of one place.

    Args:
        series: At least one, ordered by run and tag.
        damage: What could not be read.
        superseded: Points left out because a later file of the run wrote from their step on again.
        is_reduced: Whether long series are given by their extremes.
    """

    series: tuple[Metric, ...]
    damage: tuple[Damage, ...] = ()
    superseded: int = 0
    is_reduced: bool = False


def joined(run: str, name: str) -> str:
    """Return ``run/name``, or the name alone where the run is the log directory itself."""
    return name if run in (".", "") else f"{run}/{name}"


def name_of(run: str, tag: str) -> str:
    """Return how readers call a tag that a run of ours wrote: ``train/epoch_X`` is ``X``, ``validation/...`` ``val_X``.

    Args:
        run: The directory of the event files, relative to the run's.
        tag: As it stands in them.
    """
    if tag.startswith(_AN_EPOCH) and run in ("train", "validation"):
        return ("val_" if run == "validation" else "") + tag.removeprefix(_AN_EPOCH)
    return joined(run, tag)


def read_metrics(
    place: Run | LogDirectory,
    patterns: Sequence[str] = (),
    *,
    buckets: int = 0,
    verify: bool = False,
    cache: bool = True,
) -> Metrics:
    """Return the scalars of a run or of a log directory.

    Args:
        place: Where they are; the path of a `LogDirectory` may also be a single event file.
        patterns: As ``*loss``: of the name, of the tag, or of ``run/tag``; none for all.
        buckets: See `tbcli.readers.read_scalars`, as the next two.
        verify: Prove the checksums of everything.
        cache: Use the cache, and renew it.

    Raises:
        NotFound: There is no scalar at all, or none that is asked for.
    """
    return named_metrics(place, read_scalars(place.logs, buckets=buckets, verify=verify, cache=cache), patterns)


def named_metrics(place: Run | LogDirectory, scalars: Scalars, patterns: Sequence[str] = ()) -> Metrics:
    """Return scalars that were read already under their names; see `read_metrics`."""
    found = [_named(place, series) for series in scalars]
    if not found:
        lost = next((f"; {incident}" for incident in scalars.damage if incident.is_loss), "")
        raise NotFound(
            f"{_called(place)} holds no scalars{lost}",
            hint="a log directory has files named *tfevents* in it or below; `tbcli runs` lists the runs",
        )
    chosen = [metric for metric in found if matches(patterns, metric.name, metric.series.run, metric.series.tag)]
    if not chosen:
        wanted = " ".join(patterns)
        known = dict.fromkeys(metric.name for metric in found)
        raise NotFound(f"{_called(place)} holds no metric {wanted!r}", hint=did_you_mean(patterns[0], known))
    return Metrics(tuple(chosen), scalars.damage, scalars.superseded, scalars.is_reduced)


def _named(place: Run | LogDirectory, series: Series) -> Metric:
    if isinstance(place, Run):
        return Metric(place.id, name_of(series.run, series.tag), series)
    return Metric(series.run, series.tag, series)


def matches(patterns: Sequence[str], name: str, run: str, tag: str) -> bool:
    """Say whether one of the patterns fits the name, the tag or ``run/tag``; none fit everything."""
    names = {name, tag, joined(run, tag)}
    return not patterns or any(fnmatchcase(each, pattern) for pattern in patterns for each in names)


def _called(place: Run | LogDirectory) -> str:
    return f"run {place.label}" if isinstance(place, Run) else repr(str(place.logs))
