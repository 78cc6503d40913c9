"""What a training leaves that the system ended: a crash says where it was, and of a kill there is a guess."""

from __future__ import annotations

import faulthandler
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tbcli.runs.files import open_regular, read_file
from tbcli.runs.run import Run

_FILE = "fatal.txt"  # not .log, which is looked at as a log of metrics
_FRAME = re.compile(r'^  File "(?:.*/)?([^"/]*)", line (\d+) in (.+)$', re.MULTILINE)


@contextmanager
def crash_kept(run: Run) -> Iterator[None]:
    """Let a crash of this process, such as TensorFlow's abort, write where it was into the run's directory.

    Nothing is left of a process that does not crash. One that has asked Python for the same keeps its own.
    """
    path = run.logs / _FILE
    if faulthandler.is_enabled():
        yield
        return
    try:
        with open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as handle:
            file = os.fdopen(os.dup(handle), "w")
    except OSError:
        yield
        return
    with file:
        faulthandler.enable(file, all_threads=False)
        try:
            yield
        finally:
            faulthandler.disable()
            with suppress(OSError):
                path.unlink()


def how_it_died(run: Run) -> str:
    """Return what is known of the end of a process that wrote no final record."""
    if crash := _crash(run):
        return f"its process {crash}"
    owner = run.owner
    if owner and owner.is_of_another_boot:
        return "its process ended without a final record: the machine has been started anew since"
    return "its process ended without a final record: it was killed, perhaps for lack of memory (`dmesg` may tell)"


def _crash(run: Run) -> str:
    try:
        text = read_file(str(run.logs / _FILE)).decode(errors="replace")
    except OSError:
        return ""
    if not text.startswith("Fatal Python error: "):
        return ""
    what = text.partition("\n")[0].removeprefix("Fatal Python error: ")
    frame = _FRAME.search(text)
    return f"crashed: {what}" + (f", in {frame[3]} ({frame[1]}, line {frame[2]})" if frame else "")
