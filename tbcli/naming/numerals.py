"""How numbers are written with commas in them, which logs and tables have in common."""

from __future__ import annotations

import re

THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+\.\d+|[-+]?\d{1,3}(,\d{3}){2,}")
"""``1,234.5`` and ``1,234,567``: the commas can only separate thousands."""
MAYBE_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")
"""``1,234``: a thousand, or a fraction with a decimal comma."""


def looks_like_thousands(text: str) -> bool:
    """Say whether the commas in a number can separate thousands."""
    return bool(THOUSANDS.fullmatch(text) or MAYBE_THOUSANDS.fullmatch(text))
