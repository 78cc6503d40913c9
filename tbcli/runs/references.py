"""How runs are named on the command line: ``latest~2``, ``best:val_loss``, an id or its beginning, a name, a path."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tbcli.errors import ConfigError, NotFound
from tbcli.runs.run import Run

if TYPE_CHECKING:
    from tbcli.naming.direction import Direction, Overrides
    from tbcli.runs.summary import Summary

DEFAULT_RANK_METRIC = "val_accuracy"
Say = Callable[[str], None]
"""Tells a person one line."""


def is_path(reference: str) -> bool:
    """Say whether a reference is a path: ids and names hold neither a slash nor a dot."""
    return "/" in reference or "." in reference


def is_directory(path: Path) -> bool:
    """Say whether a directory is there and can be seen, whatever was typed as its name."""
    try:
        return path.is_dir()
    except OSError:  # too long, or in a place that is closed to us
        return False


def choose_run(reference: str, runs: Sequence[Run], where: Path, directions: Overrides, say: Say | None) -> Run:
    """Return the run among others that a word names; see `RunStore.find`.

    Args:
        reference: What the user typed, no path.
        runs: All runs, oldest first.
        where: The directory they lie in, for messages.
        directions: The user's ``[direction]`` section.
        say: Told which run is taken where several have the name.
    """
    if not runs:
        raise NotFound(
            f"no run {reference!r}: there are no runs in {str(where)!r}",
            hint=_as_path(reference) or "`tbcli train` makes the first one; `--workspace DIR` looks elsewhere",
        )
    if reference == "latest" or reference.startswith("latest~"):
        return _nth_latest(reference, runs)
    if reference == "best" or reference.startswith("best:"):
        return _best(reference, runs, directions, say)
    by_prefix = [run for run in runs if run.id.startswith(reference)]
    by_name = [run for run in runs if run.name == reference]
    if len(by_prefix) == 1:
        return by_prefix[0]
    if by_prefix:
        listed = ", ".join(run.id for run in by_prefix[-5:])
        more = f" and {len(by_prefix) - 5} more" if len(by_prefix) > 5 else ""
        raise ConfigError(
            f"{reference!r} is ambiguous: it matches {len(by_prefix)} runs: {listed}{more}",
            hint="type more of the id",
        )
    if by_name:
        if len(by_name) > 1 and say:
            say(f"{len(by_name)} runs are named {reference!r}: this is the newest, {by_name[-1].id}")
        return by_name[-1]
    from tbcli.naming.matching import nearest

    guess = nearest(reference, [run.id for run in runs] + [run.name for run in runs if run.name])
    hint = f"did you mean {guess!r}? " if guess else ""
    hint += "`tbcli runs` lists them" if guess else "`tbcli runs` lists what is there"
    raise NotFound(f"no run {reference!r} in {str(where)!r}", hint=_as_path(reference) or hint)


def _as_path(reference: str) -> str:
    """Return how to name the directory that is called as a run was to be, or ``""`` where there is none."""
    return f"`./{reference}` names the directory" if is_directory(Path(reference)) else ""


def _nth_latest(reference: str, runs: Sequence[Run]) -> Run:
    _, _, text = reference.partition("~")
    if "~" in reference and not text.isdecimal():
        raise ConfigError(
            f"invalid reference {reference!r}: expected latest~N", hint="`latest~1` is the run before the latest"
        )
    back = int(text or 0)
    if back >= len(runs):
        raise NotFound(f"no run {reference!r}: there are {len(runs)}", hint=f"`latest~{len(runs) - 1}` is the oldest")
    return runs[-1 - back]


def _best(reference: str, runs: Sequence[Run], directions: Overrides, say: Say | None) -> Run:
    """Return the best run by a metric, among those of the data that the newest run with that metric learnt from."""
    from tbcli.naming.direction import direction_of, how_to_declare
    from tbcli.naming.matching import did_you_mean
    from tbcli.runs.summary import summary_of

    asked = reference.partition(":")[2] or DEFAULT_RANK_METRIC
    direction = direction_of(asked, directions, asked=True)
    if not direction.sense:
        raise ConfigError(
            f"no run is the best by {asked!r}: it has no direction",
            hint=how_to_declare(asked),
        )
    summaries = [(run, summary_of(run)) for run in runs]
    # Without validation samples the training metric has to do.
    from tbcli.naming.series import without_split

    for metric in dict.fromkeys((asked, without_split(asked))):
        scored = _scored(summaries, metric)
        if scored:
            break
    else:
        known = dict.fromkeys(name for _, summary in summaries for name in summary.metrics)
        hint = did_you_mean(asked, known) if known else "no run has metrics yet"
        raise NotFound(f"no run has a metric {asked!r}", hint=hint)
    data = scored[-1][1].data_name
    rivals = [(value, run) for value, run in scored if run.data_name == data]
    choose: Callable[..., tuple[float, Run]] = min if direction.sense == "min" else max
    best = choose(rivals, key=lambda pair: pair[0])[1]
    if say:
        _say_how(best, metric, direction, scored, say)
    return best


def _scored(summaries: Iterable[tuple[Run, Summary]], name: str) -> list[tuple[float, Run]]:
    """Return the best value of every run that has a number for a metric."""
    found = ((summary.metric(name, "best"), run) for run, summary in summaries)
    return [(metric.best, run) for metric, run in found if metric and not math.isnan(metric.best)]


def _say_how(best: Run, metric: str, direction: Direction, scored: Sequence[tuple[float, Run]], say: Say) -> None:
    others = sum(run.data_name != best.data_name for _, run in scored)
    if others:
        were = f"{others} run{'s' if others > 1 else ''} of other data {'were' if others > 1 else 'was'} left out"
        say(f"{best.id} is the best by {metric} of the runs on {best.data_name or 'unknown data'}; {were}")
    if direction.note:
        say(f"{best.id} is the best by {metric} {direction.note}")
