"""Names as parts of file names."""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 40
_LATIN = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "\N{LATIN SMALL LETTER DOTLESS I}": "i"}
)
"""Letters of the Latin alphabet that Unicode does not take apart into a plain letter and a mark."""


def slug_of(name: str) -> str:
    """Return a name as ``a-z``, ``0-9`` and ``-``, at most 40 characters; ``""`` if none of it can be written so."""
    plain = unicodedata.normalize("NFKD", name).casefold().translate(_LATIN)
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    return re.sub("[^a-z0-9]+", "-", letters).strip("-")[:_LONGEST].rstrip("-")
