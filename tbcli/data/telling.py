"""How far the loading of data is, for whoever wants to show it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

SECONDS = 0.2
"""Between two texts, and before the first."""
_TELL: ContextVar[Callable[[str], None]] = ContextVar("tell", default=lambda text: None)


@contextmanager
def progress_to(tell: Callable[[str], None]) -> Iterator[None]:
    """Let a function receive, within this block, texts such as ``Decoding 300 of 5,000 images``."""
    token = _TELL.set(tell)
    try:
        yield
    finally:
        _TELL.reset(token)


def tell_progress(text: str) -> None:
    """Tell what is being done now."""
    _TELL.get()(text)


def progress_counter(text: str, total: int) -> Callable[[int], None]:
    """Return a function that tells a number of things done: not at once, and not too often.

    Args:
        text: With places for both numbers, as ``Decoding {} of {} images``.
        total: How many there are.
    """
    last = time.monotonic()

    def tell(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= SECONDS:
            last = now
            tell_progress(text.format(f"{done:,}", f"{total:,}"))

    return tell
