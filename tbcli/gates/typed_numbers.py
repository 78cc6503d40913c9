"""Numbers as people write them, and as float32 keeps them."""

from __future__ import annotations

import struct


def parse_number(text: str) -> float | None:
    """Return the number in ``0.98``, ``1e-3`` or ``98%``; None where it is none."""
    percent = text.endswith("%")
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        return None
    return number / 100 if percent else number


def as_logged(wanted: float, actual: float) -> float:
    """Return what a number became if it was logged in the precision of another.

    0.3 in float32 is 0.30000001192092896; a value that float32 represents exactly is compared in float32. Whole numbers
    stay what they are: counts are exact.
    """
    if not isinstance(actual, float) or float(wanted).is_integer() or not _is_float32(actual):
        return wanted
    return in_float32(wanted)


def in_float32(number: float) -> float:
    """Return the float32 next to a number; the number itself where it is too large for one."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", number))[0])
    except OverflowError:
        return number


def _is_float32(number: float) -> bool:
    return in_float32(number) == number
