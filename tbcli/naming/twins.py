"""Settings that are recorded twice: as a setting, and once more among the arguments of a script or a function."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tbcli.naming.group_labels import text_of

_ARGUMENTS = "arguments."
_LISTS = ("model.args", "data.args")
_CLOSE = 1e-6  # a hyperparameter may have been a float of 32 bits


def twins_of(rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> dict[str, str]:
    """Return settings that say nothing more, and what says the same.

    That is an argument that has the value of another setting in every run, and a list ``NAME=VALUE`` whose arguments
    stand there one by one; of that ``""``.

    Args:
        rows: The settings of each run.
        keys: Those that vary.
    """
    others = [key for key in keys if not key.startswith(_ARGUMENTS) and key not in _LISTS]
    doubled = {
        key: same
        for key in keys
        if key.startswith(_ARGUMENTS)
        and (same := next((other for other in others if _say_the_same(rows, key, other)), ""))
    }
    return doubled | {key: "" for key in keys if key in _LISTS and all(_is_spelt(row, key) for row in rows)}


def _say_the_same(rows: Sequence[Mapping[str, Any]], one: str, other: str) -> bool:
    return all(_is_same(row.get(one), row.get(other)) for row in rows)


def _is_same(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    if text_of(one).lower() == text_of(other).lower():
        return True
    if isinstance(one, bool) or isinstance(other, bool):
        return False
    try:
        return math.isclose(float(one), float(other), rel_tol=_CLOSE)
    except (ValueError, TypeError, OverflowError):
        return False


def _is_spelt(row: Mapping[str, Any], key: str) -> bool:
    """Say whether each ``NAME=VALUE`` of a list is there as an argument, too."""
    pairs = row.get(key) or ()
    if not isinstance(pairs, (list, tuple)):
        return False
    section = key.partition(".")[0]
    names = [str(pair).partition("=")[0] for pair in pairs]
    return all(f"{_ARGUMENTS}{name}" in row or f"{_ARGUMENTS}{section}.{name}" in row for name in names)
