"""Which files of a run were written one after the other, as by a resumed training, and which at the same time.

The ranks of a distributed training that all write into one directory leave files of the same tags whose wall times
overlap. Their points must not be mixed, and none supersedes another: of such files the one with the most points serves
(of equally many the first by name), for a tag that it lacks the next one that has it, and the others are left out and
named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

from tbcli.events.columns import Floats
from tbcli.events.damage import WRITERS, Damage
from tbcli.naming.shortening import few

_MOST_NAMES = 3  # of files in one sentence
_SLACK = 0.02  # of the shorter file's time: so much may overlap where a run went on under another clock


class Span(NamedTuple):
    """When a file wrote one series: the wall times of its first and its last point."""

    file: int
    first: float
    last: float

    @classmethod
    def of(cls, file: int, wall_times: Floats) -> Self:
        """Return the span of points ``[n]`` in the order of writing; a time of 0 is no time."""
        first = float(wall_times[0])
        if first <= 0:
            known = wall_times[wall_times > 0]
            first = float(known[0]) if len(known) else 0.0
        return cls(file, first, float(wall_times[-1]))

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.last - self.first

    def joined(self, other: Self) -> Self:
        """Return the span of both, which are of one file."""
        return self._replace(first=min(self.first, other.first), last=max(self.last, other.last))


def concurrent_files(series: Iterable[Sequence[Span]], points: dict[int, int]) -> list[tuple[int, ...]]:
    """Return the groups of files that wrote a series at the same time, in each the one that serves first.

    Args:
        series: The spans of each series that several files wrote.
        points: How many points each file has in all.
    """
    group: dict[int, set[int]] = {}
    for spans in series:
        before: Span | None = None  # the one that lasts longest so far
        for span in sorted(spans, key=lambda span: (span.first, span.last)):
            if before and span.first < before.last - _SLACK * min(span.seconds, before.seconds):
                _join(group, before.file, span.file)
            if before is None or span.last > before.last:
                before = span
    distinct = {id(files): files for files in group.values()}.values()
    return sorted(tuple(sorted(files, key=lambda file: (-points.get(file, 0), file))) for files in distinct)


def _join(group: dict[int, set[int]], one: int, other: int) -> None:
    """Put two files, and all that are with either, into one group."""
    if one == other:
        return
    files = group.get(one, {one}) | group.get(other, {other})
    for file in files:
        group[file] = files


def left_out(groups: Sequence[tuple[int, ...]], files: Iterable[int]) -> set[int]:
    """Return which of the files that have one series are left out, because another of their group serves."""
    having = set(files)
    return {file for group in groups for file in [file for file in group if file in having][1:]}


def describe_writers(run: str, names: Sequence[str]) -> Damage:
    """Return a warning that names the files of a group, the one that serves first."""
    first, *others = (name.rpartition("/")[2] for name in names)
    detail = (
        f"{len(names)} files were written at the same time, as by the ranks of one training: "
        f"for the tags that they share {first} is used; left out: {few(others, _MOST_NAMES)}"
    )
    return Damage(run, 0, WRITERS, detail)
