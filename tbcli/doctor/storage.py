"""Room, inodes and rights where runs are kept, and whether a file system elsewhere has another clock."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from tbcli.doctor.findings import Finding
from tbcli.doctor.system import System, command
from tbcli.runs.references import is_directory

_FULL, _LOW = 100_000_000, 1_000_000_000  # bytes
_WORTH_PURGING = 1_000_000  # bytes
_FEW_INODES, _NO_INODES = 10_000, 500
_REMOTE = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "lustre", "ceph", "glusterfs", "beegfs", "gpfs", "afs", "fuse")
_MOST_SKEW = 2.0  # seconds
_SPARE_FILES = 64  # descriptors that TensorBoard and its reader need besides logs


class _Place(NamedTuple):
    """A file system in which some of our directories lie, or will."""

    names: list[str]
    path: Path  # an existing directory
    free: int
    total: int
    inodes: int | None
    is_writable: bool
    kind: str


def check_storage(
    system: System, places: Mapping[str, Path], trash: int = 0
) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Return facts about the file systems of some directories, and what is wrong with them.

    Args:
        system: What is asked.
        places: ``{name: directory}``, which need not exist.
        trash: Bytes in the trash, which lies beside the logs.
    """
    found = _places(system, places)
    facts = [
        {"names": each.names, "path": str(each.path), "free": each.free, "total": each.total, "inodes": each.inodes,
         "writable": each.is_writable, "filesystem": each.kind}
        for each in found
    ]  # fmt: skip
    findings = [finding for each in found for finding in _findings_of(each, trash)]
    return facts, [*findings, *_clock_findings(system)]


def _places(system: System, places: Mapping[str, Path]) -> list[_Place]:
    found: dict[tuple[int, bool], _Place] = {}
    mounts = _mounts(system)
    for name, wanted in places.items():
        path = wanted.absolute()
        while not is_directory(path) and path != path.parent:
            path = path.parent
        try:
            room, device = os.statvfs(path), path.stat().st_dev
        except OSError:
            continue
        is_writable = os.access(path, os.W_OK | os.X_OK)
        known = found.get((device, is_writable))
        if known:
            known.names.append(name)
            continue
        inodes = room.f_favail if room.f_files else None  # some file systems make them as needed
        free, total = room.f_bavail * room.f_frsize, room.f_blocks * room.f_frsize
        found[device, is_writable] = _Place([name], path, free, total, inodes, is_writable, _kind_of(path, mounts))
    return list(found.values())


