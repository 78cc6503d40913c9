"""A command that leaves its terminal: a child process goes on, the parent waits until that has come far enough."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from types import FrameType


def leave_terminal() -> Callable[..., None] | int:
    """Divide this process; must be called before there are threads.

    Returns:
        In the child, what it must call once it needs no terminal any more, with the descriptor of a log: what it says
        from then on goes there, and it reads nothing. Further descriptors are the places of streams besides stdout and
        stderr that lead to the terminal. In the parent, after that or after the child's end, the exit code.
    """
    readable, writable = os.pipe()
    child = os.fork()
    if child:
        os.close(writable)
        return _code_of(child, readable)
    os.close(readable)
    os.setsid()

    def ready(log: int, *streams: int) -> None:
        null = os.open(os.devnull, os.O_RDWR)
        for source, target in ((null, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        for target in streams:
            os.dup2(log, target, inheritable=False)
        os.close(null)
        os.close(log)
        with suppress(BrokenPipeError):  # the parent was killed
            os.write(writable, b"!")
        os.close(writable)

    return ready


def _code_of(child: int, readable: int) -> int:
    """Wait until the child is ready or has ended; a signal to us is one to the child."""

    def forward(number: int, frame: FrameType | None) -> None:
        with suppress(OSError):
            os.kill(child, number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, forward)
    answers = os.read(readable, 1)
    os.close(readable)
    if answers:
        return 0
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code
