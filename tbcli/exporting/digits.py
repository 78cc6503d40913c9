"""Numbers as text: the fewest digits that give the recorded number back."""

from __future__ import annotations

import numpy as np

from tbcli.events.columns import Floats

_WHOLE = 2.0**64  # up to there a whole number is written out: a count, and each of its digits is meant
_EXACT = 22  # the highest power of ten that a float64 holds exactly


def shortest(values: Floats) -> list[str]:
    """Return each value with as few digits as give it back.

    Training computes in float32: such a value is written so that reading it as float32 gives it back, ``0.1`` and not
    ``0.10000000149011612``. A value that no float32 holds is written so that reading it as float64 does. Whole numbers
    of up to 64 bits are exact. What is no number is ``nan``, ``inf`` or ``-inf``.

    Args:
        values: Of any magnitude ``[n]``.
    """
    return list(map(repr, rounded(values).tolist()))


def rounded(values: Floats) -> Floats:
    """Return the float64 whose ``repr`` is the shortest text of each value ``[n]``; see `shortest`."""
    result = values.copy()
    with np.errstate(all="ignore"):
        narrow = values.astype(np.float32)
        todo = np.flatnonzero((narrow == values) & ((np.abs(values) > _WHOLE) | (values != np.rint(values))))
        exponents = np.floor(np.log10(np.abs(values[todo]))).astype(np.int64)
    far = (8 - exponents > _EXACT) | (exponents - 5 > _EXACT)
    for place in todo[far].tolist():
        result[place] = float(str(narrow[place]))
    todo, exponents = todo[~far], exponents[~far]
    for digits in (6, 7, 8, 9):  # nine always do
        shift = digits - 1 - exponents
        # A whole number of at most nine digits, times or divided by an exact power of ten: rounded once.
        up, down = 10.0 ** np.maximum(shift, 0), 10.0 ** np.maximum(-shift, 0)
        short = np.rint(values[todo] * up / down) / up * down
        fits = short.astype(np.float32) == narrow[todo]
        result[todo[fits]] = short[fits]
        todo, exponents = todo[~fits], exponents[~fits]
    return result
