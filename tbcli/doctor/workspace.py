"""What a workspace holds besides what TensorBoard reads: settings, records of runs, the trash."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbcli.config import PathsConfig
from tbcli.config.layers import WORKSPACE_FILE
from tbcli.doctor.findings import Finding
from tbcli.doctor.system import System, command
from tbcli.errors import ConfigError

if TYPE_CHECKING:
    from tbcli.runs import Run, RunStore

TRASH = ".tbcli-trash"
_MUCH = 1_000_000_000  # bytes
_MOST_ENTRIES = 20_000


def settings_files(system: System, paths: PathsConfig) -> dict[str, Any]:
    """Return where settings come from besides the command line."""
    places = (Path(paths.workspace, name) for name in (WORKSPACE_FILE, "pyproject.toml"))
    found = [place for place in places if place.is_file()]
    read = [str(place) for place in found[:1] if place.name == WORKSPACE_FILE or _mentions_us(place)]
    return {"files": read, "variables": sorted(name for name in system.environ if name.startswith("TBCLI_"))}


def _mentions_us(path: Path) -> bool:
    try:
        return "[tool.tbcli" in path.read_text(errors="replace")
    except OSError:
        return False


def describe_settings(problem: ConfigError) -> Finding:
    """Return that the settings of files or variables do not hold."""
    return Finding(
        level="error",
        name="settings-invalid",
        what=problem.message,
        why="Every command stops with this until it is corrected; the defaults were used here.",
        fix=problem.hint,
    )


def check_records(store: RunStore) -> Iterator[Finding]:
    """Yield what is wrong with the records of the runs in a log directory."""
    names: Counter[str] = Counter()
    for run in store.each():
        names[run.name] += 1
    for sentence in store.damage:
        yield Finding(
            level="warning",
            name="record-damaged",
            where=str(store.logs_root),
            what=f"{sentence}.",
            why="The run is not listed, compared or plotted.",
            fix="tbcli clean --damaged",
        )
    shared = [name for name, count in names.items() if name and count > 1]
    if shared:
        listed = ", ".join(f"{name!r} ({names[name]} runs)" for name in shared[:3])
        more = f" and {len(shared) - 3} more" if len(shared) > 3 else ""
        yield Finding(
            level="note",
            name="names-shared",
            where=str(store.logs_root),
            what=f"Several runs have one name: {listed}{more}.",
            why="Commands that read take the newest of them; `clean` refuses the name.",
            fix=command("tbcli", "runs", "--where", f"name={shared[0]}"),
        )


def check_run(run: Run) -> Iterator[Finding]:
    """Yield what is wrong with a run's own records."""
    from tbcli.runs.unreadable import damage_of

    for sentence in damage_of(run):
        yield Finding(
            level="warning",
            name="record-damaged",
            where=str(run.logs),
            what=f"{sentence}.",
            why="What it said is missing in tables and figures, or comes from somewhere else.",
            fix=command("tbcli", "runs", run.id),
        )


def check_trash(paths: PathsConfig) -> tuple[dict[str, Any], list[Finding]]:
    """Return how much lies in the trash, and whether that is much."""
    places = dict.fromkeys(root.absolute().parent / TRASH for root in (paths.logs, paths.plots, paths.models))
    count, size, is_whole = 0, 0, True
    for place in places:
        for top, _, names in os.walk(place):
            for name in names:
                count += 1
                size += _size(Path(top, name))
            if count > _MOST_ENTRIES:
                is_whole = False
                break
    findings = []
    if size > _MUCH:
        findings.append(
            Finding(
                level="note",
                name="trash-large",
                where=str(next(iter(places))),
                what=f"Removed runs take {'' if is_whole else 'more than '}{size / 1e9:.1f} GB in the trash.",
                why="The room is free again when the trash is emptied.",
                fix="tbcli clean --purge",
            )
        )
    return {"bytes": size, "files": count, "whole": is_whole}, findings


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
