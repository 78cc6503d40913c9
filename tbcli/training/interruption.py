"""Ctrl-C, SIGTERM and SIGHUP: the first ends the work at the next safe point, the second ends the process."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from tbcli.errors import Interrupted
from tbcli.training.narration import Narrator

_SAME_SECONDS = 0.2  # a closed terminal and its shell, `timeout` and a supervisor, each send theirs
_ACTIVE: list[Interruption] = []


class Interruption:
    """Handles signals during training, as a context manager; has no effect outside the main thread.

    Nothing is ever raised where the program stands, which may be inside a library: `check` raises, at safe points. A
    thread tells of the first signal at once and leaves at the second, whatever the main thread is doing.

    Args:
        narrator: Told of both.
        what: What is interrupted, in the message.
    """

    def __init__(self, narrator: Narrator | None = None, what: str = "training") -> None:
        self._narrator = narrator or Narrator()
        self._what = what
        self.began = time.monotonic()
        """When the work began, of which `train.max_time` is counted."""
        self.signal_number = 0
        self.what_is_lost: Callable[[], str] = lambda: "nothing was kept"
        """Says what leaving at once loses at most."""
        self.tell_at_once = ""
        """What another thread has to say: the next check tells it."""
        self._leaves = threading.Lock()
        self._came_at = 0.0
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is not threading.main_thread():
            return self  # Python delivers signals to the main thread alone, and only that may ask for them
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._woken_before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # started by nohup
            self._previous[number] = signal.signal(number, self._received)
        self._watcher = threading.Thread(target=self._watch, name="tbcli-signals", daemon=True)
        self._watcher.start()
        _ACTIVE.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        if not self._previous:
            return
        self._give_back()
        os.write(self._writer, b"\0")
        self._watcher.join()
        os.close(self._reader)
        os.close(self._writer)

    def _give_back(self) -> None:
        """Set handlers as they were."""
        _ACTIVE.remove(self)
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        with suppress(ValueError):  # whose it was has closed it since
            signal.set_wakeup_fd(self._woken_before)

    def _received(self, number: int, frame: FrameType | None) -> None:
        is_second, self.signal_number = bool(self.signal_number), self.signal_number or number
        if is_second and not self._is_same(number):
            self._leave(number)

    def _watch(self) -> None:
        first = 0
        while number := os.read(self._reader, 1)[0]:
            if number not in self._previous:
                continue  # a signal that somebody else handles
            if first and not self._is_same(number):
                self._leave(number)
            if not first:
                first, self._came_at = number, time.monotonic()
                with suppress(Exception):  # a narrator that fails must not make us deaf for the second signal
                    self._narrator.interrupted(
                        f"{_name_of(number)} received: stopping at the next safe point; a second one leaves at once"
                    )

    def _is_same(self, number: int) -> bool:
        """Return whether a further signal is the first one, sent by two: never that of an impatient person."""
        if number == signal.SIGINT or number != self.signal_number:
            return False
        return not self._came_at or time.monotonic() - self._came_at < _SAME_SECONDS

    def _leave(self, number: int) -> None:
        if not self._leaves.acquire(blocking=False):
            time.sleep(60)  # until the other thread has left
        try:
            self._narrator.leaving(f"{_name_of(number)} again: left at once, {self.what_is_lost()}")
        finally:
            os._exit(128 + number)

    def check(self) -> None:
        """Raise if a signal was received, or if the narrator does.

        Raises:
            Interrupted: A signal was received.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        if text := self.tell_at_once:
            self.tell_at_once = ""
            self._narrator.warn(text)
        self._narrator.safe_point()
        if self.signal_number:
            raise Interrupted(
                self.signal_number,
                f"{self._what} was interrupted by {_name_of(self.signal_number)}",
                hint="nothing was kept: run the same command again",
            )

    def checked(self, tell: Callable[[str], None]) -> Callable[[str], None]:
        """Return a function that tells a text and then checks: where progress is told is a safe point."""

        def tell_and_check(text: str) -> None:
            tell(text)
            self.check()

        return tell_and_check

    @contextmanager
    def checked_imports(self) -> Iterator[None]:
        """Check before each module that is imported: TensorFlow takes seconds, which a signal would have to wait for.

        Only for a process that does without what is imported by halves.
        """
        finder = _Finder(self.check)
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            sys.meta_path.remove(finder)
        self.check()


def check_signals() -> None:
    """Raise if a signal was received by whatever handles signals now.

    Raises:
        Interrupted: One was.
    """
    for each in _ACTIVE:
        each.check()


class _Finder:
    """Finds no module; asks whether another one should be looked for."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        self._check()


def _name_of(number: int) -> str:
    return "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name


def _forget_in_child() -> None:
    """Let a forked process, such as a worker of the user's data, take signals as if nobody had handled them."""
    for each in _ACTIVE:
        with suppress(ValueError):  # forked by another thread than the main one
            each._give_back()


os.register_at_fork(after_in_child=_forget_in_child)
