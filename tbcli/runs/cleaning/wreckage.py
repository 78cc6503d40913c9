"""What killed processes of ours left behind, and runs whose record is damaged: seen, so that it can be removed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tbcli.config.paths import TRASH
from tbcli.runs.ids import looks_like_id
from tbcli.runs.liveness import STALE_ELSEWHERE_SECONDS, read_signs
from tbcli.runs.owner import started_at
from tbcli.runs.run import Run
from tbcli.runs.unreadable import changed_at, is_young, read_invalid_run

if TYPE_CHECKING:
    from tbcli.runs.store import RunStore

_TEMPORARY = re.compile(r"\..+\.(\d{1,10})(\.[A-Za-z0-9]+)?")


@dataclass(frozen=True, slots=True)
class Wreck:
    """Something that is left over.

    Args:
        kind: A damaged run, the plots and the model of a run whose logs are gone, or a temporary file.
        paths: What there is of it.
        what: What is wrong with it, as the end of a sentence.
        since: When it changed last.
        in_use: Why something may still be at work there, as the end of a sentence, ``""`` if nothing is.
    """

    kind: Literal["run", "orphan", "temporary"]
    paths: tuple[Path, ...]
    what: str
    since: datetime
    in_use: str = ""


class WreckSearch:
    """Looks for what is left over below the roots of a workspace, while its runs are listed.

    Directories younger than a minute are none of it, for another process may be making a run of them; nor are links.

    Args:
        store: Where to look.
        now: The present.
        thorough: Look for temporary files in all directories of all runs, and not only where trainings leave them.
    """

    def __init__(self, store: RunStore, now: datetime, *, thorough: bool = True) -> None:
        self._store, self._now, self._is_thorough = store, now, thorough
        self._known: set[str] = set()
        self._temporaries: list[Wreck] = []

    def each(self) -> Iterator[Run]:
        """Yield the runs; see `RunStore.each`."""
        for run in self._store.each():
            self._known.add(run.recorded_id)
            self._temporaries += _temporaries(run, self._now, thorough=self._is_thorough)
            yield run

    def found(self) -> Sequence[Wreck]:
        """Return what is left over, once all runs were listed."""
        damaged = _damaged_runs(self._store, self._known, self._now)
        return (*damaged, *_orphans(self._store, self._known, self._now), *self._temporaries)


def count_wreckage(wrecks: Sequence[Wreck]) -> str:
    """Return what is left over in a sentence, with the command that removes it; ``""`` for nothing."""
    words = {
        "run": ("damaged run", "damaged runs"),
        "orphan": ("run of which only plots or a model are left", "runs of which only plots or models are left"),
        "temporary": ("temporary file", "temporary files"),
    }
    counts = {kind: sum(wreck.kind == kind for wreck in wrecks) for kind in words}
    told = [f"{count} {words[kind][count > 1]}" for kind, count in counts.items() if count]
    return f"left over: {', '.join(told)}: `tbcli clean --damaged` removes that" if told else ""


def _damaged_runs(store: RunStore, known: set[str], now: datetime) -> Iterator[Wreck]:
    for logs in store.others:
        invalid = read_invalid_run(logs, now.timestamp()) if logs.parent == store.logs_root else None
        if invalid is None or not invalid.is_ours:
            continue
        beside = [root / logs.name for root in (store.plots_root, store.models_root)]
        own = [path for path in beside if looks_like_id(logs.name) and logs.name not in known and _is_directory(path)]
        yield Wreck("run", (logs, *own), invalid.why, changed_at(logs), _why_in_use(logs, now))


def _why_in_use(logs: Path, now: datetime) -> str:
    signs = read_signs(logs, logs / "heartbeat", None, now, is_moved=False)
    if signs.is_claimed:
        return "a process holds it"
    if changed_at(logs) > now:
        return "it lies in the future by this machine's clock"
    return signs.doubt()


def _orphans(store: RunStore, known: set[str], now: datetime) -> Iterator[Wreck]:
    """Yield plots and models of ids that no directory has, in the logs or in any other directory of the workspace.

    Where the roots do not lie in one workspace, the logs may be anywhere: nothing is an orphan then.
    """
    workspace = store.logs_root.parent
    roots = dict.fromkeys((store.plots_root, store.models_root))
    if any(root.parent != workspace for root in roots) or store.logs_root in roots or not store.logs_root.is_dir():
        return
    elsewhere = [path for path in _directories(workspace) if path not in roots]
    trashed = {path.name.partition("@")[0] for path in _directories(workspace / TRASH)}  # a move that was interrupted
    names = sorted({path.name for root in roots for path in _directories(root) if looks_like_id(path.name)})
    for name in names:
        if name in known or name in trashed or any(os.path.lexists(place / name) for place in elsewhere):
            continue
        paths = tuple(root / name for root in roots if _is_directory(root / name))
        if paths and not any(is_young(path, now.timestamp()) for path in paths):
            yield Wreck("orphan", paths, "the logs of its run are gone", max(map(changed_at, paths)))


def _temporaries(run: Run, now: datetime, *, thorough: bool) -> Iterator[Wreck]:
    """Yield what was to be renamed into place by a process that is dead."""
    places: Sequence[Path] = [run.logs]
    if thorough:
        places = [place for top in dict.fromkeys((run.logs, run.plots, run.models)) for place in _trees(top)]
    elif run.record.get("status") != "finished":
        places = [run.logs, run.checkpoints, run.models]
    for place in places:
        for path in _hidden(place):
            match = _TEMPORARY.fullmatch(path.name)
            is_model = place == run.models and path.name.startswith(f".{run.model_stem}")
            if (match or is_model) and _is_left(path, int(match[1]) if match else None, run, now):
                yield Wreck("temporary", (path,), "the process that wrote it is gone", changed_at(path))


def _is_left(path: Path, pid: int | None, run: Run, now: datetime) -> bool:
    """Say whether nobody will rename a temporary: its process is dead, or where that is not known it is old."""
    if run.is_live(now) or not os.path.lexists(path):
        return False
    owner = run.owner
    if owner and owner.pid == pid and owner.lives() is False:
        return True
    changed = changed_at(path)
    started = started_at(pid) if pid is not None else None
    if started is not None and started < changed.timestamp() + 1:
        return False  # that may be the one
    return (now - changed).total_seconds() > STALE_ELSEWHERE_SECONDS


def _hidden(directory: Path) -> list[Path]:
    try:
        with os.scandir(directory) as entries:
            names = sorted(entry.name for entry in entries if entry.name[0] == "." and not entry.is_symlink())
            return [directory / name for name in names]
    except OSError:
        return []


def _directories(directory: Path) -> list[Path]:
    try:
        with os.scandir(directory) as entries:
            return [directory / entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _trees(top: Path) -> Iterator[Path]:
    """Yield a directory and all below it, links not followed; hidden ones are looked at from outside alone."""
    if _is_directory(top):
        yield top
        for inside in sorted(_directories(top)):
            if not inside.name.startswith("."):
                yield from _trees(inside)


def _is_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
