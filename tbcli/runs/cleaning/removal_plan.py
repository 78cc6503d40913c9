"""Select runs to remove: chosen and checked before anything is touched."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tbcli.config import PathsConfig
from tbcli.config.checks import read_duration
from tbcli.errors import ConfigError, NotFound, Refused
from tbcli.naming.matching import did_you_mean
from tbcli.naming.shortening import few
from tbcli.runs.cleaning.trees import Freed, mount_below, mount_points
from tbcli.runs.files import utc_now
from tbcli.runs.ids import looks_like_id
from tbcli.runs.references import is_path
from tbcli.runs.run import STATUSES, LogDirectory, Run
from tbcli.runs.store import RunStore

if TYPE_CHECKING:
    from tbcli.runs.summary import Summary


Identity = tuple[int, int]
"""What tells a directory from any other that is put in its place: device and inode."""


def identity_of(directory: os.stat_result) -> Identity:
    """Return what tells a directory from any other."""
    return directory.st_dev, directory.st_ino


def parse_age(text: str) -> float:
    """Return the seconds in ``30m``, ``12h``, ``7d`` or ``2w``.

    Raises:
        ConfigError: It is not a number followed by a unit.
    """
    seconds = read_duration(text)
    if seconds is None:
        raise ConfigError(f"an age is a number with a unit, got {text!r}", hint="such as 30m, 12h, 7d or 2w")
    return seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Filters that narrow the runs to remove.

    Args:
        older_than: Only runs that stopped at least so long ago, as ``7d``; ``""`` for any age.
        statuses: Only runs with one of these; empty for any.
        among: Only runs whose logs lie here; None for any.
        keep: Keep so many of the newest of what the others select.
        keep_best: Keep so many of the best of what the others select, within each task and data; 0 for none.
        metric: By which they are the best.
    """

    older_than: str = ""
    statuses: tuple[str, ...] = ()
    among: frozenset[Path] | None = None
    keep: int = 0
    keep_best: int = 0
    metric: str = ""

    def __post_init__(self) -> None:
        for status in self.statuses:
            if status not in STATUSES:
                raise ConfigError(f"no run has the status {status!r}", hint=did_you_mean(status, STATUSES))
        if self.keep < 0 or self.keep_best < 0:
            raise ConfigError(
                f"cannot keep {min(self.keep, self.keep_best)} runs", hint="`--keep 3` keeps the three newest"
            )
        if bool(self.keep_best) != bool(self.metric):
            raise ConfigError(
                "--keep-best and --metric need each other", hint="such as `--keep-best 3 --metric val_accuracy`"
            )
        if self.older_than:
            parse_age(self.older_than)

    def match(self, run: Run, now: datetime) -> bool:
        """Say whether a run is one that may go, before some are kept."""
        if self.among is not None and run.logs not in self.among:
            return False
        # Of a run without any date no filter of age can say that it is old.
        least = parse_age(self.older_than) if self.older_than else 0.0
        is_old = not least or ((age := run.age_seconds(now)) is not None and age >= least)
        return is_old and (not self.statuses or run.status(now) in self.statuses)


@dataclass(frozen=True, slots=True)
class Removal:
    """Runs to remove.

    Args:
        runs: Oldest first.
        live: Runs that match and stay, for a process trains them or may: a sentence each.
        sizes: The bytes that each of ``runs`` frees, of files with several names with the last.
        identities: What the directory of each of ``runs`` was; None where it is gone already.
        notes: Sentences on what stays, and on what is guessed.
    """

    runs: tuple[Run, ...]
    live: tuple[str, ...]
    sizes: tuple[int, ...]
    identities: tuple[Identity | None, ...]
    notes: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """What is freed by all of them."""
        return sum(self.sizes)


def plan_removal(
    store: RunStore,
    references: Sequence[str],
    filters: Filters,
    now: datetime | None = None,
    *,
    summarize: Callable[[Run], Summary] | None = None,
) -> Removal:
    """Choose runs; nothing is touched yet.

    Args:
        store: Where the runs are.
        references: The runs to choose from; all where none is given.
        filters: What narrows them.
        now: The moment to measure ages from; the present unless given.
        summarize: Returns what is known of a run; without it its record and its history tell.

    Raises:
        NotFound: A reference names nothing, or no run has the metric.
        Refused: A reference names several runs, a live run, or something that is not a run of this workspace.
    """
    now = now or utc_now()
    everything = runs = store.list()
    if references:
        named = {_named_run(store, reference, runs).logs.name for reference in references}
        runs = [run for run in (*runs, *store.summaries()) if run.logs.name in named]
    copies = [] if references else [run for run in runs if run.is_copy and filters.match(run, now)]
    runs = [run for run in runs if not run.is_copy or references]
    # Of one at rest that somebody holds, another `clean` or a training that goes on, its removal decides.
    training = {run.logs: why for run in runs if run.record.get("status") == "running" and (why := run.why_in_use(now))}
    if references and training:
        raise next(in_use(run, training[run.logs]) for run in runs if run.logs in training)
    matching = [run for run in runs if filters.match(run, now)]
    points = mount_points()
    mounted = {run.logs: has_mount(run, point) for run in matching if (point := mount_in(run, points))}
    if references and mounted:
        raise next(iter(mounted.values()))
    at_rest = [run for run in matching if run.logs not in training and run.logs not in mounted]
    chosen, notes = at_rest[: max(0, len(at_rest) - filters.keep)], tuple[str, ...]()
    if filters.keep_best:
        from tbcli.runs.cleaning.ranks import all_but_the_best
        from tbcli.runs.run_summary import summary_of

        ranked = all_but_the_best(at_rest, filters.keep_best, filters.metric, summarize or summary_of)
        worse = {run.logs for run in ranked.worse}
        chosen, notes = [run for run in chosen if run.logs in worse], ranked.notes
    chosen = [*chosen, *_summaries_of_none(store, everything, chosen)]
    freed = Freed()
    sizes = tuple(sum(map(freed.count_tree, _parts_that_go(run))) for run in chosen)
    live = tuple(_why_it_stays(run, training[run.logs]) for run in matching if run.logs in training)
    notes = (*notes, *(error.message for error in mounted.values()), *_what_stays(chosen, copies))
    return Removal(tuple(chosen), live, sizes, tuple(map(_identity, chosen)), notes)


