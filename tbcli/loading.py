"""How modules are imported: by a name in a text, some not at all, many at once in less time."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def load_object(reference: str) -> Any:
    """Import a module and return one of its names, which may be dotted.

    Args:
        reference: As ``package.module:name``.

    Raises:
        ImportError: The module does not import.
        AttributeError: The module has no such name.
    """
    module, _, name = reference.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


@contextmanager
def hidden(*packages: str) -> Iterator[None]:
    """Let imports of some packages fail as if they were not installed, except of those that are loaded already."""
    absent = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type] # None is how Python marks what cannot be had
    try:
        yield
    finally:
        for name in absent:
            sys.modules.pop(name, None)


@contextmanager
def imports_kept() -> Iterator[None]:
    """Import without looking for garbage among what is imported, now or later: it stays to the end of the process."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
