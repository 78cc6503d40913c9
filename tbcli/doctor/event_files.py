"""Findings about the files of a log directory: where they lie, which hold nothing, what cannot be read."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from tbcli.doctor.examined_logs import Logs
from tbcli.doctor.findings import Finding, at_most
from tbcli.doctor.system import command, is_plain_file, made_readable, pip, rewritten, set_aside
from tbcli.events import damage
from tbcli.events.columns import EventFile
from tbcli.events.framing import AROUND
from tbcli.naming.shortening import few
from tbcli.naming.words import SPLITS
from tbcli.runs.files import read_file
from tbcli.runs.run import Run, load_run
from tbcli.runs.run_summary import settings_of_run

_FRESH = 600.0  # seconds; PyTorch's writer flushes every 120
_GROWING = 60.0
_HEADER_BYTES = 500  # more than the first record has, which names the format and its writer
_VERSION = b"brain.Event:"
_MANY_FILES = 3000
_MOST_TABLES = 50  # that are read to see whether they are training logs
_PARENTS = 3  # how far above a directory its run may be


def check_files(logs: Logs) -> Iterator[Finding]:
    """Yield what is wrong with the files and directories."""
    if not logs.found.files:
        yield _recorded_nothing(logs) or _nothing(logs)
    if not logs.found.is_file:
        yield from _wrong_level(logs)
        yield from _links(logs)
        yield from _traces(logs)
        yield from at_most(_in_place_of_directories(logs))
    yield from at_most(_empty(logs))
    yield from at_most(_damaged(logs))
    if len(logs.found.files) > _MANY_FILES:
        yield Finding(
            level="note",
            name="many-files",
            where=str(logs.top),
            what=f"there are {len(logs.found.files):,} event files",
            why="TensorBoard takes long to read them: 1,000 runs take its fast reader 6 s, its slow one 45 s",
            fix=command("tbcli", "serve", "latest", "latest~1"),
        )


def _recorded_nothing(logs: Logs) -> Finding | None:
    """Return what runs of ours without any event file are about; None where there are none of ours."""
    runs = [run for place in logs.tree.runs if (run := load_run(place, place, place))]
    if not runs:
        return None
    if any(run.is_live() for run in runs):
        return Finding(
            level="note",
            name="nothing-recorded-yet",
            where=str(logs.top),
            what="it is training; nothing is recorded yet",
            why="the first values are written after the first steps",
        )
    has_finished = any(run.status() == "finished" for run in runs)
    return Finding(
        level="warning" if has_finished else "note",
        name="no-event-files",
        where=str(logs.top),
        what="there are no event files below it, although its training finished"
        if has_finished
        else "there are no event files below it: its training ended before it recorded anything",
        why="TensorBoard says 'No dashboards are active', whatever the reason",
        fix=command("tbcli", "train", "--config", runs[-1].id, *_recording(runs[-1])) if has_finished else "",
    )


def _recording(run: Run) -> tuple[str, ...]:
    """Return the words that have the same training recorded, where it asked for nothing."""
    return ("--record", "standard") if settings_of_run(run).get("record.recorders") == "off" else ()


def _is_of_live_run(place: Path) -> bool:
    """Say whether a directory is, or is a part of, a run of ours that is training."""
    for top in (place, place.parent):
        if _is_run(top):
            run = load_run(top, top, top)
            return run is not None and run.is_live()
    return False


def _nothing(logs: Logs) -> Finding:
    """Return that nothing is there to show, and of which run it is a part, if of any."""
    if names := _text_logs(logs):
        return Finding(
            level="warning",
            name="no-event-files",
            where=str(logs.top),
            what=f"there are no event files, but logs as text: {few(names)}",
            why="TensorBoard shows event files only; tbcli reads both",
            fix=rewritten(logs.top),
        )
    near = _owner(logs.top.absolute())
    return Finding(
        level="error",
        name="no-event-files",
        where=str(logs.top),
        what="there are no event files below it" + (f"; those of its run are below {near}" if near else ""),
        why="TensorBoard says 'No dashboards are active', whatever the reason",
        fix=command("tensorboard", "--logdir", near)
        if near
        else "name a directory that holds event files; `tbcli train` makes a run with some",
    )


def _text_logs(logs: Logs) -> list[str]:
    """Return which of the first tables are training logs indeed."""
    from tbcli.readers.text_logs import read_text_logs

    tables = logs.found.tables[:_MOST_TABLES]
    return list(dict.fromkeys(log.file.path for log in read_text_logs(tables, [], is_named=logs.found.is_file)))


def _owner(top: Path) -> Path | None:
    """Return the run that a directory is a part of, as its ``plugins`` or ``checkpoints``, where it has event files."""
    for above in list(top.parents)[:_PARENTS]:
        parts = [above, *(above / name for name in _folders(above) if _is_split(name))]
        if any(map(_has_events, parts)):
            return above
    return None


def _wrong_level(logs: Logs) -> Iterator[Finding]:
    """Yield that the directory is a part of a run, or holds the log directory."""
    runs = {file.run for file in logs.found.files}
    top = logs.top.absolute()
    beside = [name for name in _folders(top.parent) if name != top.name and _is_split(name)]
    if "." in runs and _is_split(top.name) and any(_has_events(top.parent / name) for name in beside):
        yield Finding(
            level="warning",
            name="wrong-level",
            where=str(logs.top),
            what=f"it is one part of a run: {few([f'{name}/' for name in sorted(beside)])} lies beside it",
            why="its curves are shown alone, under the name '.', and HParams finds no metrics",
            fix=command("tensorboard", "--logdir", top.parent.parent if _is_run(top.parent) else top.parent),
        )
    below = _root_of_ours(logs) if logs.is_ours else _root_of_others(runs)
    if below:
        yield Finding(
            level="warning" if logs.is_ours else "note",
            name="wrong-level",
            where=str(logs.top),
            what=f"all runs lie below {below}/ in it",
            why=f"every run is shown as '{below}/...', and each reload walks through all else that is here",
            fix=command("tensorboard", "--logdir", logs.top / below),
        )


def _root_of_ours(logs: Logs) -> str:
    """Return the directory below which all runs of ours lie; ``""`` for the log directory, or for several."""
    roots = {run.parent for run in logs.tree.runs}
    root = roots.pop()
    is_below = not roots and root.is_relative_to(logs.top) and root != logs.top
    return str(root.relative_to(logs.top)) if is_below and logs.top not in logs.tree.runs else ""


def _root_of_others(runs: Iterable[str]) -> str:
    """Return the directory below which several runs lie, all there are; ``""`` for the log directory itself."""
    owners = {_without_split(run) for run in runs}
    common = os.path.commonpath(owners) if len(owners) > 1 else ""
    return "" if common in owners else common


def _folders(path: Path) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _has_events(path: Path) -> bool:
    try:
        return any("tfevents" in name for name in os.listdir(path))  # noqa: PTH208
    except OSError:
        return False


def _is_run(path: Path) -> bool:
    return is_plain_file(path / "run.json")


def _is_split(name: str) -> bool:
    return name.lower() in SPLITS


def _without_split(run: str) -> str:
    parent, _, name = run.rpartition("/")
    return (parent or ".") if _is_split(name) else run


def _links(logs: Logs) -> Iterator[Finding]:
    top = logs.top.resolve()
    for link in logs.tree.links:
        try:
            target = link.resolve()
        except (OSError, RuntimeError):
            continue
        if link.parent.resolve().is_relative_to(target) or top.is_relative_to(target):
            yield Finding(
                level="warning",
                name="link-to-parent",
                where=str(link),
                what=f"the symbolic link leads to {target}, which holds it",
                why="TensorBoard's slow reader follows it round and round: it lists the same runs 40 times",
                fix=command("unlink", link),  # which removes no more than a name
            )


def _in_place_of_directories(logs: Logs) -> Iterator[Finding]:
    """Yield what stands where the directory of a part of a run should; of runs of ours `check_kept` tells it."""
    for path in logs.tree.odd:
        if not _is_run(path.parent):
            yield Finding(
                level="warning",
                name="not-a-directory",
                where=str(path),
                what="it is no directory, but a pipe, a socket or a device",
                why="what belongs there is missing, and a program that opens it may wait for ever",
                fix=set_aside(path),
            )


def _traces(logs: Logs) -> Iterator[Finding]:
    from tbcli.doctor.packages import Packages

    packages = Packages() if logs.tree.traces else None
    if packages and not any(map(packages.version, ("xprof", "tensorboard-plugin-profile", "tbp-nightly"))):
        yield Finding(
            level="note",
            name="profile-plugin-missing",
            where=str(logs.tree.traces[0]),
            what="there is a trace of the profiler, but not the plugin that shows it",
            why="TensorBoard has no Profile tab without it",
            fix=pip("install", "xprof"),
        )


def _empty(logs: Logs) -> Iterator[Finding]:
    """Yield directories with event files of which none holds anything."""
    files = defaultdict(list)
    projectors = {path.parent for path in logs.tree.projectors}  # an event file makes their directory a run
    for file in logs.found.files:
        files[file.run].append(file)
    for run, mine in files.items():
        if logs.top / run in projectors or not all(map(_holds_nothing, mine)):
            continue
        age = logs.now - max(file.changed for file in mine) / 1e9
        is_fresh = age < _FRESH or _is_of_live_run(logs.top / run)
        yield Finding(
            level="note" if is_fresh else "warning",
            name="nothing-written",
            where=logs.path(run),
            what=f"the event file {Path(mine[-1].name).name} holds nothing yet; it is {max(age, 0):.0f} s old"
            if is_fresh
            else f"the event file {Path(mine[-1].name).name} holds nothing",
            why="a writer may keep values back until it flushes (PyTorch: 120 s)"
            if is_fresh
            else "its writer was never flushed or closed, or nothing was logged; TensorBoard shows an empty run",
            fix=("" if _is_of_live_run(logs.top / run) else "writer.flush()")
            if is_fresh
            else set_aside(*(Path(file.path) for file in mine)),
        )


def _holds_nothing(file: EventFile) -> bool:
    """Say whether an event file is empty, or has nothing but the record that every one begins with."""
    if file.size > _HEADER_BYTES:
        return False
    try:
        data = read_file(file.path)
    except OSError:
        return False
    first = AROUND + int.from_bytes(data[:8], "little")
    return not data or (_VERSION in data and len(data) <= first)


def _damaged(logs: Logs) -> Iterator[Finding]:
    """Yield what the readers could not read."""
    changed = {file.name: file.changed / 1e9 for file in logs.found.files}
    for incident in dict.fromkeys((*logs.found.damage, *logs.content.damage)):
        path = logs.path(incident.path)
        if incident.kind in (damage.EMPTY, damage.WRITERS, damage.TEXT_LOG, damage.VALUES):
            continue  # told elsewhere
        at = f" at byte {incident.offset:,}" if incident.offset else ""
        if incident.kind == damage.UNREADABLE:
            yield Finding(
                level="warning",
                name="not-readable",
                where=path,
                what=f"it {incident.detail}{at}",
                why="what it holds is missing everywhere",
                fix=_made_readable(incident, Path(path)),
            )
        elif incident.kind in (damage.TORN, damage.GROWING) and logs.now - changed.get(incident.path, 0) < _GROWING:
            yield Finding(
                level="note",
                name="still-growing",
                where=path,
                what=f"its last record{at} is not whole yet: it is being written",
                why="the rest comes with the writer's next flush",
            )
        else:
            yield Finding(
                level="warning",
                name="file-damaged",
                where=path,
                what="it is not an event file, though it is called as one: nothing in it is a record"
                if incident.kind == damage.FOREIGN
                else f"damage{at}: {incident.detail}",
                why="its writer was killed, it seems: what it had not written is lost"
                if incident.kind == damage.TORN
                else "TensorBoard's slow reader stops there silently",
                fix=_mending(logs, incident, path),
            )


def _made_readable(incident: damage.Damage, path: Path) -> str:
    """Return what makes a file readable, or sets aside what never will be."""
    if "ermission" in incident.detail:
        return made_readable(path)
    is_file = is_plain_file(path)
    return "copy it from where it is whole: the disk does not give it back" if is_file else set_aside(path)


def _mending(logs: Logs, incident: damage.Damage, path: str) -> str:
    """Return the command that writes a sound copy of a damaged file's run; one that holds nothing is set aside."""
    if incident.kind == damage.FOREIGN:
        return set_aside(Path(path))
    return rewritten(Path(path).parent if is_plain_file(Path(path)) and not logs.found.is_file else path)
