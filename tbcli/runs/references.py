"""How runs are named on the command line: ``latest~2``, ``best:val_loss``, an id or its beginning, a name, a path."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tbcli.errors import ConfigError, NotFound
from tbcli.runs.run import Run

if TYPE_CHECKING:
    from tbcli.naming.direction import Direction, Overrides
    from tbcli.runs.summary import Summary

DEFAULT_RANK_METRIC = "val_accuracy"
_OTHERS = {"tasks": "of another task", "data": "of other data"}
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
    """Return the best run by a metric, among those that can be compared with the newest run that has it."""
    from tbcli.naming.direction import direction_of, how_to_declare
    from tbcli.naming.matching import did_you_mean
    from tbcli.runs.comparable import fingerprint_of, what_differs
    from tbcli.runs.summary import summary_of

    summaries = [(run, summary_of(run)) for run in runs]
    asked = reference.partition(":")[2] or _usual_metric(summaries)
    direction = direction_of(asked, directions, asked=True)
    if not direction.sense:
        raise ConfigError(
            f"no run is the best by {asked!r}: it has no direction",
            hint=how_to_declare(asked),
        )
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
    newest = scored[-1].summary
    left_out = [what_differs(newest, one.summary, metric, strict=True) for one in scored]
    rivals = [one for one, why in zip(scored, left_out, strict=True) if not why]
    choose: Callable[..., _Scored] = min if direction.sense == "min" else max
    best = choose(rivals, key=lambda one: one.value)
    if say:
        _say_how(best.run, metric, direction, [why for why in left_out if why], say)
        _say_what_is_guessed([fingerprint_of(one.summary, metric) for one in rivals], say)
    return best.run


class _Scored(NamedTuple):
    """A run that has a number for a metric, and the best of it."""

    value: float
    run: Run
    summary: Summary


def _usual_metric(summaries: Sequence[tuple[Run, Summary]]) -> str:
    """Return the validation metric by which the task of the newest run is judged that has it, else the usual one."""
    for run, summary in reversed(summaries):
        if run.judge and (summary.metrics.keys() & {f"val_{run.judge}", run.judge}):
            return f"val_{run.judge}"
    return DEFAULT_RANK_METRIC


def _scored(summaries: Iterable[tuple[Run, Summary]], name: str) -> list[_Scored]:
    """Return the best value of every run that has a number for a metric."""
    found = ((summary.metric(name, "best"), run, summary) for run, summary in summaries)
    return [
        _Scored(metric.best, run, summary) for metric, run, summary in found if metric and not math.isnan(metric.best)
    ]


def _say_how(best: Run, metric: str, direction: Direction, left_out: Sequence[str], say: Say) -> None:
    if left_out:
        counts = {_OTHERS[why]: left_out.count(why) for why in _OTHERS if why in left_out}
        told = " and ".join(f"{count} run{'s' if count > 1 else ''} {of}" for of, count in counts.items())
        were = "were" if len(left_out) > 1 else "was"
        data = best.data_name or "unknown data"
        say(f"{best.id} is the best by {metric} of the runs on {data}; {told} {were} left out")
    if direction.note:
        say(f"{best.id} is the best by {metric} {direction.note}")


def _say_what_is_guessed(fingerprints: Sequence[str], say: Say) -> None:
    """Say whether some of the runs that were ranked were taken to have the same data by its name alone."""
    unknown = fingerprints.count("")
    if unknown and len(fingerprints) > 1:
        keep = f"{unknown} of the {len(fingerprints)} runs ranked keep{'s' if unknown == 1 else ''} no fingerprint"
        say(f"{keep} of the data: that they are the same is guessed from their name")
