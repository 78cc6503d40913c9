"""Short, distinct names for runs and log directories shown together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tbcli.runs.run import LogDirectory, Run


def distinct_names(places: Sequence[Run | LogDirectory]) -> list[str]:
    """Return a name for each place: its own, with as much of the path before it as tells it from all others.

    None is, or lies below, another's, so that ``name/run`` is told from all others too.

    Args:
        places: No two of them the same directory.
    """
    paths = [place.logs.resolve().parts[1:] for place in places]
    longest = max(map(len, paths), default=0)
    counts = [1] * len(places)
    while True:
        names = [_name(*each) for each in zip(places, paths, counts, strict=True)]
        taken = Counter(names)
        unclear = [i for i, name in enumerate(names) if _is_hidden(name, taken)]
        if not any(counts[i] < longest for i in unclear):
            return names
        for i in unclear:
            counts[i] += 1


def _name(place: Run | LogDirectory, path: tuple[str, ...], count: int) -> str:
    if count > 1:
        return "/".join(path[-count:])
    if isinstance(place, Run):
        return place.logs.name if place.is_copy else place.id
    return place.name or "logs"


def _is_hidden(name: str, taken: Mapping[str, int]) -> bool:
    parts = name.split("/")
    return taken[name] > 1 or any("/".join(parts[:count]) in taken for count in range(1, len(parts)))
