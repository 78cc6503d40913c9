"""How many points of a series TensorBoard keeps: all that the runs hold, up to a cap; what is more is said.

TensorBoard itself keeps 10 pictures and 1,000 numbers of a series, at random, and says nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tbcli.naming.shortening import few

Samples = Mapping[str, int]
"""Points kept of a series, by plugin."""

_MOST_BYTES = 1 << 30  # of event files, up to which all of their content may be kept in memory
_FEW: Samples = {"scalars": 10_000, "histograms": 500, "pr_curves": 500, "text": 500, "images": 1000, "audio": 1000,
                 "mesh": 100}  # fmt: skip
_MANY: Samples = {"scalars": 2000, "histograms": 100, "pr_curves": 100, "text": 100, "images": 50, "audio": 50,
                  "mesh": 10}  # fmt: skip


class Thinned(NamedTuple):
    """A series of which TensorBoard shows a part."""

    run: str
    tag: str
    plugin: str
    points: int


def settle_samples(event_bytes: int) -> Samples:
    """Return how many points of a series to keep where the event files together have so many bytes."""
    return _FEW if event_bytes <= _MOST_BYTES else _MANY


def find_thinned(places: Iterable[tuple[str, Path]], samples: Samples) -> list[Thinned]:
    """Return the series that hold more than is kept.

    Args:
        places: Name and path of log directories; the name is ``"."`` for one that is served as it is.
        samples: From `settle_samples`.
    """
    from tbcli.readers import open_logdir

    found = []
    for name, path in places:
        if path.is_dir():
            for run, tag, plugin, count in _counted(open_logdir(path, text_logs=False)):
                if count > samples.get(plugin, count):
                    shown = os.path.normpath(os.path.join(name, run))  # noqa: PTH118 - as TensorBoard names it
                    found.append(Thinned(shown, tag, plugin, count))
    return found


def _counted(content: Any) -> Iterator[tuple[str, str, str, int]]:
    scalars = content.scalars(keep_all=True)
    for (run, tag), count in zip(scalars.names, scalars.counts.tolist(), strict=True):
        yield run, tag, "scalars", count
    for entry in content.inventory():
        yield entry.run, entry.tag, entry.plugin, entry.count


def describe_thinned(thinned: Iterable[Thinned], samples: Samples, most: int = 3) -> list[str]:
    """Return a sentence for each plugin, with at most so many names."""
    by_plugin: dict[str, list[Thinned]] = {}
    for each in thinned:
        by_plugin.setdefault(each.plugin, []).append(each)
    sentences = []
    for plugin, series in by_plugin.items():
        names = few([f"{each.run}/{each.tag}" for each in series], most)
        longest = max(each.points for each in series)
        kept = f"{samples[plugin]:,} of up to {longest:,} points"
        sentences.append(f"TensorBoard shows a random sample of long series in {plugin}, {kept}: {names}")
    return sentences
