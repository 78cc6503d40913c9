"""Redraws in place until Ctrl-C, or until there is nothing more to come."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence

from tbcli.cli.output import is_terminal
from tbcli.errors import ConfigError

EVERY_SECONDS = 2.0
_NO_WRAP, _WRAP, _ERASE_BELOW = "\x1b[?7l", "\x1b[?7h", "\x1b[J"


def require_window() -> None:
    """Refuse to watch where nothing can be drawn in place.

    Raises:
        ConfigError: stdout is no terminal, or one that cannot move its cursor.
    """
    if not is_terminal(sys.stdout) or os.environ.get("TERM") == "dumb":
        raise ConfigError(
            "--watch redraws in place, which needs a terminal", hint="leave --watch out; in a script, run it again"
        )


def watch(
    draw: Callable[[], Sequence[str]],
    is_over: Callable[[], bool] = lambda: False,
    *,
    every_seconds: float = EVERY_SECONDS,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Draw until it is over, Ctrl-C or SIGTERM; the last drawing stays.

    Args:
        draw: Returns lines; those that do not fit the window are cut, at the right and at the top.
        is_over: Says before each wait that there will be nothing new.
        every_seconds: From one drawing to the next.
        wait: Lets time pass.
    """
    # A process started with `&` from a script has inherited an ignored SIGINT.
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    height = 0
    try:
        while True:
            over = is_over()
            lines = list(draw())[-(shutil.get_terminal_size().lines - 1) :]
            back = f"\x1b[{height}F" if height else ""
            _write(f"{_NO_WRAP}{back}{_ERASE_BELOW}" + "".join(f"{line}\n" for line in lines) + _WRAP)
            height = len(lines)
            if over:
                return
            wait(every_seconds)
    except KeyboardInterrupt:
        _write("\r\x1b[K")  # the ^C that the terminal has echoed
    finally:
        _write(_WRAP)
        for number, handler in before.items():
            signal.signal(number, handler)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
