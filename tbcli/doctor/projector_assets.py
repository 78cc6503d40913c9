"""Findings about projector configurations: files that are missing or elsewhere, rows that do not match."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from tbcli.doctor.examined_logs import Logs
from tbcli.doctor.findings import Finding, at_most
from tbcli.doctor.system import command, is_plain_file, set_aside
from tbcli.runs.files import read_file

_SAID = re.compile(
    r'\b(tensor_path|metadata_path|bookmarks_path|image_path|model_checkpoint_path)\s*:\s*(?:"((?:[^"\\]|\\.)*)"'
    r"|'((?:[^'\\]|\\.)*)')"
)
_EMBEDDING = re.compile(r"\bembeddings\s*:?\s*\{")
_CONFIG = "projector_config.pbtxt"
_MOST_COUNTED = 64 << 20  # bytes of a table whose rows are counted


def check_projectors(logs: Logs) -> Iterator[Finding]:
    """Yield what the projector will not show."""
    paths = logs.tree.projectors
    if logs.is_part:  # of very many only those of the runs that are looked at
        looked_at = {logs.top / file.run for file in logs.files}
        paths = [path for path in paths if path.parent in looked_at]
    yield from at_most(finding for path in paths for finding in _check(logs, path))


def _check(logs: Logs, path: Path) -> Iterator[Finding]:
    from tbcli.serving.projector_files import describe_asset_problem

    try:
        text = read_file(path).decode(errors="replace")
    except OSError:
        text = ""
    text = re.sub(r"(?m)^\s*#.*$", "", text)
    if not _has_run(logs, path.parent):
        yield Finding(
            level="warning",
            name="projector-without-run",
            where=str(path),
            what="no event file lies beside the projector's configuration",
            why="TensorBoard looks for configurations in the directories of runs only: the tab stays empty",
            fix=_into_a_run(logs, path.parent),
        )
    for found in _SAID.finditer(text):
        field, said = found[1], re.sub(r"\\(.)", r"\1", found[2] if found[2] is not None else found[3])
        problem = "" if field == "model_checkpoint_path" else describe_asset_problem(path.parent, said)
        if field == "model_checkpoint_path" and not _is_checkpoint_inside(path.parent, said):
            problem = "lies outside of its directory, or is missing"
        if problem:
            yield Finding(
                level="warning",
                name="projector-asset",
                where=str(path),
                what=f"{field} {said!r} {problem}",
                why="TensorBoard leaves it out: vectors without labels, or no vectors at all",
                fix=_into_place(path, said),
            )
    yield from _rows(path, text)


def _into_a_run(logs: Logs, directory: Path) -> str:
    """Return the command that copies a configuration and its files beside an event file, and sets the first aside."""
    run = next((logs.path(file.run) for file in logs.found.files), "")
    if not run:
        return command("tbcli", "train")
    return f"{command('cp', '-rn', f'{directory}/.', Path(run))}/ && {set_aside(directory / _CONFIG)}"


def _into_place(config: Path, said: str) -> str:
    """Return what brings a file that a configuration names beside it: a command where the file is there."""
    source, name = config.parent / said, Path(said).name
    if not is_plain_file(source) or "#" in said:
        return f"put {name} into {config.parent}, and name it in {config.name} by that alone"
    rename = command("sed", "-i", f"s#{re.escape(said)}#{name}#", config)
    return f"{command('cp', source, config.parent)}/ && {rename}"


def _has_run(logs: Logs, directory: Path) -> bool:
    if directory == logs.top:
        return True
    assets = Path("plugins", "org_tensorflow_tensorboard_projector")
    places = [directory, *([directory.parent.parent] if directory.match(str(Path("*") / assets)) else [])]
    try:
        return any("tfevents" in name for place in places for name in os.listdir(place))  # noqa: PTH208
    except OSError:
        return False


def _is_checkpoint_inside(directory: Path, said: str) -> bool:
    prefix = directory / said
    try:
        is_inside = prefix.parent.resolve().is_relative_to(directory.resolve())
        return is_inside and any(name.startswith(prefix.name) for name in os.listdir(prefix.parent))  # noqa: PTH208
    except (OSError, RuntimeError, ValueError):
        return False


def _rows(path: Path, text: str) -> Iterator[Finding]:
    """Yield embeddings whose labels are not as many as their vectors."""
    starts = [found.end() for found in _EMBEDDING.finditer(text)]
    for start, end in pairwise([*starts, len(text)]):
        said = {found[1]: found[2] or found[3] for found in _SAID.finditer(text, start, end)}
        vectors, labels = (_count(path.parent, said.get(key, "")) for key in ("tensor_path", "metadata_path"))
        if vectors is None or labels is None:
            continue
        rows, columns = labels
        expected = rows - 1 if columns > 1 else rows  # of several columns the first row names them
        if expected != vectors[0]:
            yield Finding(
                level="warning",
                name="projector-rows",
                where=str(path),
                what=f"{said['metadata_path']!r} labels {expected:,} points, "
                f"{said['tensor_path']!r} holds {vectors[0]:,}",
                why="labels stand beside the wrong points, or some have none"
                + (": a header is read only where there are two columns or more." if columns == 1 else ""),
                fix=command("wc", "-l", path.parent / said["tensor_path"], path.parent / said["metadata_path"]),
            )


def _count(directory: Path, said: str) -> tuple[int, int] | None:
    """Return rows and columns of a table of text; None where it cannot be counted."""
    path = directory / said
    try:
        if not said.endswith(".tsv") or not is_plain_file(path) or path.stat().st_size > _MOST_COUNTED:
            return None
        lines = [line for line in read_file(path).split(b"\n") if line.strip(b"\r")]
    except (OSError, ValueError):
        return None
    return len(lines), lines[0].count(b"\t") + 1 if lines else 1
