"""Ctrl-C and SIGTERM: the first stops training at the next safe moment, the second exits at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from tbcli.errors import Interrupted


class Interruption:
    """Handles signals during training, as a context manager; has no effect outside the main thread.

    Outside `deferred` the first signal raises `Interrupted` where the program stands; inside, it waits for `check`.
    A second signal leaves the process at once: the run is then found interrupted by its dead process.

    Args:
        on_second: Called before leaving at once, to give the terminal back.
        what: What is interrupted, in the message.
    """

    def __init__(self, on_second: Callable[[], None] = lambda: None, what: str = "training") -> None:
        self._what = what
        self.signal_number = 0
        self._deferrals = 0
        self._on_second = on_second
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is not threading.main_thread():
            return self  # Python delivers signals to the main thread alone, and only that may ask for them
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # started by nohup
            self._previous[number] = signal.signal(number, self._received)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _received(self, number: int, frame: FrameType | None) -> None:
        if self.signal_number:
            self._on_second()
            os._exit(128 + number)
        self.signal_number = number
        if not self._deferrals:
            self.check()

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Delay the first signal until `check`, so that this block is never interrupted."""
        self._deferrals += 1
        try:
            yield
        finally:
            self._deferrals -= 1

    def check(self) -> None:
        """Raise if a signal was received.

        Raises:
            Interrupted: One was.
        """
        if self.signal_number:
            name = "Ctrl-C" if self.signal_number == signal.SIGINT else signal.Signals(self.signal_number).name
            raise Interrupted(
                self.signal_number,
                f"{self._what} was interrupted by {name}",
                hint="`tbcli runs` lists what was kept",
            )
