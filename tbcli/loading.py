"""``package.module:name`` becomes the object it names."""

from __future__ import annotations

import importlib
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
