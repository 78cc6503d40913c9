"""Index of everything found below one log directory: names, numbers and notes per file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tbcli.events.columns import EventFile, Ints
from tbcli.events.damage import Damage
from tbcli.readers.pieces import Block, Pieces, all_pieces, arranged
from tbcli.readers.series import Scalars
from tbcli.readers.writers import Span, concurrent_files, describe_writers, left_out

HPARAMS = "hparams"  # the plugin
Names = list[tuple[str, str]]
Wanted = Callable[[str, str], bool]  # run, tag


@dataclass(slots=True)
class FileNotes:
    """What is known about one file besides its numbers.

    Args:
        file: The file as it was when it was read.
        end: The byte up to which it was read: where the next record begins.
        mark: Checksum of the bytes before that (`tbcli.events.scan.mark_before`).
        damage: What could not be read.
        others: ``{code: [count, bytes]}`` of the values that are no numbers.
        documents: Offset in the file, length and code of the records of texts and hyperparameters.
    """

    file: EventFile
    end: int = 0
    mark: int = 0
    damage: list[Damage] = field(default_factory=list)
    others: dict[int, list[int]] = field(default_factory=dict)
    documents: list[tuple[int, int, int]] = field(default_factory=list)


@dataclass(slots=True)
class EventIndex:
    """The content of a log directory.

    Args:
        notes: One entry a file, ordered by run and by time; pieces name a file by its place here.
        names: Tag and plugin by code.
        blocks: The numbers.
        damage: What concerns no file that could be read.
        directories: See `tbcli.readers.logdir.FoundFiles`.
        tables: Files that may be training logs of other forms.
        is_file: Whether one file was named.
        by_epoch: ``(run, tag)`` of the series whose steps are known to count epochs.
        writers: Groups of files that were written at the same time; see `tbcli.readers.writers`.
        release: Gives memory back that the numbers take, where they are kept on disk.
    """

    notes: list[FileNotes]
    names: Names
    blocks: list[Block] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)
    directories: dict[str, int] = field(default_factory=dict)
    tables: Sequence[EventFile] = ()
    is_file: bool = False
    by_epoch: set[tuple[str, str]] = field(default_factory=set)
    writers: list[tuple[int, ...]] = field(default_factory=list)
    release: Callable[[], None] = lambda: None

    def all_damage(self) -> tuple[Damage, ...]:
        """Return what could not be read anywhere."""
        several = [
            describe_writers(self.notes[files[0]].file.run, [self.notes[file].file.name for file in files])
            for files in self.writers
        ]
        return (*self.damage, *several, *(incident for notes in self.notes for incident in notes.damage))

    def arrange(self) -> None:
        """Put the numbers of each series side by side, series ordered by run and tag; no row is copied needlessly."""
        pieces, owners = all_pieces(self.blocks)
        keys = self._series_keys(pieces)
        order = np.lexsort((pieces.starts, owners, pieces.files, keys))
        self.blocks = [arranged(self.blocks, order)]
        self.writers = self.writers or _find_writers(self.blocks[0], keys[order])

    def leave_out(self, series: Collection[tuple[str, str]]) -> None:
        """Leave out the numbers of series given as ``(run, tag)``, after `arrange`."""
        (block,) = self.blocks
        runs = [notes.file.run for notes in self.notes]
        named = zip(block.pieces.files.tolist(), block.pieces.codes.tolist(), strict=True)
        kept = [(runs[file], self.names[code >> 1][0]) not in series for file, code in named]
        self.blocks = [arranged([block], np.flatnonzero(kept))]

    def scalars(self, wanted: Wanted | None, *, keep_all: bool) -> Scalars:
        """Return the series, after `arrange`; without ``keep_all`` those points alone that no later file replaces."""
        (block,) = self.blocks
        pieces = block.pieces
        keys = self._series_keys(pieces)
        shown = self._shown(pieces, keys, wanted)
        if not shown.all():
            block = arranged([block], np.flatnonzero(shown))
            pieces, keys = block.pieces, keys[shown]
        kept, superseded = (None, 0) if keep_all else _not_replaced(block, keys, self.writers)
        columns, counts = block.columns, pieces.counts
        if kept is not None:
            counts = np.add.reduceat(kept, pieces.starts, dtype=np.int64)
            columns = columns.chosen(kept)
        heads = np.flatnonzero(np.diff(keys, prepend=-1)) if len(keys) else np.empty(0, np.int64)
        runs, tags = self._ranks()
        width = len(tags.texts)
        names = [(runs.texts[key // width], tags.texts[key % width]) for key in keys[heads].tolist()]
        totals = np.add.reduceat(counts, heads) if len(heads) else heads
        described, by_epoch = self._described(), frozenset(self.by_epoch)
        return Scalars(
            tuple(names), totals, columns, self.all_damage(), superseded, described=described, by_epoch=by_epoch
        )

    def _described(self) -> frozenset[str]:
        """Return the directories that hold hyperparameters."""
        codes = {code for code, (_, plugin) in enumerate(self.names) if plugin == HPARAMS}
        return frozenset(notes.file.run for notes in self.notes if not codes.isdisjoint(notes.others))

    def unexplained(self) -> list[tuple[str, str, int]]:
        """Return run, tag and count of the numbers of which no record says that they are scalars, after `arrange`."""
        (block,) = self.blocks
        pieces = block.pieces.only(~self._shown(block.pieces, self._series_keys(block.pieces), None))
        return [
            (self.notes[file].file.run, self.names[code >> 1][0], count)
            for file, code, _, count in np.stack(pieces).T.tolist()
        ]

    def _ranks(self) -> tuple[_Ranks, _Ranks]:
        """Return the ranks of the runs by file, and those of the tags by code."""
        return _ranks([notes.file.run for notes in self.notes]), _ranks([tag for tag, _ in self.names])

    def _series_keys(self, pieces: Pieces) -> Ints:
        """Return a number for the series of each piece ``[m]``, in the order of runs and tags."""
        runs, tags = self._ranks()
        if not len(pieces.files):
            return pieces.files
        keys: Ints = runs.ranks[pieces.files] * len(tags.texts) + tags.ranks[pieces.codes >> 1]
        return keys

    def _shown(self, pieces: Pieces, keys: Ints, wanted: Wanted | None) -> NDArray[np.bool_]:
        """Return which pieces are scalars that are asked for.

        A tensor without metadata is a scalar where another record of its tag in the run says so.
        """
        if not len(keys):
            return np.empty(0, bool)
        certain: NDArray[np.bool_] = pieces.codes & 1 == 0
        shown = certain if certain.all() else certain | np.isin(keys, keys[certain])
        if wanted is not None:
            chosen, place = np.unique(keys, return_inverse=True)
            runs, tags = self._ranks()
            count = len(tags.texts)
            asked = [wanted(runs.texts[key // count], tags.texts[key % count]) for key in chosen.tolist()]
            shown = shown & np.array(asked)[place]
        return shown


class _Ranks(NamedTuple):
    texts: list[str]
    ranks: Ints


def _ranks(texts: list[str]) -> _Ranks:
    ordered = sorted(set(texts))
    places = {text: place for place, text in enumerate(ordered)}
    return _Ranks(ordered, np.array([places[text] for text in texts], np.int64))


def _written_again(pieces: Pieces, keys: Ints) -> list[tuple[int, int]]:
    """Return the ranges of pieces of each series that several files have."""
    again = np.flatnonzero((keys[1:] == keys[:-1]) & (pieces.files[1:] != pieces.files[:-1]))
    if not len(again):
        return []
    chosen = np.unique(keys[again])
    firsts, lasts = np.searchsorted(keys, chosen), np.searchsorted(keys, chosen, side="right")
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


def _find_writers(block: Block, keys: Ints) -> list[tuple[int, ...]]:
    """Return the groups of files that were written at the same time."""
    pieces = block.pieces
    series: list[list[Span]] = []
    for first, last in _written_again(pieces, keys):
        spans: dict[int, Span] = {}
        for place in range(first, last):
            file, start = int(pieces.files[place]), int(pieces.starts[place])
            span = Span.of(file, block.columns.wall_times[start : start + int(pieces.counts[place])])
            spans[file] = spans[file].joined(span) if file in spans else span
        series.append([*spans.values()])
    if not series:
        return []
    return concurrent_files(series, dict(enumerate(np.bincount(pieces.files, pieces.counts).tolist())))


def _not_replaced(block: Block, keys: Ints, writers: Sequence[tuple[int, ...]]) -> tuple[NDArray[np.bool_] | None, int]:
    """Return which rows stay, or None for all, and how many go since a later file writes again from its first step on.

    Of files that were written at the same time one stays.
    """
    pieces = block.pieces
    series = _written_again(pieces, keys)
    if not series:
        return None, 0
    kept = np.ones(len(block.columns.steps), bool)
    omitted = 0
    for first, last in series:
        others = left_out(writers, pieces.files[first:last].tolist()) if writers else ()
        cut, begin, file = None, None, -1
        for place in range(last - 1, first - 1, -1):  # from the newest file to the oldest
            start, count = int(pieces.starts[place]), int(pieces.counts[place])
            if pieces.files[place] in others:
                kept[start : start + count] = False
                omitted += count
                continue
            steps = block.columns.steps[start : start + count]
            if pieces.files[place] != file:
                file = int(pieces.files[place])
                cut = begin if cut is None or (begin is not None and begin < cut) else cut
            begin = int(steps[0])
            if cut is not None:
                kept[start : start + count] = steps < cut
    gone = len(kept) - int(kept.sum())
    return (kept, gone - omitted) if gone else (None, 0)
