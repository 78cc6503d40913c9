"""What a workspace holds besides logs: settings, records of runs, the trash, what killed processes left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbcli.config import PathsConfig
from tbcli.config.layers import WORKSPACE_FILE
from tbcli.doctor.findings import Finding
from tbcli.doctor.system import System, command, is_plain_file, set_aside
from tbcli.errors import ConfigError, NotFound, Refused, TbcliError
from tbcli.naming.shortening import few

if TYPE_CHECKING:
    from tbcli.runs import Run, RunStore
    from tbcli.runs.cleaning.wreckage import Wreck

_MUCH = 1_000_000_000  # bytes
_MOST_COUNTED = 100  # runs in the trash
_MOST_NAMED = 3
_LOST_RUN = "the run is not listed, compared or plotted"


def settings_files(system: System, paths: PathsConfig) -> dict[str, Any]:
    """Return where settings come from besides the command line."""
    places = (Path(paths.workspace, name) for name in (WORKSPACE_FILE, "pyproject.toml"))
    found = [place for place in places if is_plain_file(place)]
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
        why="every command stops with this until it is corrected; the defaults were used here",
        fix=problem.hint,
    )


def describe_closed(store: RunStore, problem: str) -> Finding:
    """Return that the log directory cannot be listed."""
    return Finding(
        level="error",
        name="logs-closed",
        where=str(store.logs_root),
        what=problem,
        why="no run can be listed, read or made there",
        fix=f"{command('chmod', 'u+rwX', store.logs_root)}, or --logdir DIR",
    )


def check_records(store: RunStore) -> Iterator[Finding]:
    """Yield what is wrong with the records of the runs in a workspace, and what killed processes left there."""
    from tbcli.runs.cleaning.wreckage import WreckSearch
    from tbcli.runs.files import utc_now

    names: Counter[str] = Counter()
    search = WreckSearch(store, utc_now(), thorough=False)
    for run in search.each():
        names[run.name] += 1
    wrecks = search.found()
    yield from map(_left_over, wrecks[:_MOST_NAMED])
    if len(wrecks) > _MOST_NAMED:
        yield replace(_left_over(wrecks[_MOST_NAMED]), what=f"{len(wrecks) - _MOST_NAMED:,} more are left over")
    told = {path for wreck in wrecks for path in wreck.paths}
    for invalid in store.invalid:
        if invalid.logs not in told:
            yield _damaged(str(invalid.logs), invalid.why, _LOST_RUN)
    yield from _shared(names, store)


def _left_over(wreck: Wreck) -> Finding:
    where = " and ".join(map(str, wreck.paths))
    what = f"{wreck.what} ({wreck.in_use})" if wreck.in_use else wreck.what
    if wreck.kind == "run":
        return _damaged(where, what, _LOST_RUN)
    why = "it takes room, and belongs to no run"
    return Finding(
        level="note", name="left-over", where=where, what=what, why=why, fix=command("tbcli", "clean", "--damaged")
    )


def _damaged(where: str, what: str, why: str, fix: str = "tbcli clean --damaged") -> Finding:
    return Finding(level="warning", name="record-damaged", where=where, what=what, why=why, fix=fix)


def _shared(names: Counter[str], store: RunStore) -> Iterator[Finding]:
    shared = [name for name, count in names.items() if name and count > 1]
    if shared:
        listed = few([f"{name!r} ({names[name]} runs)" for name in shared], 3)
        yield Finding(
            level="note",
            name="names-shared",
            where=str(store.logs_root),
            what=f"several runs have one name: {listed}",
            why="commands that read take the newest of them; `clean` refuses the name",
            fix=f"name a run by its id: `{command('tbcli', 'runs', '--where', f'name={shared[0]}')}` lists them",
        )


def check_run(run: Run) -> Iterator[Finding]:
    """Yield what is wrong with a run's own records."""
    from tbcli.runs.unreadable import damage_of

    why = "what it said is missing in tables and figures, or comes from somewhere else"
    for sentence in damage_of(run):
        yield _damaged(str(run.logs), sentence, why, _mending(run, sentence))


def _mending(run: Run, sentence: str) -> str:
    """Return what mends a record, by which file of it a sentence is about."""
    if repr(str(run.history_file)) in sentence:
        if "disagree" in sentence:
            return f"correct whichever of the two was changed by hand: {run.history_file} or {run.record_file}"
        if "rows" in sentence:
            return f"correct or remove these rows in {run.history_file}"
        return set_aside(run.history_file)
    if repr(str(run.config_file)) in sentence:
        return f"bring {run.config_file} back from a copy; without it the run cannot be repeated or resumed"
    return f"correct it in {run.record_file}, or move the run to the trash: `{command('tbcli', 'clean', run.id)}`"


def check_trash(store: RunStore, trash_days: float) -> tuple[dict[str, Any], list[Finding]]:
    """Return how much lies in the trash, and whether that is much, or nothing can be moved there.

    Args:
        store: The runs of the workspace.
        trash_days: The setting; 0 uses no trash.
    """
    from tbcli.runs.cleaning.trash import Trash

    trash = Trash(store)
    try:
        newest = next((run for name in reversed(store.ids()) if (run := store.load(name))), None)
        trash.require_usable([newest.logs] if newest and trash_days else [])
        removed = trash.list()
    except (ConfigError, NotFound, Refused) as error:
        found = [] if isinstance(error, NotFound) else [_unusable(trash.place, error)]  # the logs are told elsewhere
        return {"place": str(trash.place), "runs": 0, "bytes": 0, "whole": False}, found
    size = sum(each.bytes() for each in removed[:_MOST_COUNTED])
    is_whole = len(removed) <= _MOST_COUNTED
    findings = []
    if size > _MUCH:
        findings.append(
            Finding(
                level="note",
                name="trash-large",
                where=str(trash.place),
                what=f"removed runs take {'' if is_whole else 'more than '}{size / 1e9:.1f} GB in the trash",
                why="the room is free again when the trash is emptied",
                fix="tbcli clean --purge",
            )
        )
    return {"place": str(trash.place), "runs": len(removed), "bytes": size, "whole": is_whole}, findings


def _unusable(place: Path, error: TbcliError) -> Finding:
    return Finding(
        level="note",
        name="trash-unusable",
        where=str(place),
        what=error.message,
        why="`tbcli clean` cannot move runs there, and asks for --permanent",
        fix=error.hint,
    )
