"""What commands that look into any log directory share: how it is named, and what is there."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tbcli.cli.completing import complete_sweep
from tbcli.cli.output import Output
from tbcli.errors import NotFound

if TYPE_CHECKING:
    from tbcli.config import Config
    from tbcli.runs import LogDirectory, Run, RunStore

READING_PANEL = "Reading"

Verify = Annotated[
    bool,
    typer.Option("--verify", help="Verify all checksums, including images (slower).", rich_help_panel=READING_PANEL),
]
OfSweep = Annotated[
    str | None,
    typer.Option(
        "--sweep",
        metavar="NAME",
        help="Only the runs of this sweep: its name, or latest. `best` is the best of them.",
        rich_help_panel="Which runs",
        autocompletion=complete_sweep,
    ),
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Bypass the cache.", rich_help_panel=READING_PANEL)]


def store_of(config: Config, sweep: str | None = None, *, with_earlier_fits: bool = False) -> RunStore:
    """Return the runs that a command looks at: those of a workspace, or of one sweep there.

    Args:
        config: Says where they lie.
        sweep: What ``--sweep`` says.
        with_earlier_fits: See `RunStore.of_sweep`.

    Raises:
        NotFound: There is no run of that sweep.
    """
    from tbcli.runs import RunStore

    store = RunStore(config.paths, config.direction)
    if sweep is None:
        return store
    try:
        return store.of_sweep(sweep, with_earlier_fits=with_earlier_fits)
    except NotFound as error:
        from tbcli.sweeps.directory import sweep_names

        if sweep in sweep_names(config.paths):
            error.hint = _why_none(store, config, sweep)
        raise


def _why_none(store: RunStore, config: Config, sweep: str) -> str:
    """Return why a sweep that is kept has no run, and what to do."""
    from tbcli.cli.render.sweeps_told import told_without_runs, where_cleaned
    from tbcli.sweeps.directory import SweepDirectory, sweeps_root
    from tbcli.sweeps.endings import read_outcomes

    outcomes = read_outcomes(SweepDirectory(sweeps_root(config.paths) / sweep).log_file).values()
    if ids := {each.run for each in outcomes if each.run}:
        return f"none of its runs is there; {where_cleaned(store, ids)}"
    again = f"no trial has begun: `tbcli sweep --resume {shlex.quote(sweep)}` goes on with it"
    return "; ".join(told_without_runs(config.paths, sweep, ())) or again


def places_asked(
    store: RunStore, references: Sequence[str], output: Output, usual: str = "latest"
) -> list[Run | LogDirectory]:
    """Return what the references name; without any all runs of the sweep that was asked for, else the usual one."""
    if references or not store.sweep:
        return find_places(store, references or [usual], output)
    return [*list_own_runs(store, output)]


def find_places(
    store: RunStore, references: Sequence[str], output: Output, *, decides: bool = False
) -> list[Run | LogDirectory]:
    """Return what the references name, each once: runs, log directories, or single files of events or text logs.

    A path that holds several tbcli runs is all of them, with the log directories beside them. A log directory of
    another program may hold several runs too. ``decides`` says that an exit code depends on them; see `RunStore.find`.

    Raises:
        NotFound: A reference names nothing.
        ConfigError: A reference is the beginning of several ids.
    """
    found = [place for reference in references for place in _places_of(store, reference, output, decides)]
    return list({(place.logs.resolve(), getattr(place, "run", "")): place for place in found}.values())


def find_place(store: RunStore, reference: str, output: Output, *, decides: bool = False) -> Run | LogDirectory:
    """Return what one reference names, and warn of runs that could not be looked at for it; see `RunStore.find_any`.

    What names no tbcli run may name a run of another program in the same log directory.
    """
    from tbcli.runs.unreadable import UnreadableRun

    known = len(store.damage)
    try:
        return store.find_any(reference, output.say, decides=decides)
    except UnreadableRun:
        raise
    except NotFound as error:
        found = None if store.sweep else _run_of_others(store, reference)  # others have no sweeps
        if found is None:
            raise error from None
        return found
    finally:
        for sentence in store.damage[known:]:
            output.warn(sentence)


def named_place(store: RunStore, reference: str, output: Output, *, decides: bool = False) -> Run | LogDirectory:
    """Return what one reference names, as `find_place` does; a path may lead to a single file."""
    from tbcli.runs import LogDirectory
    from tbcli.runs.references import is_path

    path = Path(reference)
    try:
        is_file = is_path(reference) and path.is_file()
    except (OSError, ValueError):
        is_file = False
    if is_file:
        return LogDirectory(path.name, path, directions=store.directions)
    return find_place(store, reference, output, decides=decides)


def _places_of(store: RunStore, reference: str, output: Output, decides: bool) -> list[Run | LogDirectory]:
    from tbcli.runs import LogDirectory
    from tbcli.runs.references import is_directory

    found = named_place(store, reference, output, decides=decides)
    if isinstance(found, LogDirectory) and not found.run and is_directory(found.logs):
        if store.sweep and found.logs.resolve() in (one.logs.resolve() for one in store.summaries()):
            return [found]
        return runs_below(found, output, store.sweep) or [found]
    return [found]


def runs_below(found: LogDirectory, output: Output, sweep: str = "") -> list[Run | LogDirectory]:
    """Return the tbcli runs directly below a log directory, and the log directories beside them; else nothing.

    Args:
        found: The log directory.
        output: Where to warn.
        sweep: The sweep whose runs alone are asked for.

    Raises:
        NotFound: There is no run of that sweep.
    """
    from tbcli.config import PathsConfig
    from tbcli.runs import LogDirectory, RunStore

    store = RunStore(PathsConfig(logdir=str(found.logs)), found.directions)
    if sweep:
        return [*list_own_runs(store.of_sweep(sweep), output)]
    own = list_own_runs(store, output)
    if not own:
        return []
    return [
        *own,
        *(LogDirectory(path.name, path, directions=found.directions) for path in store.others if has_logs(path)),
    ]


def has_logs(path: Path) -> bool:
    """Say whether event files, or other logs that can be read, lie below a directory."""
    from tbcli.readers.logdir import find_event_files

    found = find_event_files(path)
    if found.files or not found.tables:
        return bool(found.files)
    from tbcli.readers.text_logs import read_text_logs

    return bool(read_text_logs(found.tables, []))


def _run_of_others(store: RunStore, reference: str) -> LogDirectory | None:
    """Return a run of another program: by its name in `--logdir`, or by a path to no directory."""
    from tbcli.readers.logged_runs import find_run
    from tbcli.runs import LogDirectory
    from tbcli.runs.ids import looks_like_id
    from tbcli.runs.references import is_directory, is_path

    top, name = store.logs_root, reference
    if is_path(reference):
        top = Path(reference)
        while not is_directory(top) and top.name:
            top = top.parent
        name = str(Path(reference).relative_to(top))
        if not _may_hold(top, name):
            return None
    elif looks_like_id(reference) or not is_directory(top):
        return None
    elif reference.partition(":")[0] in ("latest", "best"):
        if next(store.each(), None) is not None:
            return None
    elif not _may_hold(top, name):
        return None
    try:
        return find_run(LogDirectory(top.name, top, directions=store.directions), name)
    except NotFound:
        return None


def _may_hold(top: Path, name: str) -> bool:
    """Say whether directories here could be the splits of a run of this name, so that a typo reads no whole disk."""
    from tbcli.naming.words import SPLITS

    first = name.partition("/")[0]
    try:
        entries = [entry.name for entry in top.iterdir()]
    except OSError:
        return False
    return any(first in entry for entry in entries) or any(entry.lower() in SPLITS for entry in entries)


def list_own_runs(store: RunStore, output: Output) -> list[Run]:
    """Return all runs, and warn of those that could not be looked at; see `RunStore.list`.

    They are in the order of time, those of a sweep in that of its trials.
    """
    from tbcli.runs.trials import number_of_trial

    known = len(store.damage)
    runs = sorted(store.list(), key=number_of_trial) if store.sweep else store.list()
    for sentence in store.damage[known:]:
        output.warn(sentence)
    return runs
