"""What every setting shares: how a value is read from text, and what is said of one that does not fit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from tbcli.errors import ConfigError


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``"did you mean 'x'?"`` for the closest known word, or the list of known words."""
    from difflib import get_close_matches

    choices = list(known)
    by_letters = {choice.lower(): choice for choice in reversed(choices)}  # of those alike but for case the first
    close = get_close_matches(word, choices, n=1)
    close = close or [by_letters[each] for each in get_close_matches(word.lower(), by_letters, n=1)]
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(choices)}"


def require_choice(key: str, value: str, known: Sequence[str]) -> None:
    """Raise a `ConfigError` unless the value is one of those known."""
    if value not in known:
        raise ConfigError(f"{key} cannot be {value!r}", hint=did_you_mean(value, known))


def require_range(key: str, value: float, least: float, most: float = float("inf"), *, open_ends: bool = False) -> None:
    """Raise a `ConfigError` unless the value lies within its bounds."""
    # `not (a <= b)` rather than `a > b`: NaN must not pass.
    inside = least < value < most if open_ends else least <= value <= most
    if not inside:
        bounds = f"at least {least:g}" if most == float("inf") else f"from {least:g} to {most:g}"
        if open_ends:
            bounds = f"above {least:g}" if most == float("inf") else f"between {least:g} and {most:g}"
        raise ConfigError(
            f"{key} must be {bounds}, got {value!r}", hint=f"`--set {key}=...` with a value in that range"
        )


_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def coerced(key: str, value: object, kind: Any) -> object:
    """Return the value as the setting's type; text comes from the environment and from ``--set``."""
    try:
        if kind is bool:
            if isinstance(value, str) and value.lower() in _TRUE + _FALSE:
                return value.lower() in _TRUE
            if isinstance(value, bool):
                return value
        elif kind is int:
            if isinstance(value, (int, str)) and not isinstance(value, bool):
                return int(value)
        elif kind is float:
            if isinstance(value, (int, float, str)) and not isinstance(value, bool) and math.isfinite(float(value)):
                return float(value)
        elif kind is str:
            if isinstance(value, (str, int)) and not isinstance(value, bool):
                str(value).encode()  # bytes of the command line that are no UTF-8 could not be written down
                return str(value)
        elif isinstance(value, (str, list, tuple)):
            parts = value.split(",") if isinstance(value, str) else value
            if all(isinstance(part, str) for part in parts):
                return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
    except (ValueError, OverflowError):
        pass
    wanted = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}.get(
        kind, "a list of words"
    )
    raise ConfigError(f"{key} must be {wanted}, got {value!r}", hint=f"`--set {key}=...` with {wanted}")
