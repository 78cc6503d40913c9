"""What lies in a log directory, by its file names alone: is there anything to show, and who must read it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECTOR_CONFIG = "projector_config.pbtxt"
MOST_CONFIG_BYTES = 1 << 20
"""Size of the largest projector configuration that is read."""

_PARTS_OF_A_RUN = ("train", "validation", "val", "valid", "test", "eval")
_PARENTS, _DEPTH, _MOST_DIRECTORIES = 2, 4, 2000  # how far to look for runs elsewhere


@dataclass(frozen=True, slots=True)
class Survey:
    """What a walk over log directories found."""

    has_events: bool
    empty: tuple[Path, ...]  # directories without any event file, or missing
    checkpoint: Path | None  # a file that makes TensorBoard read embeddings from a TensorFlow checkpoint
    event_bytes: int = 0  # of all event files together


def survey(directories: Sequence[Path]) -> Survey:
    """Walk the directories, links not followed."""
    empty: list[Path] = []
    checkpoint: Path | None = None
    event_bytes = 0
    for top in directories:
        has_events = False
        for directory, _, files in os.walk(top):
            events = [name for name in files if "tfevents" in name]
            has_events = has_events or bool(events)
            event_bytes += sum(_size(Path(directory, name)) for name in events)
            checkpoint = checkpoint or _checkpoint_among(directory, files)
        if not has_events:
            empty.append(top)
    return Survey(len(empty) < len(directories), tuple(empty), checkpoint, event_bytes)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # removed meanwhile, or a link to nowhere
        return 0


def _checkpoint_among(directory: str, files: Sequence[str]) -> Path | None:
    """Return the file by which TensorBoard's projector would find a TensorFlow checkpoint in this directory."""
    if "checkpoint" in files:
        return Path(directory, "checkpoint")
    if PROJECTOR_CONFIG in files:
        config = Path(directory, PROJECTOR_CONFIG)
        try:
            if config.is_file() and config.stat().st_size <= MOST_CONFIG_BYTES:
                return config if "model_checkpoint_path" in config.read_text(errors="replace") else None
        except OSError:
            return None
    return None


def nearest_runs(logdir: Path) -> Path | None:
    """Return the nearest other log directory that holds runs or event files, or None.

    Looks below the directory's parent, then below the parent of that; bounded, so that an answer takes a moment.
    """
    start = logdir.absolute().parent
    left = [_MOST_DIRECTORIES]
    for base in [start, *start.parents][: _PARENTS + 1]:
        if base == Path(base.anchor):
            break
        for directory, files in _breadth_first(base, left):
            if "run.json" in files:
                return directory.parent
            if any("tfevents" in name for name in files):
                run = directory.parent if directory.name in _PARTS_OF_A_RUN and directory != base else directory
                return run if run.parent == base or run == base else run.parent
    return None


def _breadth_first(base: Path, left: list[int]) -> Iterator[tuple[Path, list[str]]]:
    """Yield directories with their file names, the shallow ones first; `left` counts down over several calls."""
    level = [base]
    for _ in range(_DEPTH):
        below: list[Path] = []
        for directory in level:
            if left[0] <= 0:
                return
            left[0] -= 1
            files, folders = _listed(directory)
            yield directory, files
            below += [directory / name for name in folders]
        level = below


def _listed(directory: Path) -> tuple[list[str], list[str]]:
    files, folders = [], []
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    files.append(entry.name)
                elif not entry.name.startswith(".") and entry.name != "node_modules":
                    folders.append(entry.name)
    except OSError:
        pass  # not ours to read
    return files, sorted(folders)
