"""Select runs to remove: chosen and checked before anything is touched."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tbcli.config import PathsConfig
from tbcli.config.checks import read_duration
from tbcli.errors import ConfigError, NotFound, Refused
from tbcli.naming.matching import did_you_mean
from tbcli.runs.files import utc_now
from tbcli.runs.references import is_path
from tbcli.runs.run import STATUSES, LogDirectory, Run
from tbcli.runs.store import RunStore


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
        keep: Spare so many of the newest of what the others select.
    """

    older_than: str = ""
    statuses: tuple[str, ...] = ()
    keep: int = 0

    def __post_init__(self) -> None:
        for status in self.statuses:
            if status not in STATUSES:
                raise ConfigError(f"no run has the status {status!r}", hint=did_you_mean(status, STATUSES))
        if self.keep < 0:
            raise ConfigError(f"cannot keep {self.keep} runs", hint="`--keep 3` spares the three newest")
        if self.older_than:
            parse_age(self.older_than)

    def select(self, runs: Sequence[Run], now: datetime) -> list[Run]:
        """Return the runs to remove, oldest first, from runs given oldest first."""
        least = parse_age(self.older_than) if self.older_than else 0.0
        # Of a run without any date no filter of age can say that it is old.
        old = [run for run in runs if not least or ((age := run.age_seconds(now)) is not None and age >= least)]
        chosen = [run for run in old if not self.statuses or run.status(now) in self.statuses]
        return chosen[: max(0, len(chosen) - self.keep)]


@dataclass(frozen=True, slots=True)
class Removal:
    """Runs to remove.

    Args:
        runs: Oldest first.
        live: Runs that a process still trains; they stay, whatever selects them.
    """

    runs: tuple[Run, ...]
    live: tuple[Run, ...]


def plan_removal(store: RunStore, references: Sequence[str], filters: Filters, now: datetime | None = None) -> Removal:
    """Choose runs; nothing is touched yet.

    Args:
        store: Where the runs are.
        references: The runs to choose from; all where none is given.
        filters: What narrows them.
        now: The moment to measure ages from; the present unless given.

    Raises:
        NotFound: A reference names nothing.
        Refused: A reference names several runs, a live run, or something that is not a run of this workspace.
    """
    now = now or utc_now()
    runs = store.list()
    if references:
        named = {_named_run(store, reference, runs).id for reference in references}
        runs = [run for run in runs if run.id in named]
    live = tuple(run for run in runs if run.is_live(now))
    if references and live:
        raise still_training(live[0])
    at_rest = [run for run in runs if run.id not in {run.id for run in live}]
    return Removal(tuple(filters.select(at_rest, now)), live)


def still_training(run: Run) -> Refused:
    """Return the error for a live run."""
    pid = run.owner.pid if run.owner else "unknown"
    return Refused(
        f"run {run.label} is still training (process {pid} on {run.record.get('host')})",
        hint=f"wait for its end, or stop it first (kill -INT {pid})",
    )


def _named_run(store: RunStore, reference: str, runs: Sequence[Run]) -> Run:
    """Return the one run a reference can mean: where reading would take the newest of several, this refuses."""
    if is_path(reference):
        return _run_at(store, reference)
    answering = [run for run in runs if run.name == reference or (reference and run.id.startswith(reference))]
    if len(answering) > 1 and any(run.name == reference for run in answering):
        raise Refused(f"{reference!r} means {_counted(answering)}", hint="name them by their ids")
    try:
        return store.find(reference)
    except NotFound:
        if reference and os.path.lexists(store.logs_root / reference):
            raise not_ours(str(store.logs_root / reference)) from None
        raise


def _counted(runs: Sequence[Run]) -> str:
    """Return how many runs there are and the newest of their ids."""
    listed = ", ".join(run.id for run in runs[-5:])
    more = f" and {len(runs) - 5} more" if len(runs) > 5 else ""
    return f"{len(runs)} run{'' if len(runs) == 1 else 's'}: {listed}{more}"


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


def not_ours(path: str) -> Refused:
    """Return the error for something that is not a run."""
    return Refused(
        f"{path!r} is not a run of tbcli's", hint="`tbcli runs` lists the runs; the rest is yours to remove by hand"
    )
