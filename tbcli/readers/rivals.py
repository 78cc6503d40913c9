"""One number that two records hold: a series in event files and in a text log beside them is read from one of them.

Where both agree, as far as both go, and the event files hold all of it, the text log's copy is left out without a word.
Where they differ, or the text log holds more, that is said, and the longer one is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace as dataclass_replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tbcli.events.batch import Catalog
from tbcli.events.columns import Columns, Ints
from tbcli.events.damage import TEXT_LOG, Damage
from tbcli.events.wire import SCALARS
from tbcli.naming.series import Identity, Seen, identify
from tbcli.naming.words import EPOCH, TRAIN, is_effort
from tbcli.readers.event_index import EventIndex, FileNotes
from tbcli.readers.pieces import Block, Pieces
from tbcli.readers.reducing import reduced
from tbcli.readers.series import Scalars, Series
from tbcli.readers.text_logs import Log, read_text_logs, refusals
from tbcli.readers.writings import begun_again, not_written_again

_RELATIVE, _ABSOLUTE = 1e-3, 1e-5  # tables are rounded, some to five digits
_SHIFTS = (0, 1, -1)  # one counts epochs from 0, the other from 1
_MOST_TOLD = 3


def add_text_logs(index: EventIndex, *, buckets: int = 0, keep_all: bool = False) -> int:
    """Add the series of text logs to what was read of event files and arranged.

    Each writing of a table that was begun again counts as a file of its own, so that a later one supersedes.

    Args:
        index: Knows the files that may be logs.
        buckets: Reduce long series; see `tbcli.readers.read_scalars`.
        keep_all: Where they are reduced: also keep the points that were written again.

    Returns:
        How many points are left out of those that are reduced.
    """
    logs = read_text_logs(index.tables, index.damage, is_named=index.is_file)
    if not index.notes and not index.is_file and not any(log.content.series for log in logs):
        index.damage += refusals(index.tables)
    if not logs:
        return 0
    events = dataclass_replace(index.scalars(None, keep_all=buckets > 0), is_reduced=buckets > 0)
    settled = settle(events, logs)
    index.damage += settled.damage
    index.leave_out(settled.replaced)
    catalog = Catalog(index.names)
    superseded = 0
    for log in settled.logs:
        index.damage += _told_again(log)
        first, count = len(index.notes), 0
        for tag, points in log.content.series.items():
            writings = log.content.writings.get(tag, np.zeros(len(points.steps), np.int64))
            if buckets:
                kept = np.ones(len(writings), bool) if keep_all else not_written_again(points, writings)
                superseded += len(kept) - int(kept.sum())
                points, writings = reduced(points.chosen(kept), buckets), writings[:1]
            block = _in_writings(points, writings, first, catalog.number_code(tag, SCALARS))
            index.blocks.append(block)
            count = max(count, int(block.pieces.files.max()) - first + 1)
        index.notes += [FileNotes(log.file) for _ in range(count)]
        if log.content.unit == EPOCH:
            index.by_epoch.update((log.file.run, tag) for tag in log.content.series)
    index.arrange()
    return superseded


def _in_writings(points: Columns, writings: Ints, first: int, code: int) -> Block:
    """Return the points of a series, a piece for each writing; the files are counted from ``first``."""
    starts = np.flatnonzero(np.diff(writings, prepend=-1))
    counts = np.diff(starts, append=len(points.steps))
    return Block(points, Pieces(first + writings[starts], np.full(len(starts), code), starts, counts))


def _told_again(log: Log) -> list[Damage]:
    """Return a sentence on where a table was begun again, of the series in which that is so most often."""
    found: list[int] = []
    for tag in sorted(log.content.writings.keys() & log.content.series.keys()):
        found = max(found, begun_again(log.content.series[tag], log.content.writings[tag]), key=len)
    if not found:
        return []
    times = "" if len(found) == 1 else f" {len(found)} times, the last time"
    detail = f"its {log.content.unit}s go back{times} to {found[-1]}: what stood before from there on is superseded"
    return [Damage(log.file.name, 0, TEXT_LOG, detail)]


class Settled(NamedTuple):
    """What is read.

    Args:
        logs: The text logs with the series that are read from them.
        replaced: ``(run, tag)`` of the series of event files that are read from a text log instead.
        damage: What was said of it.
    """

    logs: list[Log]
    replaced: set[tuple[str, str]]
    damage: list[Damage]


class _Comparison(NamedTuple):
    """How two records of one number compare.

    Args:
        common: Points that both have.
        differing: How many of them differ.
        example: The first of those, for a person.
        is_longer: Whether the text log holds more.
    """

    common: int
    differing: int
    example: str
    is_longer: bool


def settle(events: Scalars, logs: Sequence[Log]) -> Settled:
    """Return which series are read from which record."""
    rivals = _Events(events)
    settled = Settled([], set(), [])
    for log in logs:
        settled.logs.append(_settle_log(log, rivals, settled))
    return settled


class _Events:
    """The series of event files by what they are."""

    def __init__(self, events: Scalars) -> None:
        seen = [Seen(run, tag, count) for (run, tag), count in zip(events.names, events.counts.tolist(), strict=True)]
        self.is_reduced = events.is_reduced
        self._literal: dict[tuple[str, str], Series] = {}
        self._found: dict[tuple[str, str, str], list[tuple[str, Series]]] = {}
        for identity, series in zip(identify(seen, events.described).identities, events, strict=True):
            self._literal[series.run, series.tag] = series
            self._found.setdefault((identity.run, *_number(identity)), []).append((identity.unit, series))
        self.runs = sorted({run for run, _, _ in self._found})

    def of(self, run: str, identity: Identity, unit: str, tag: str) -> list[Series]:
        """Return the series that hold the same number as one of a text log, or have its very place and name."""
        alike = self._found.get((run, *_number(identity)), [])
        found = [series for other, series in alike if not (unit and other) or unit == other]
        literal = self._literal.get((run, tag))
        return [*found, *([literal] if literal and all(series.tag != tag for series in found) else [])]


def _number(identity: Identity) -> tuple[str, str]:
    return identity.metric.lower(), "" if identity.split == TRAIN else identity.split


@lru_cache(maxsize=20_000)
def _identity(tag: str) -> Identity:
    return identify([Seen(".", tag, 1)]).identities[0]


def _settle_log(log: Log, events: _Events, settled: Settled) -> Log:
    """Return a log with the series that are read from it, and note what it replaces."""
    judged = _Judged(log, events)
    kept = {tag: points for tag, points in log.content.series.items() if judged.is_kept(tag, points)}
    if len(kept) < len(log.content.series) or log.content.is_ours:  # nobody looks for clocks and counters alone
        kept = {tag: points for tag, points in kept.items() if not is_effort(_identity(tag).metric)}
    settled.replaced.update(judged.replaced)
    settled.damage.extend(_told(log, judged.differing, judged.longer))
    return log._replace(content=dataclass_replace(log.content, series=kept))


class _Judged:
    """One log against the event files.

    Args:
        log: The log.
        events: The series of the event files.
    """

    def __init__(self, log: Log, events: _Events) -> None:
        self.replaced: set[tuple[str, str]] = set()
        self.differing: list[str] = []
        self.longer: list[str] = []
        self._log, self._events = log, events
        run = log.file.run
        self._places = [run]
        below = "" if run == "." else f"{run}/"
        if log.is_trainer_state:  # a Trainer's event files lie in `runs/<time>_<host>` below
            self._places += [other for other in events.runs if other.startswith(f"{below}runs/")]
        # Our own event files leave nothing out that belongs in them.
        has_events = any(other == run or other.startswith(below) for other in events.runs)
        self._stands_alone = not (log.content.is_ours and has_events)

    def is_kept(self, tag: str, points: Columns) -> bool:
        """Say whether a series is read from the log, and note what that means."""
        for place in self._places:
            verdict = self._compare(tag, points, place)
            if verdict is None or (verdict[1].differing and place != self._log.file.run):  # an earlier training
                continue
            series, comparison = verdict
            if comparison.differing:
                self.differing.append(f"{tag}: {comparison.example}")
            elif comparison.is_longer:
                self.longer.append(tag)
            if comparison.is_longer:
                self.replaced.add((series.run, series.tag))
            return comparison.is_longer
        return self._stands_alone

    def _compare(self, tag: str, points: Columns, place: str) -> tuple[Series, _Comparison] | None:
        """Return the series that holds the same number, and how the two compare; None where there is none."""
        identity, run = _identity(tag), self._log.file.run
        unit = identity.unit or self._log.content.unit
        found: list[tuple[Series, _Comparison]] = []
        for series in self._events.of(place, identity, unit, tag):
            must = (series.run, series.tag) == (run, tag)  # one of them it has to be
            comparison = _compare(points, series, unit, must=must, is_reduced=self._events.is_reduced)
            if comparison is not None:
                found.append((series, comparison))
        return min(found, key=lambda pair: (pair[1].differing > 0, -pair[1].common), default=None)


def _told(log: Log, differing: Sequence[str], longer: Sequence[str]) -> Iterator[Damage]:
    if differing:
        detail = f"differs from the event files of the same run ({_some(differing)}): the longer record of each is used"
        yield Damage(log.file.name, 0, TEXT_LOG, detail)
    if longer:
        detail = f"holds more than the event files of the same run of {_some(longer)}: it is used for that"
        yield Damage(log.file.name, 0, TEXT_LOG, detail)


def _some(texts: Sequence[str]) -> str:
    more = len(texts) - _MOST_TOLD
    return "; ".join(texts[:_MOST_TOLD]) + (f"; {more} more" if more > 0 else "")


def _compare(points: Columns, series: Series, unit: str, *, must: bool, is_reduced: bool) -> _Comparison | None:
    """Compare two records point by point; None where they are of different things."""
    best: _Comparison | None = None
    mine, theirs = points.each(_reversed), Columns(series.step, series.wall_time, series.value).each(_reversed)
    for shift in _SHIFTS if unit == EPOCH else _SHIFTS[:1]:
        found = _compare_steps(mine._replace(steps=mine.steps + shift), theirs, is_reduced=is_reduced)
        if found.common and (best is None or _likeness(found) > _likeness(best)):
            best = found
        if best is not None and best.common == len(points.steps) and not best.differing:
            break
    same_order = len(points.steps) == len(series.step) and np.allclose(
        points.values, series.value, rtol=_RELATIVE, atol=_ABSOLUTE, equal_nan=True
    )
    if same_order and (best is None or best.differing):  # the steps count something else
        return _Comparison(len(points.steps), 0, "", is_longer=False)
    if best is None or (best.differing and 2 * best.common < max(len(points.steps), len(series.step))):
        return _Comparison(0, 1, "other steps", len(points.steps) > len(series.step)) if must else None
    return best


def _reversed(column: NDArray[Any]) -> NDArray[Any]:
    """Return a column from its end: of a step that comes again the last point counts."""
    return column[::-1]


def _compare_steps(mine: Columns, theirs: Columns, *, is_reduced: bool) -> _Comparison:
    """Compare records at the steps that both have; each begins with its end."""
    common, own, other = np.intersect1d(mine.steps, theirs.steps, return_indices=True)
    values, others = mine.values[own], theirs.values[other]
    odd = np.flatnonzero(~np.isclose(values, others, rtol=_RELATIVE, atol=_ABSOLUTE, equal_nan=True))
    example = f"{values[odd[0]]:.6g} and {others[odd[0]]:.6g} at step {common[odd[0]]}" if len(odd) else ""
    is_further = bool(mine.steps[0] > theirs.steps[0])
    is_longer = is_further or (len(np.unique(mine.steps)) > len(theirs.steps) and not is_reduced)
    return _Comparison(len(common), len(odd), example, is_longer)


def _likeness(found: _Comparison) -> float:
    return found.common * (1 - found.differing / max(1, found.common)) ** 2
