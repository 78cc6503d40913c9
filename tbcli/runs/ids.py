"""Run ids: how one is made, how one is recognised."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from tbcli.naming.slugs import slug_of

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without 0, o, 1, l, i: ids are read aloud and typed
_ID = re.compile(r"([0-9]{8}-[0-9]{6}-[0-9a-z]{4})(-[a-z0-9-]+)?")


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


def looks_like_id(name: str) -> bool:
    """Say whether a directory's name has the form of a run's id."""
    return _ID.fullmatch(name) is not None


def without_slug(run_id: str) -> str:
    """Return the part of an id before the slug, by which the run is found too; anything else unchanged."""
    match = _ID.fullmatch(run_id)
    return match[1] if match else run_id


def time_in(run_id: str) -> datetime | None:
    """Return when the run of an id was started, None where it is no id."""
    try:
        return datetime.strptime(run_id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
