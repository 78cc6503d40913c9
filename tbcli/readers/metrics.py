"""Scalars of a run of ours, or of any log directory, under the names by which people know them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tbcli.config import did_you_mean
from tbcli.errors import NotFound
from tbcli.events.damage import Damage, located
from tbcli.readers.events import read_scalars
from tbcli.readers.series import Scalars, Series
from tbcli.runs import LogDirectory, Run

_AN_EPOCH = "epoch_"
_WILD = "*?["
_LEAST_LETTERS = 3  # of a word from which a name that holds it is worth proposing


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
    also_called: Callable[[Metric], str] | None = None,
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
    also_called: Callable[[Metric], str] | None = None,
) -> Metrics:
    """Return scalars that were read already under their names; see `read_metrics`."""
    found = [_named(place, series) for series in scalars]
    if not found:
        lost = next((f"; {incident}" for incident in located(scalars.damage, place.logs) if incident.is_loss), "")
        raise NotFound(
            f"{_called(place)} holds no scalars{lost}",
            hint="a log directory has files named *tfevents* in it or below; `tbcli runs` lists the runs",
        )
    chosen = [metric for metric in found if is_chosen(metric, patterns, also_called(metric) if also_called else "")]
    if not chosen:
        wanted = " ".join(patterns)
        known = dict.fromkeys(metric.name for metric in found)
        raise NotFound(f"{_called(place)} holds no metric {wanted!r}", hint=_proposal(patterns[0], known))
    return Metrics(tuple(chosen), scalars.damage, scalars.superseded, scalars.is_reduced)


def _named(place: Run | LogDirectory, series: Series) -> Metric:
    if isinstance(place, Run):
        return Metric(place.id, name_of(series.run, series.tag), series)
    return Metric(series.run, series.tag, series)


def is_chosen(metric: Metric, patterns: Sequence[str], also_called: str = "") -> bool:
    """Say whether one of the patterns fits a series under its names, or under one more; see `matches`."""
    run, tag = metric.series.run, metric.series.tag
    return matches(patterns, metric.name, run, tag) or bool(also_called and matches(patterns, also_called, "", tag))


def matches(patterns: Sequence[str], name: str, run: str, tag: str) -> bool:
    """Say whether one of the patterns fits; none fit everything.

    A word is the name, the tag, or ``run/tag``, and so is a pattern with a slash. A pattern without one is of the
    metric alone, whatever run it lies in: of the whole tag, or of its last parts.

    Args:
        patterns: As ``loss``, ``*loss``, ``train/gradients/*``.
        name: How people call it; it may begin with the run.
        run: The directory of its event files.
        tag: As it stands in them.
    """
    whole = {name, tag, joined(run, tag)}
    if not patterns or any(pattern in whole for pattern in patterns):
        return True
    own = {name} if "/" not in name else set()
    parts = tag.split("/")
    own |= {"/".join(parts[start:]) for start in range(len(parts))}
    return any(
        fnmatchcase(each, pattern)
        for pattern in patterns
        if any(sign in pattern for sign in _WILD)
        for each in (whole if "/" in pattern else own)
    )


def _proposal(word: str, known: Iterable[str]) -> str:
    """Return what may have been meant: a name that begins with the word or holds it, else one that is spelt alike."""
    names = list(known)
    holding = [name for name in names if word.lower() in name.lower()] if len(word) >= _LEAST_LETTERS else []
    holding.sort(key=lambda name: (not name.lower().startswith(word.lower()), name.count("/")))
    return f"did you mean {holding[0]!r}?" if holding else did_you_mean(word, names)


def _called(place: Run | LogDirectory) -> str:
    return f"run {place.label}" if isinstance(place, Run) else repr(str(place.logs))
