"""``source/`` of a run: the script that made it, its modules, and git's diff. Written, read and compared only here."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tbcli.errors import NotFound
from tbcli.runs.files import read_file, read_json, write_atomically
from tbcli.runs.run import Run

GIT_DIFF = "git.diff"
_ABOUT = "source.json"


@dataclass(frozen=True, slots=True)
class SourceCode:
    """The code that made a run.

    Args:
        script: Which of the files was run.
        files: Relative path to text.
        commit: What git's HEAD was, ``""`` outside a repository.
        diff: What the working tree had changed since then.
        left_out: Relative path to the reason why a file, or a part of the diff, is not kept.
    """

    script: str
    files: Mapping[str, bytes]
    commit: str = ""
    diff: bytes = b""
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileDifference:
    """How one file of two runs differs.

    Args:
        path: Relative to the script's directory; `GIT_DIFF` for the changes that were not committed.
        status: ``changed``, ``added`` (only the second run has it) or ``removed``.
        lines: A unified diff, without line ends.
    """

    path: str
    status: str
    lines: tuple[str, ...]


def source_directory(run: Run) -> Path:
    """Return where the source of a run is kept."""
    return run.logs / "source"


def write_source(run: Run, source: SourceCode) -> None:
    """Keep the source of a run.

    Raises:
        OSError: It could not be written.
    """
    top = source_directory(run)
    for name, text in {**source.files, GIT_DIFF: source.diff}.items():
        if text or name != GIT_DIFF:
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_bytes(text)
    about = {"script": source.script, "commit": source.commit, "files": sorted(source.files)}
    write_atomically(top / _ABOUT, json.dumps({**about, "left_out": dict(source.left_out)}, indent=2) + "\n")


def read_source(run: Run) -> SourceCode:
    """Return the source of a run.

    Raises:
        NotFound: The run keeps none, or it is damaged.
    """
    top = source_directory(run)
    about = read_json(top / _ABOUT)
    if about is None:
        raise NotFound(f"run {run.label} keeps no source", hint="`tbcli run SCRIPT` keeps the script with each run")
    try:
        files = {str(name): read_file(top / str(name)) for name in about["files"]}
        diff = read_file(top / GIT_DIFF) if (top / GIT_DIFF).exists() else b""
        return SourceCode(str(about["script"]), files, str(about["commit"]), diff, dict(about.get("left_out") or {}))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise NotFound(f"the source of run {run.label} is damaged: {error}", hint=f"it lies in {str(top)!r}") from error


def compare_sources(first: SourceCode, second: SourceCode) -> list[FileDifference]:
    """Return the files that differ, the script before the others, git's diff last.

    Two scripts are compared with each other even if their names differ.
    """
    old, new = dict(first.files), dict(second.files)
    pairs = [(first.script, second.script)]
    pairs += [(name, name) for name in sorted({*old, *new} - {first.script, second.script})]
    found = [_difference(a, b, old.get(a), new.get(b)) for a, b in pairs]
    found.append(_difference(GIT_DIFF, GIT_DIFF, first.diff or None, second.diff or None))
    return [each for each in found if each is not None]


def _difference(a: str, b: str, old: bytes | None, new: bytes | None) -> FileDifference | None:
    if old == new and a == b:
        return None
    status = "added" if old is None else "removed" if new is None else "changed"
    lines = tuple(_unified(a, b, _lines(old), _lines(new)))
    if not lines and a != b:
        lines = (f"--- a/{a}", f"+++ b/{b}")  # renamed
    return FileDifference(b, status, lines)


def _lines(text: bytes | None) -> list[str]:
    return (text or b"").decode(errors="replace").splitlines()


def _unified(a: str, b: str, old: list[str], new: list[str]) -> Iterator[str]:
    return difflib.unified_diff(old, new, f"a/{a}", f"b/{b}", lineterm="")
