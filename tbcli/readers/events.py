"""Scalars of any TensorBoard log directory, from whoever wrote it, quickly and without TensorFlow.

Values are those that TensorBoard's ``EventAccumulator`` finds: simple values (TensorFlow 1, PyTorch, tensorboardX) and
tensors of the scalars plugin (TensorFlow 2, Keras), in every numeric type, one or several to an event.

**Several files in one run** are read in the order of their names, which begin with the time. A file is what one
process wrote. Where a later file writes a tag again, from step *s* on, the training was continued from there: points of
the same tag in earlier files with a step of *s* or more are superseded, and counted as such (TensorBoard's fast loader
does the same). Within one file nothing is left out: where the step goes back, the counter was reset, and all points
stay in the order of writing. Files of a run that write a tag at the same time, as the ranks of a distributed training
do, supersede nothing: one of them serves, and the others are named in ``damage`` (see `tbcli.readers.writers`).
``keep_all`` keeps all points of all files.

**Training logs as text** (tables of Keras, Lightning, Ultralytics and kin, ``trainer_state.json``) are series like
others, without times; see `tbcli.readers.text_logs`. Where the counter of a table goes back, it was begun again, and
what follows supersedes as a later file does. What event files of the same run hold too is read once.

**Damage** is never an exception and never silent: the result says in ``damage`` what could not be read, where, and
what was kept. Checksums are proved of the lengths of all records and of the contents of all that are decoded; of those
that are only counted (pictures, histograms) with ``verify``.

**A cache** of the numbers, in the user's cache directory, serves a file again as long as its path, size, time of change
and inode are the same; of one that has grown only what is new is read.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tbcli.events.columns import EventFile
from tbcli.events.damage import Damage
from tbcli.naming.matching import fits_glob
from tbcli.readers.event_index import EventIndex, Wanted
from tbcli.readers.inventory import InventoryEntry, list_inventory
from tbcli.readers.reading import read_chosen, read_index, read_reduced
from tbcli.readers.series import Scalars

if TYPE_CHECKING:
    from tbcli.readers.documents import Documents
    from tbcli.readers.setbacks import FileSequence


def read_scalars(
    path: str | os.PathLike[str],
    *,
    tags: Sequence[str] = (),
    runs: Sequence[str] = (),
    buckets: int = 0,
    keep_all: bool = False,
    verify: bool = False,
    cache: bool = True,
) -> Scalars:
    """Return the scalars below a log directory, or of one file.

    Args:
        path: The directory; or an event file, or a training log as text.
        tags: Patterns of the tags that are wanted, as ``epoch_*``; none for all.
        runs: Patterns of the runs that are wanted, as ``*/train``; none for all.
        buckets: Reduce each series, file by file, to the extremes of at most so many stretches, in bounded memory; a
            series of no more points stays as it is. 0 returns every point.
        keep_all: Keep the points that another file of the run has written again, or at the same time.
        verify: Prove the checksums of everything, also of images and the like; reads every byte and no cache.
        cache: Use the cache, and renew it.

    Raises:
        NotFound: There is no such directory or file.

    Example:
        >>> import tbcli
        >>> scalars = tbcli.read_scalars("logs", tags=["epoch_loss"])
        >>> [series.run.rpartition("/")[2] for series in scalars]
        ['train', 'validation']
        >>> list(scalars.to_pandas().columns)
        ['run', 'tag', 'step', 'wall_time', 'value']
    """
    wanted = _wanted(tags, runs)
    if not buckets:
        return open_logdir(path, verify=verify, cache=cache).scalars(tags=tags, runs=runs, keep_all=keep_all)
    index, superseded = read_reduced(Path(path), buckets, keep_all=keep_all, use_cache=cache, verify=verify)
    scalars = index.scalars(wanted, keep_all=True)
    return replace(scalars, superseded=superseded, is_reduced=True)


def open_logdir(
    path: str | os.PathLike[str], *, verify: bool = False, cache: bool = True, text_logs: bool = True
) -> LogContent:
    """Return everything below a log directory, or in one event file: for whoever wants more than scalars of it.

    Args:
        path: The directory or the file.
        verify: See `read_scalars`.
        cache: See `read_scalars`.
        text_logs: Whether tables of other programs count too, and not event files alone, as for TensorBoard.

    Raises:
        NotFound: There is no such directory or file.
    """
    return LogContent(read_index(Path(path), use_cache=cache, verify=verify, text_logs=text_logs))


def open_files(files: Sequence[EventFile]) -> LogContent:
    """Return everything in some event files, which `tbcli.readers.logdir.find_event_files` found; without the cache."""
    return LogContent(read_chosen(files))


class LogContent:
    """What a log directory holds; made by `open_logdir` or `open_files`."""

    def __init__(self, index: EventIndex) -> None:
        self._index = index

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What could not be read."""
        return self._index.all_damage()

    @property
    def files(self) -> tuple[EventFile, ...]:
        """The event files that were found."""
        return tuple(dict.fromkeys(notes.file for notes in self._index.notes))

    def scalars(self, *, tags: Sequence[str] = (), runs: Sequence[str] = (), keep_all: bool = False) -> Scalars:
        """Return the scalars; see `read_scalars` for the arguments."""
        return self._index.scalars(_wanted(tags, runs), keep_all=keep_all)

    def inventory(self) -> tuple[InventoryEntry, ...]:
        """Return what there is besides scalars: not decoded, but counted."""
        return list_inventory(self._index)

    def sequences(self) -> list[FileSequence]:
        """Return how counters and clocks went on within each file."""
        from tbcli.readers.setbacks import sequences_of

        return sequences_of(self._index)

    def documents(self) -> Documents:
        """Return the texts and the hyperparameters; they are read from the files at each call."""
        from tbcli.readers.documents import read_documents

        return read_documents(self._index)


def _wanted(tags: Sequence[str], runs: Sequence[str]) -> Wanted | None:
    if not tags and not runs:
        return None

    def wanted(run: str, tag: str) -> bool:
        return (not tags or any(fits_glob(pattern, tag) for pattern in tags)) and (
            not runs or any(fits_glob(pattern, run) for pattern in runs)
        )

    return wanted