def _summaries_of_none(store: RunStore, runs: Sequence[Run], chosen: Sequence[Run]) -> Sequence[Run]:
    """Return the summaries of the sweeps whose last runs go."""
    going = {run.logs for run in chosen}
    sweeps = {run.sweep["name"] for run in chosen if run.sweep}
    sweeps -= {run.sweep["name"] for run in runs if run.sweep and run.logs not in going}
    return [run for run in store.summaries() if run.summary_of in sweeps and run.logs not in going] if sweeps else ()


def _identity(run: Run) -> Identity | None:
    try:
        return identity_of(run.logs.lstat())
    except OSError:
        return None


def _why_it_stays(run: Run, why: str) -> str:
    if why.startswith("is still training"):
        return f"{run.label} is still training and stays: `tbcli stop {shlex.quote(run.logs.name)}` ends it"
    return f"{run.label} stays, for it {why}"


def _parts_that_go(run: Run) -> list[Path]:
    """Return the directories of a run, each once where roots are one directory; links in their place stay."""
    return list(dict.fromkeys(path.resolve() for path in (run.logs, run.plots, run.models) if not path.is_symlink()))


def _what_stays(runs: Iterable[Run], copies: Iterable[Run]) -> Iterator[str]:
    for run in copies:
        yield f"{str(run.logs)!r} is {_copy_of(run)}, and stays: its path removes it"
    for run in runs:
        for path in (run.plots, run.models):
            if path.is_symlink():
                yield f"{str(path)!r} is a symbolic link and stays"


def in_use(run: Run, why: str) -> Refused:
    """Return the error for a run that is training, or may be; see `Run.why_in_use`."""
    hint = f"`tbcli stop {shlex.quote(run.logs.name)}` ends it, then it can be removed"
    if why.startswith("may "):
        hint = f"wait, or if nothing trains it, remove its heartbeat first: {str(run.heartbeat_file)!r}"
    return Refused(f"run {run.label} {why}", hint=hint)


def _named_run(store: RunStore, reference: str, runs: Sequence[Run]) -> Run:
    """Return the one run a reference can mean: where reading would take the newest of several, this refuses."""
    summary = _summary_named(store, reference)
    if summary or is_path(reference):
        return summary or _run_at(store, reference)
    answering = [run for run in runs if run.name == reference or (reference and run.id.startswith(reference))]
    if len(answering) > 1 and any(run.name == reference for run in answering):
        raise Refused(f"{reference!r} means {_counted(answering)}", hint="name them by their ids")
    try:
        found = store.find(reference)
    except NotFound:
        if reference and os.path.lexists(store.logs_root / reference):
            raise not_ours(str(store.logs_root / reference)) from None
        raise
    if found.is_copy:
        raise Refused(f"{reference!r} is {_copy_of(found)}", hint=f"its path names it: {str(found.logs.absolute())!r}")
    return found


def _summary_named(store: RunStore, reference: str) -> Run | None:
    name = Path(reference).name
    summary = next((run for run in store.summaries() if run.logs.name == name), None) if looks_like_id(name) else None
    is_meant = summary and (reference == name or Path(reference).resolve() == summary.logs.resolve())
    return summary if is_meant else None


def _copy_of(run: Run) -> str:
    return f"a copy of run {run.recorded_id}, in a directory of another name"


def _counted(runs: Sequence[Run]) -> str:
    """Return how many runs there are and the newest of their ids."""
    listed = few([run.id for run in runs], 5, last=True)
    return f"{len(runs)} run{'' if len(runs) == 1 else 's'}: {listed}"


def _run_at(store: RunStore, reference: str) -> Run:
    found = store.find_any(reference)
    path = Path(reference)
    if isinstance(found, LogDirectory) or path.is_symlink():
        inside = [] if path.is_symlink() else RunStore(PathsConfig(logdir=reference)).list()
        if inside:
            raise Refused(f"{reference!r} holds {_counted(inside)}", hint="name each run: `tbcli runs PATH` lists them")
        raise not_ours(reference)
    if found.logs.parent != store.logs_root.resolve():
        raise Refused(
            f"{reference!r} is not in this workspace's {str(store.logs_root)!r}",
            hint="`--workspace DIR` names the workspace it belongs to",
        )
    return found


def mount_in(run: Run, points: Sequence[str]) -> str:
    """Return a mount point in a run, ``""`` where there is none."""
    return next(filter(None, (mount_below(part, points) for part in (run.logs, run.plots, run.models))), "")


def has_mount(run: Run, mounted: str) -> Refused:
    """Return the error for a run in which something is mounted."""
    return Refused(
        f"run {run.label} stays: {mounted!r} is a mount point", hint=f"unmount it first (`umount {mounted}`)"
    )


def not_ours(path: str) -> Refused:
    """Return the error for something that is not a run."""
    return Refused(
        f"{path!r} is not a run of tbcli's", hint="`tbcli runs` lists the runs; the rest is yours to remove by hand"
    )