def _mounts(system: System) -> dict[str, str]:
    """Return ``{mount point: type of its file system}`` (proc(5), mountinfo)."""
    found = {}
    for line in system.text("/proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        words, kinds = before.split(), after.split()
        if len(words) > 4 and kinds:
            found[words[4].replace("\\040", " ")] = kinds[0]
    return found


def _kind_of(path: Path, mounts: Mapping[str, str]) -> str:
    with suppress(OSError, RuntimeError):
        path = path.resolve()
    return next((mounts[str(each)] for each in (path, *path.parents) if str(each) in mounts), "")


def _findings_of(place: _Place, trash: int) -> Iterator[Finding]:
    names, where = " and ".join(place.names), str(place.path)
    has_trash = "logs" in place.names and trash > _WORTH_PURGING
    if not place.is_writable:
        yield Finding(
            level="error" if names != "cache" else "note",
            name="not-writable",
            where=where,
            what=f"{where} ({names}) cannot be written by this user",
            why="a training cannot keep its run there" if names != "cache" else "large logs are read anew each time",
            fix="tbcli train --workspace DIR" if names != "cache" else "export XDG_CACHE_HOME=DIR",
        )
    if place.free < _LOW:
        yield Finding(
            level="error" if place.free < _FULL else "warning",
            name="disk-almost-full",
            where=where,
            what=f"{place.free / 1e6:,.0f} MB are free for {names}"
            + (f"; the trash holds {trash / 1e6:,.0f} MB" if has_trash else ""),
            why="on a full disk recording stops, and a model may not be saved",
            fix="tbcli clean --purge" if has_trash else _what_is_big(["du", "-xk", "-d", "3"], where),
        )
    if place.inodes is not None and place.inodes < _FEW_INODES:
        yield Finding(
            level="error" if place.inodes < _NO_INODES else "warning",
            name="inodes-almost-used-up",
            where=where,
            what=f"{place.inodes:,} more files can be made for {names}",
            why="without inodes no file can be made although there is room: the disk counts as full",
            fix=_what_is_big(["du", "--inodes", "-x", "-d", "3"], where),
        )
    if place.is_writable and place.kind.partition(".")[0] in _REMOTE:
        skew = _skew_of(place.path)
        if skew is not None and abs(skew) > _MOST_SKEW:
            ahead = "ahead of" if skew > 0 else "behind"
            yield Finding(
                level="warning",
                name="filesystem-clock",
                where=where,
                what=f"the clock of the {place.kind} file system of {names} is {abs(skew):.0f} s {ahead} this one's",
                why="ages of runs, and whether one still trains, are told by the times of files",
                fix="timedatectl set-ntp true",
            )


def _what_is_big(counting: list[str], where: str) -> str:
    """Return how to find what to free; what is not ours nobody but the user may remove."""
    lists = f"`{command(*counting, where)} | sort -n | tail`"
    return f"{lists} lists what is largest: move or clean that, or use `--workspace DIR` on another disk"


def _skew_of(directory: Path) -> float | None:
    """Return by how many seconds a file made now is too new; None where none can be made."""
    import time

    try:
        with tempfile.TemporaryFile(dir=directory, prefix=".tbcli-clock-") as file:
            before = time.time()
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
            after = time.time()
            changed = os.fstat(file.fileno()).st_mtime
    except OSError:
        return None
    return changed - after if changed > after else min(0.0, changed - before)


def _clock_findings(system: System) -> Iterator[Finding]:
    """Yield that the clock stands before the time at which tbcli was installed."""
    try:
        installed = Path(__file__).stat().st_mtime
    except OSError:
        return
    if system.now < installed - 86_400:
        yield Finding(
            level="warning",
            name="clock-set-back",
            what=f"the clock stands {(installed - system.now) / 86_400:,.0f} days before tbcli was installed",
            why="runs are named and sorted by time, and `clean --older-than` goes by it",
            fix="timedatectl set-ntp true",
        )


def check_temporary() -> Iterator[Finding]:
    """Yield what is wrong with the directory of temporary files."""
    try:
        place = tempfile.gettempdir()
    except OSError:
        yield Finding(
            level="error",
            name="no-temporary-directory",
            what="there is no directory for temporary files that can be written",
            why="`serve` and conversions of models need one",
            fix="export TMPDIR=DIR",
        )
        return
    try:
        room = os.statvfs(place)
    except OSError:
        return
    free = room.f_bavail * room.f_frsize
    if free < _FULL:
        yield Finding(
            level="warning",
            name="temporary-directory-full",
            where=place,
            what=f"{free / 1e6:,.0f} MB are free in {place}",
            why="`serve` and conversions of models need room for temporary files",
            fix="export TMPDIR=DIR, a directory on a disk with room",
        )


def check_open_files(event_files: int) -> tuple[dict[str, int], list[Finding]]:
    """Return the limits of open files, and whether TensorBoard's fast reader gets by with them.

    Args:
        event_files: How many it would hold open.
    """
    import resource

    soft, hard = (sys.maxsize if limit == resource.RLIM_INFINITY else limit
                  for limit in resource.getrlimit(resource.RLIMIT_NOFILE))  # fmt: skip
    findings = []
    if event_files + _SPARE_FILES > hard:
        findings.append(
            Finding(
                level="warning",
                name="open-files-limit",
                what=f"{event_files:,} event files, but a process may hold {hard:,} files open",
                why="TensorBoard's fast reader holds each one open, and ends where it may not",
                fix="tbcli serve --load-fast false",
            )
        )
    elif event_files + _SPARE_FILES > soft:
        findings.append(
            Finding(
                level="note",
                name="open-files-limit",
                what=f"{event_files:,} event files; `tensorboard` may hold {soft:,} files open (`ulimit -n`)",
                why="its fast reader ends where it may not open another; `tbcli serve` raises the limit itself",
                fix=f"ulimit -n {min(hard, 2 * event_files + _SPARE_FILES)}",
            )
        )
    return {"soft": soft, "hard": hard}, findings
