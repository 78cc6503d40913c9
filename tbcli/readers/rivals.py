"""One number that two records hold: a series in event files and in a text log beside them is read from one of them.

Where both agree, as far as both go, and the event files hold all of it, the text log's copy is left out without a word.
Where they differ, or the text log holds more, that is said, and the longer one is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace as dataclass_replace
from typing import NamedTuple

import numpy as np

from tbcli.events.batch import Catalog
from tbcli.events.columns import Columns
from tbcli.events.damage import TEXT_LOG, Damage
from tbcli.events.wire import SCALARS
from tbcli.naming.series import Identity, Seen, identify
from tbcli.naming.words import EPOCH, TRAIN, is_effort
from tbcli.readers.event_index import EventIndex, FileNotes
from tbcli.readers.pieces import Block, Pieces
from tbcli.readers.reducing import reduced
from tbcli.readers.series import Scalars, Series
from tbcli.readers.text_logs import Log, read_text_logs

_RELATIVE, _ABSOLUTE = 1e-3, 1e-5  # tables are rounded, some to five digits
_SHIFTS = (0, 1, -1)  # one counts epochs from 0, the other from 1
_MOST_TOLD = 3


def add_text_logs(index: EventIndex, *, buckets: int = 0) -> None:
    """Add the series of text logs to what was read of event files and arranged.

    Args:
        index: Knows the files that may be logs.
        buckets: Reduce long series; see `tbcli.readers.read_scalars`.
    """
    logs = read_text_logs(index.tables, index.damage, is_named=index.is_file)
    if not logs:
        return
    events = dataclass_replace(index.scalars(None, keep_all=buckets > 0), is_reduced=buckets > 0)
    settled = settle(events, logs)
    index.damage += settled.damage
    index.leave_out(settled.replaced)
    catalog = Catalog(index.names)
    for log in settled.logs:
        for tag, points in log.content.series.items():
            kept = reduced(points, buckets) if buckets else points
            place = (len(index.notes), catalog.number_code(tag, SCALARS), 0, len(kept.steps))
            index.blocks.append(Block(kept, Pieces(*np.array(place, np.int64).reshape(4, 1))))
        if log.content.series:
            index.notes.append(FileNotes(log.file))
        if log.content.unit == EPOCH:
            index.by_epoch.update((log.file.run, tag) for tag in log.content.series)
    index.arrange()


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
        self._found: dict[tuple[str, str], list[tuple[Identity, Series]]] = {}
        for identity, series in zip(identify(seen, events.described).identities, events, strict=True):
            self._found.setdefault(_key(identity), []).append((identity, series))
        self.runs = {identity.run for found in self._found.values() for identity, _ in found}

    def are_below(self, run: str) -> bool:
        """Say whether there is a series in a directory or below it."""
        return any(run in (".", other) or other.startswith(f"{run}/") for other in self.runs)

    def of(self, run: str, identity: Identity, unit: str, tag: str) -> Iterator[Series]:
        """Yield the series that hold the same number as one of a text log."""
        for other, series in self._found.get(_key(identity), []):
            is_same_unit = not (unit and other.unit) or unit == other.unit
            if other.run == run and (is_same_unit or (series.run, series.tag) == (run, tag)):
                yield series


def _key(identity: Identity) -> tuple[str, str]:
    return identity.metric.lower(), "" if identity.split == TRAIN else identity.split


def _settle_log(log: Log, events: _Events, settled: Settled) -> Log:
    run, content = log.file.run, log.content
    tags = list(content.series)
    spelled = [_as_in_event_files(tag) if log.is_trainer_state else tag for tag in tags]
    identities = [identify([Seen(run, tag, 1)]).identities[0] for tag in spelled]
    runs = [run]
    if log.is_trainer_state:  # a Trainer's event files lie in `runs/<time>_<host>` below
        below = "runs/" if run == "." else f"{run}/runs/"
        runs += sorted(other for other in events.runs if other.startswith(below))
    kept: dict[str, Columns] = {}
    differing: list[str] = []
    longer: list[str] = []
    for tag, identity in zip(tags, identities, strict=True):
        points = content.series[tag]
        for place in runs:
            verdict = _judge(tag, points, identity, log, place, events)
            if verdict is None:
                continue
            series, comparison = verdict
            if comparison.differing:
                if place != run:
                    continue  # an earlier training
                differing.append(f"{tag}: {comparison.example}")
            if comparison.is_longer:
                longer += [] if comparison.differing else [tag]
                settled.replaced.add((series.run, series.tag))
                kept[tag] = points
            break
        else:
            if not (log.content.is_ours and events.are_below(run)):  # ours leave nothing out that belongs in them
                kept[tag] = points
    if len(kept) < len(tags) or log.content.is_ours:  # what is left of clocks and counters nobody looks for
        efforts = {tag for tag, identity in zip(tags, identities, strict=True) if is_effort(identity.metric)}
        kept = {tag: points for tag, points in kept.items() if tag not in efforts}
    settled.damage.extend(_told(log, differing, longer))
    return log._replace(content=dataclass_replace(content, series=kept))


def _as_in_event_files(name: str) -> str:
    """Return how a Trainer's callback for TensorBoard calls what stands in its state (`rewrite_logs`)."""
    split, _, rest = name.partition("_")
    return f"{split}/{rest}" if split in ("eval", "test") and rest else f"train/{name}"


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


