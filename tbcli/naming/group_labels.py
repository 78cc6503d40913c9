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


def session_group(facts: Mapping[str, Any]) -> str:
    """Return the group of a trial that differs from others in its seed alone, ``""`` for any other run.

    TensorBoard makes one row of HParams of the sessions of a group, with the means of their metrics.

    Args:
        facts: What the run's record says.
    """
    sweep = facts.get("sweep")
    is_one_of_several = isinstance(sweep, Mapping) and sweep.get("seed") is not None
    return f"{sweep['name']}: {group_label(sweep['params'])}" if is_one_of_several and sweep else ""


def session_alone(facts: Mapping[str, Any]) -> str:
    """Return the group of a trial that has not finished, whose metrics belong into no mean, ``""`` for any other run.

    It takes as many bytes as the group to which the trial belongs once it has, so that this can be written over it.

    Args:
        facts: What the run's record says.
    """
    group = session_group(facts).encode()
    own = f"{facts['sweep']['name']}-{facts['sweep']['trial']}".encode() if group else b""
    return own.ljust(len(group))[: len(group)].decode(errors="replace")


def text_of(value: Any) -> str:
    """Return a setting as text; hyperparameters are floats in event files, whole ones are shown as such."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST_WHOLE:
        value = int(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
