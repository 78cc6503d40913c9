"""Numbers in the cells of a table, as they are written: ``0.5``, ``1,5``, ``50%``, ``1,234.5``, ``12 s``."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from tbcli.naming.numerals import THOUSANDS, looks_like_thousands

_MISSING = frozenset(("", "na", "n/a", "none", "null", "-"))
_WITH_UNIT = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(%|[a-zA-Zµμ/]+)")
# A unit that scales what is in front, as k and M do, is none of these.
_UNITS = frozenset(
    (
        "%",
        "s",
        "sec",
        "secs",
        "seconds",
        "ms",
        "us",
        "µs",
        "μs",
        "ns",
        "min",
        "h",
        "it/s",
        "s/it",
        "MB",
        "MiB",
        "GB",
        "GiB",
    )
)
_PERCENT = "%"


def number_in(text: str) -> float | None:
    """Return the number in a cell, NaN for what is none, None for an empty one."""
    text = text.strip()
    if text.lower() in _MISSING:
        return None
    try:
        return float(text)
    except ValueError:
        pass
    if THOUSANDS.fullmatch(text):
        return float(text.replace(",", ""))
    unit = unit_of(text)
    if unit:
        number = float(text.removesuffix(unit))
        return number / 100 if unit == _PERCENT else number
    try:
        return float(text.replace(",", ".")) if text.count(",") == 1 else math.nan
    except ValueError:
        return math.nan


def unit_of(text: str) -> str:
    """Return the unit behind the number in a cell; ``""`` where there is none that is known."""
    found = _WITH_UNIT.fullmatch(text.strip())
    return found[2] if found and found[2] in _UNITS else ""


def is_strange(text: str, value: float | None) -> bool:
    """Say whether a cell holds something, and no number."""
    return value is not None and math.isnan(value) and text.strip().lower().lstrip("+-") != "nan"


def numbers_in(texts: Sequence[str], separator: str) -> tuple[list[float | None], list[bool]]:
    """Return the numbers in cells of one column, and which of them hold something else.

    Where some cells have a unit, those of another one, or of none, are something else. ``1,234`` is a thousand where
    commas separate the cells and all that have a comma look so, else a fraction.
    """
    with_comma = [text.strip() for text in texts if "," in text]
    if separator == "," and with_comma and all(looks_like_thousands(text) for text in with_comma):
        texts = [text.replace(",", "") for text in texts]
    values = [number_in(text) for text in texts]
    strange = [is_strange(text, value) for text, value in zip(texts, values, strict=True)]
    units = [unit_of(text) for text in texts]
    unit = max(sorted(set(units) - {""}), key=units.count, default="")
    if unit:
        mixed = [
            other != unit and bool(value) and math.isfinite(value or 0)
            for other, value in zip(units, values, strict=True)
        ]
        strange = [one or other for one, other in zip(strange, mixed, strict=True)]
    return values, strange
