"""A server that leaves its terminal: a child process goes on, the parent waits until it answers."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress

from tbcli.serving.notes import log_file, open_privately


def leave_terminal() -> Callable[[], None] | int:
    """Divide this process; must be called before there are threads.

    Returns:
        In the child, what it must call once it answers: from then on it has no terminal, and what it says goes to a
        log. In the parent, after that or after the child's end, the exit code.
    """
    readable, writable = os.pipe()
    child = os.fork()
    if child:
        os.close(writable)
        return _code_of(child, readable)
    os.close(readable)
    os.setsid()

    def ready() -> None:
        _redirect()
        os.write(writable, b"!")
        os.close(writable)

    return ready


def _code_of(child: int, readable: int) -> int:
    """Wait until the child is ready or has ended; a signal to us is one to the child."""
    try:
        answers = os.read(readable, 1)
        return 0 if answers else os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except KeyboardInterrupt:
        with suppress(OSError):
            os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)
        return 0  # as without leaving
    finally:
        os.close(readable)


def _redirect() -> None:
    """Send what is said from now on to a log, and read nothing."""
    null = os.open(os.devnull, os.O_RDWR)
    try:
        log = open_privately(log_file(os.getpid()))
    except (OSError, RuntimeError):  # no room, no home
        log = os.dup(null)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(null)
    os.close(log)
