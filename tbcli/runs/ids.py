"""Run ids: how one is made, how one is recognised."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without 0, o, 1, l, i: ids are read aloud and typed
_LONGEST_SLUG = 40
_ID = re.compile(r"([0-9]{8}-[0-9]{6}-[0-9a-z]{4})(-[a-z0-9-]+)?")
_LATIN = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "\N{LATIN SMALL LETTER DOTLESS I}": "i"}
)
"""Letters of the Latin alphabet that Unicode does not take apart into a plain letter and a mark."""


def new_id(now: datetime, name: str = "") -> str:
    """Return an id that sorts by time (UTC), as ``20261122-235212-k3f9``, or ``20261122-235212-k3f9-first``.

    Args:
        now: When the run started.
        name: Its ``--name``.
    """
    import random

    # From the system's own source, so that a seed set for training does not make ids repeat.
    suffix = "".join(random.SystemRandom().choices(_ALPHABET, k=4))
    slug = slug_of(name)
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{suffix}{f'-{slug}' if slug else ''}"


def slug_of(name: str) -> str:
    """Return a name as ``a-z``, ``0-9`` and ``-``, at most 40 characters; ``""`` if none of it can be written so."""
    plain = unicodedata.normalize("NFKD", name).casefold().translate(_LATIN)
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    return re.sub("[^a-z0-9]+", "-", letters).strip("-")[:_LONGEST_SLUG].rstrip("-")


def looks_like_id(name: str) -> bool:
    """Say whether a directory's name has the form of a run's id."""
    return _ID.fullmatch(name) is not None


def without_slug(run_id: str) -> str:
    """Return the part of an id before the slug, by which the run is found too; anything else unchanged."""
    match = _ID.fullmatch(run_id)
    return match[1] if match else run_id
