"""How runs are named on the command line: ``latest~2``, ``best:val_loss``, an id or its beginning, a name, a path."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tbcli.errors import ConfigError, NotFound, TbcliError
from tbcli.naming.shortening import few
from tbcli.runs.ids import looks_like_id, without_slug
from tbcli.runs.run import Run
from tbcli.runs.unreadable import TIME_DIGITS, InvalidRun, UnreadableRun

if TYPE_CHECKING:
    from tbcli.naming.direction import Direction, Overrides
    from tbcli.runs.summary import Summary

DEFAULT_RANK_METRIC = "val_accuracy"
_NOT_MEASURED = "not measured"
_OTHERS = {
    "tasks": "of another task",
    "data": "of other data or other versions of it",
    "unknown": "of data that are not known",
}
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


class Listed(NamedTuple):
    """The runs of a directory.

    Args:
        runs: All of them, oldest first.
        invalid: The directories beside them that were runs, and whose records cannot be read.
        where: The directory, for messages.
        sweep: The sweep of which all runs are; ``best`` is then what that sweep calls so.
    """

    runs: Sequence[Run]
    invalid: Sequence[InvalidRun]
    where: Path
    sweep: str = ""


def choose_run(reference: str, listed: Listed, directions: Overrides, say: Say | None, *, decides: bool = False) -> Run:
    """Return the run among others that a word names; see `RunStore.find`.

    Args:
        reference: What the user typed, no path.
        listed: What there is.
        directions: The user's ``[direction]`` section.
        say: Told which run is taken where several have the name.
        decides: Whether an exit code depends on it.
    """
    where, runs = listed.where, [run for run in listed.runs if not run.is_copy]
    _require_readable(reference, listed)
    if not listed.runs and listed.invalid:
        raise _unreadable(f"no run {reference!r} among those that can be read", listed.invalid[-1])
    if not listed.runs:
        raise NotFound(
            f"no run {reference!r}: there are no runs in {str(where)!r}",
            hint=_as_path(reference)
            or _in_trash(reference, where)
            or "`tbcli train` makes the first one; `--workspace DIR` looks elsewhere",
        )
    if reference == "latest" or reference.startswith("latest~"):
        return _nth_latest(reference, runs, listed.invalid)
    if reference == "best" or reference.startswith("best:"):
        if decides and listed.invalid:
            raise _unreadable(f"{reference!r} may be a run that cannot be read", listed.invalid[-1])
        if listed.sweep and reference == "best" and (best := _best_of_sweep(runs, say)):
            return best
        return _best(reference, runs, directions, say)
    by_prefix = [run for run in runs if run.id.startswith(reference)]
    by_name = [run for run in runs if run.name == reference]
    if by_prefix or not by_name:
        _require_one(reference, by_prefix, listed.invalid)
    if by_prefix:
        return by_prefix[0]
    if by_name:
        if len(by_name) > 1 and say:
            say(f"{len(by_name)} runs are named {reference!r}: this is the newest, {by_name[-1].id}")
        return by_name[-1]
    in_directory = [run for run in listed.runs if run.logs.name == reference]
    if in_directory:
        return in_directory[0]
    if twins := [run for run in listed.runs if run.is_copy and run.recorded_id.startswith(reference)]:
        raise ConfigError(
            f"{reference!r} is ambiguous: {' and '.join(repr(str(run.logs)) for run in twins)} have that id, and "
            "neither is called by it",
            hint="name one of them by its path, or rename it to its id",
        )
    from tbcli.naming.matching import nearest

    guess = nearest(reference, [run.id for run in runs] + [run.name for run in runs if run.name])
    hint = f"did you mean {guess!r}? " if guess else ""
    listing = f"`tbcli runs --sweep {shlex.quote(listed.sweep)}`" if listed.sweep else "`tbcli runs`"
    hint += f"{listing} lists {'them' if guess else 'what is there'}"
    place = f"sweep {listed.sweep!r}" if listed.sweep else repr(str(where))
    raise NotFound(f"no run {reference!r} in {place}", hint=_as_path(reference) or _in_trash(reference, where) or hint)


def _as_path(reference: str) -> str:
    """Return how to name the directory that is called as a run was to be, or ``""`` where there is none."""
    return f"`{shlex.quote(f'./{reference}')}` names the directory" if is_directory(Path(reference)) else ""


def _require_readable(reference: str, listed: Listed) -> None:
    """Refuse to answer with another run where the one that is meant, or may be, is there and cannot be read."""
    from tbcli.naming.slugs import slug_of

    for invalid in listed.invalid:
        name = invalid.logs.name
        if name == reference:
            raise _unreadable(f"run {name!r} cannot be read", invalid)
        newest = max((_moment(run) for run in listed.runs if run.name == reference), default="")
        if name == f"{without_slug(name)}-{slug_of(reference)}" and invalid.moment >= newest:
            raise _unreadable(f"the newest run named {reference!r} may be one that cannot be read", invalid)
    path = listed.where / reference
    if looks_like_id(reference) and os.path.lexists(path) and not any(run.id == reference for run in listed.runs):
        is_there = is_directory(path) and not path.is_symlink()
        held = next((run for run in listed.runs if run.logs.name == reference), None)
        what = f"holds the run {held.recorded_id}" if held else "has no run.json" if is_there else "is no directory"
        raise UnreadableRun(
            f"{str(path)!r} is not the run of that id: it {what}",
            hint=f"a path names it: {str(path.absolute())!r}" if is_there else "`tbcli runs` lists what is there",
        )


def _require_one(reference: str, matching: Sequence[Run], invalid: Sequence[InvalidRun]) -> None:
    """Refuse the beginning of several ids, also of runs that cannot be read."""
    unread = [one for one in invalid if one.logs.name.startswith(reference)]
    if unread and not matching:
        raise _unreadable(f"run {unread[-1].logs.name!r} cannot be read", unread[-1])
    ids = [*(run.id for run in matching), *(f"{one.logs.name} (cannot be read)" for one in unread)]
    if len(ids) > 1:
        raise ConfigError(
            f"{reference!r} is ambiguous: it matches {len(ids)} runs: {few(ids, 5, last=True)}",
            hint="type more of the id",
        )


def _unreadable(what: str, invalid: InvalidRun) -> UnreadableRun:
    return UnreadableRun(
        f"{what}: {str(invalid.logs)!r} ({invalid.why})",
        hint="`tbcli clean --damaged` removes it; a run is also named by its id",
    )


def _moment(run: Run) -> str:
    """Return when a run was made, as `InvalidRun.moment` says it."""
    return run.recorded_id[:TIME_DIGITS]


def _in_trash(reference: str, where: Path) -> str:
    """Return how a run comes back that `clean` moved away, or ``""`` where none was called so."""
    from tbcli.runs.cleaning.trash_place import entries_in, trash_beside

    try:
        names = entries_in(trash_beside(where, (where,)))
    except (OSError, TbcliError):
        return ""
    found = any(name.startswith(reference) or f"-{reference}@" in name for name in names)
    return (
        f"`tbcli clean --restore {shlex.quote(reference)}` brings it back from the trash" if found and reference else ""
    )


def _nth_latest(reference: str, runs: Sequence[Run], invalid: Sequence[InvalidRun]) -> Run:
    _, _, text = reference.partition("~")
    if "~" in reference and not text.isdecimal():
        raise ConfigError(
            f"invalid reference {reference!r}: expected latest~N", hint="`latest~1` is the run before the latest"
        )
    back = int(text or 0)
    counted = runs[-1 - back :] if back < len(runs) else runs
    newer = [one for one in invalid if not counted or one.moment >= _moment(counted[0])]
    if newer:
        raise _unreadable(f"{reference!r} would step over a newer run that cannot be read", newer[-1])
    if back >= len(runs):
        raise NotFound(f"no run {reference!r}: there are {len(runs)}", hint=f"`latest~{len(runs) - 1}` is the oldest")
    return runs[-1 - back]


def _best_of_sweep(runs: Sequence[Run], say: Say | None) -> Run | None:
    """Return the best trial by what its sweep is judged by, None where its runs do not say or have none of that."""
    from tbcli.runs.trials import best_of_trials

    best = best_of_trials(runs)
    if best and say:
        said = best.sweep
        which = "its best value" if said.get("selector") == "best" else "its last value"
        say(f"{best.id} is the best by {said['metric']}, {which}: so sweep {said['name']!r} is judged")
    return best


def _best(reference: str, runs: Sequence[Run], directions: Overrides, say: Say | None) -> Run:
    """Return the best run by a metric, among those that can be compared with the newest run that has it."""
    from tbcli.naming.direction import direction_of, how_to_declare
    from tbcli.naming.matching import did_you_mean
    from tbcli.runs.comparable import what_differs
    from tbcli.runs.run_summary import summary_of

    summaries = [(run, summary_of(run)) for run in runs]
    is_asked = bool(reference.partition(":")[2])
    asked = reference.partition(":")[2] or _usual_metric(summaries, directions)
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
        others = 0 if is_asked else sum(bool(each.metrics) for _, each in summaries) - len(scored)
        _say_how(best, metric, direction, [*filter(None, left_out), *([_NOT_MEASURED] * others)], say)
        _say_what_is_guessed([one.summary for one in rivals], metric, say)
    return best.run


class _Scored(NamedTuple):
    """A run that has a number for a metric, and the best of it."""

    value: float
    run: Run
    summary: Summary


def _usual_metric(summaries: Sequence[tuple[Run, Summary]], directions: Overrides) -> str:
    """Return the validation metric by which the newest run with metrics is judged, else the first one that it has."""
    from tbcli.naming.direction import direction_of
    from tbcli.naming.judges import spelling_of
    from tbcli.naming.words import VALIDATION

    newest = next(((run, one) for run, one in reversed(summaries) if one.metrics), None)
    if newest is None:
        return DEFAULT_RANK_METRIC
    run, summary = newest
    judge = spelling_of(f"val_{run.judge}", summary.metrics)
    if run.judge and (judge in summary.metrics or run.judge in summary.metrics):
        return judge
    known = [name for name in summary.metrics if direction_of(name, directions).sense]
    held_out = [name for name in known if summary.metrics[name].split == VALIDATION]
    return next(iter([*held_out, *known]), DEFAULT_RANK_METRIC)


def _scored(summaries: Iterable[tuple[Run, Summary]], name: str) -> list[_Scored]:
    """Return the best value of every run that has a number for a metric."""
    found = ((summary.metric(name, "best"), run, summary) for run, summary in summaries)
    return [
        _Scored(metric.best, run, summary) for metric, run, summary in found if metric and not math.isnan(metric.best)
    ]


def _say_how(best: _Scored, metric: str, direction: Direction, left_out: Sequence[str], say: Say) -> None:
    if left_out:
        words = {**_OTHERS, _NOT_MEASURED: f"without {metric}"}
        counts = {words[why]: left_out.count(why) for why in words if why in left_out}
        told = [f"{count} run{'s' if count > 1 else ''} {of}" for of, count in counts.items()]
        were = "were" if len(left_out) > 1 else "was"
        others = " and ".join(filter(None, (", ".join(told[:-1]), told[-1])))
        ranked = f"the runs {_of_what(best.summary, metric)}"
        say(f"{best.run.id} is the best by {metric} of {ranked}; {others} {were} left out")
    if direction.note:
        say(f"{best.run.id} is the best by {metric} {direction.note}")


def _of_what(summary: Summary, metric: str) -> str:
    """Return what runs that were ranked have in common, as the end of ``the runs``."""
    from tbcli.runs.comparable import NO_NAME, fingerprint_of, script_of

    if summary.data != NO_NAME:
        return f"on {summary.data or 'unknown data'}"
    if fingerprint_of(summary, metric):
        return "on the same data"
    return f"of {script_of(summary)}" if script_of(summary) else "on data that are not known"


def _say_what_is_guessed(ranked: Sequence[Summary], metric: str, say: Say) -> None:
    """Say whether some of the runs that were ranked were taken to have the same data by a name alone."""
    from tbcli.runs.comparable import NO_NAME, fingerprint_of

    unknown = [one for one in ranked if not fingerprint_of(one, metric)]
    if unknown and len(ranked) > 1:
        keep = f"{len(unknown)} of the {len(ranked)} runs ranked keep{'s' if len(unknown) == 1 else ''} no fingerprint"
        by = "script" if unknown[0].data == NO_NAME else "name"
        say(f"{keep} of the data: that they are the same is guessed from their {by}")