def _judge(
    tag: str, points: Columns, identity: Identity, log: Log, place: str, events: _Events
) -> tuple[Series, _Comparison] | None:
    """Return the series that holds the same number, and how the two compare; None where there is none."""
    unit = identity.unit or log.content.unit
    found: list[tuple[Series, _Comparison]] = []
    for series in events.of(place, identity, unit, tag):
        must = (series.run, series.tag) == (log.file.run, tag)  # one of them it has to be
        comparison = _compare(points, series, unit, must=must, is_reduced=events.is_reduced)
        if comparison is not None:
            found.append((series, comparison))
    return min(found, key=lambda pair: (pair[1].differing > 0, -pair[1].common), default=None)


def _compare(points: Columns, series: Series, unit: str, *, must: bool, is_reduced: bool) -> _Comparison | None:
    """Compare two records point by point; None where they are of different things."""
    best: _Comparison | None = None
    for shift in _SHIFTS if unit == EPOCH else _SHIFTS[:1]:
        steps = points.steps + shift
        common, mine, theirs = np.intersect1d(steps, series.step, return_indices=True)
        ours, others = points.values[mine], series.value[theirs]
        odd = np.flatnonzero(~np.isclose(ours, others, rtol=_RELATIVE, atol=_ABSOLUTE, equal_nan=True))
        example = f"{ours[odd[0]]:.6g} and {others[odd[0]]:.6g} at step {common[odd[0]]}" if len(odd) else ""
        is_longer = bool(steps[-1] > series.step[-1] or (len(steps) > len(series.step) and not is_reduced))
        found = _Comparison(len(common), len(odd), example, is_longer)
        if len(common) and (best is None or _likeness(found) > _likeness(best)):
            best = found
    same_order = len(points.steps) == len(series.step) and np.allclose(
        points.values, series.value, rtol=_RELATIVE, atol=_ABSOLUTE, equal_nan=True
    )
    if same_order and (best is None or best.differing):  # the steps count something else
        return _Comparison(len(points.steps), 0, "", is_longer=False)
    if best is None or (best.differing and 2 * best.common < max(len(points.steps), len(series.step))):
        return _Comparison(0, 1, "other steps", len(points.steps) > len(series.step)) if must else None
    return best


def _likeness(found: _Comparison) -> float:
    return found.common * (1 - found.differing / max(1, found.common)) ** 2
