"""The source of a program as it is when its first run begins: its files that were imported, and what git says."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from tbcli.runs.source import GIT_DIFF, SourceCode
from tbcli.scripts.program import Program

LARGEST_FILE, LARGEST_SUM, MOST_FILES, LARGEST_DIFF = 1_000_000, 5_000_000, 200, 1_000_000
_GIT_SECONDS = 10.0


def take_source(program: Program) -> SourceCode:
    """Return the script, the modules of its directory that have been imported, and the state of the repository.

    Raises:
        OSError: The program's own file cannot be read.
    """
    script = program.source()
    name = program.relative
    files, left_out = {name: script[:LARGEST_FILE]}, {}
    if len(script) > LARGEST_FILE:
        left_out[name] = f"only the first {LARGEST_FILE} bytes"
    for path in _own_modules(program):
        relative = os.path.relpath(path, program.top)
        try:
            text = Path(path).read_bytes()
        except OSError as error:
            left_out[relative] = error.strerror or str(error)
            continue
        if len(text) > LARGEST_FILE or sum(map(len, files.values())) + len(text) > LARGEST_SUM:
            left_out[relative] = f"{len(text)} bytes are too many"
        elif len(files) >= MOST_FILES:
            left_out[relative] = f"more than {MOST_FILES} files"
        else:
            files.setdefault(relative, text)
    commit = _git(program.directory, "rev-parse", "HEAD").decode(errors="replace").strip()
    diff = _git(program.directory, "diff", "HEAD", "--no-color", "--no-ext-diff", "--no-textconv") if commit else b""
    if len(diff) > LARGEST_DIFF:
        diff, left_out[GIT_DIFF] = diff[:LARGEST_DIFF], f"only the first {LARGEST_DIFF} bytes"
    return SourceCode(name, files, commit, diff, left_out)


def _own_modules(program: Program) -> list[str]:
    """Return the files of imported modules that belong to the program, without the script itself."""
    found = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    script = os.path.realpath(program.file)
    paths = {os.path.realpath(file) for file in found if isinstance(file, str) and program.owns(file)}
    return sorted(paths - {script})


def _git(directory: str, *words: str) -> bytes:
    """Return what git prints, at most a byte more than is kept; nothing where it fails or takes too long."""
    try:
        process = subprocess.Popen(  # noqa: S603 - fixed words
            ["git", "-C", directory, *words],  # noqa: S607 - the user's own git
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except OSError:
        return b""
    alarm = threading.Timer(_GIT_SECONDS, process.kill)
    alarm.start()
    with process:
        assert process.stdout is not None
        text = process.stdout.read(LARGEST_DIFF + 1)
        if len(text) > LARGEST_DIFF:
            process.kill()
            alarm.cancel()
            return text
        code = process.wait()
    alarm.cancel()
    return text if code == 0 else b""
