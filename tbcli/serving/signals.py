"""Ctrl-C, SIGTERM and a closed terminal end serving cleanly, however the process was started."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from types import FrameType, TracebackType

_STOPPING = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """Leaves the work that a signal found under way; never seen outside `StopSignals`."""


class StopSignals:
    """A block that a stop signal leaves quietly, with everything inside it cleaned up.

    Handlers of our own, because a process started with ``&`` by a script inherits an ignored SIGINT. Before `wait` a
    signal raises inside the block, so that loading ends at once; during `wait` and the clean-up it is only noted. Must
    be entered in the main thread.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        """The first signal that came, if one came."""
        self._interrupts = True
        self._previous: dict[int, object] = {}

    def __enter__(self) -> StopSignals:
        # A pipe, for a signal that comes just before we sleep must not be missed, and locks are not safe in a handler.
        self._reader, self._writer = os.pipe()
        numbers = [*_STOPPING]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup wants us to outlive the terminal
            numbers.append(signal.SIGHUP)
        self._previous = {number: signal.signal(number, self._note) for number in numbers}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type] # what signal() itself returned
        os.close(self._reader)
        os.close(self._writer)
        return isinstance(error, Stopped)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.received = self.received or number
        os.write(self._writer, b"!")
        if self._interrupts:
            self._interrupts = False
            raise Stopped

    def wait(self, check: Callable[[], None], *, every_seconds: float = 1.0) -> None:
        """Sleep until a signal comes; call `check` now and then, which raises when there is nothing to wait for."""
        self._interrupts = False
        while not select.select([self._reader], [], [], every_seconds)[0]:
            check()
