"""Signals to the coordinator of a sweep: the first wakes it, the second ends its workers and it at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from tbcli.training.narration import Narrator


class Wakening(Narrator):
    """Hears of signals from `tbcli.training.interruption.Interruption`, in a thread of that.

    Args:
        leave: Called at the second signal, before the process ends.
    """

    def __init__(self, leave: Callable[[str], None]) -> None:
        self._leave = leave
        self._reader, self._writer = os.pipe()
        self.text = ""
        """What to say of the first signal."""

    def fileno(self) -> int:
        """Return what becomes readable with the first signal."""
        return self._reader

    def interrupted(self, text: str) -> None:
        """The first one came."""
        self.text = text
        os.write(self._writer, b"\0")

    def leaving(self, text: str) -> None:
        """The second one came."""
        with suppress(Exception):  # the process ends, whatever cannot be said any more
            self._leave(text)

    def close(self) -> None:
        """No more signals are waited for."""
        os.close(self._reader)
        os.close(self._writer)
