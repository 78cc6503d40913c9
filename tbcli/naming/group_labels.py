"""What a group of runs is called that share their settings and differ in their seed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

ALL_SEEDS = "all seeds"
"""The only group, where no setting varies."""
_LARGEST_WHOLE = 1e15  # above it floats do not tell one whole number from the next


def group_label(settings: Mapping[str, Any]) -> str:
    """Return the settings that vary and their values, as ``learning_rate=0.01, batch_size=64``.

    Args:
        settings: By key, as ``train.learning_rate``; without those that all groups share, and without the seed.
    """
    parts = [f"{key.rpartition('.')[2]}={text_of(value) or repr(value)}" for key, value in settings.items()]
    return ", ".join(parts) or ALL_SEEDS


def text_of(value: Any) -> str:
    """Return a setting as text; hyperparameters are floats in event files, whole ones are shown as such."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST_WHOLE:
        value = int(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
