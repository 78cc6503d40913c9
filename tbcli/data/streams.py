"""tf.data datasets become arrays, in memory or, where they are large, in a file that is gone with the process."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import closing
from typing import IO, Any

import numpy as np

from tbcli.data.arrays import MOST_BYTES_IN_MEMORY
from tbcli.data.raw_cache import raw_cache_directory
from tbcli.data.telling import progress_counter
from tbcli.errors import DoesNotFit, TbcliError, TrainingFailed
from tbcli.usercode import with_trace

_INFINITE = -1  # the cardinality of what repeats for ever


def is_stream(value: Any) -> bool:
    """Say whether a value is a tf.data dataset; TensorFlow is not imported for it."""
    return hasattr(value, "element_spec") and hasattr(value, "as_numpy_iterator")


def gather_stream(stream: Any, split: str) -> tuple[np.ndarray, np.ndarray, str]:
    """Return inputs ``[n, ...]`` and targets ``[n, ...]`` of a dataset, batched or not, and where they are kept.

    Raises:
        DoesNotFit: Its elements are no pairs of arrays, of one shape each, or it never ends or fails.
        TrainingFailed: There is no room for it.
    """
    spec = stream.element_spec
    if not isinstance(spec, tuple) or len(spec) != 2 or not all(hasattr(each, "shape") for each in spec):
        raise DoesNotFit(
            f"elements of the {split} dataset are {_described(spec)}",
            hint="each element must be (inputs, targets) or a batch of them, without weights",
        )
    cardinality = int(stream.cardinality())
    if cardinality == _INFINITE:
        raise DoesNotFit(f"the {split} dataset is infinite", hint="remove `.repeat()`: tbcli counts the epochs")
    targets = []
    tell = progress_counter(f"Reading the {split} dataset: {{}} samples", 0)
    with closing(_Rows()) as rows:
        for inputs, labels in _batches(stream, split, is_batched=_is_batched(*spec)):
            rows.add(inputs, split)
            targets.append(labels)
            tell(rows.count)
        if not rows.count:
            raise DoesNotFit(f"the {split} dataset has no samples", hint="leave it out, or add samples")
        kept = rows.array()
    try:
        return kept, np.concatenate(targets), rows.where
    except ValueError as error:
        raise DoesNotFit(f"targets of the {split} dataset differ in shape: {error}", hint="pad or crop them") from error


def _batches(stream: Any, split: str, *, is_batched: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield inputs and targets, many or one at a time; what fails in the user's own code says so."""
    try:
        for inputs, labels in stream.as_numpy_iterator():
            if is_batched:
                yield np.asarray(inputs), np.asarray(labels)
            else:
                yield np.asarray(inputs)[np.newaxis], np.asarray(labels)[np.newaxis]
    except (TbcliError, GeneratorExit):
        raise
    except Exception as error:
        raise _failed(split, error) from error


def _failed(split: str, error: Exception) -> DoesNotFit:
    """Return what to say of a dataset that fails: TensorFlow hands over an error of the user's function as a text."""
    text = str(error).strip()
    raised = re.findall(r"^(?:.*\}\} )?(\w*(?:Error|Exception): .*)$", text, re.MULTILINE)
    said = raised[-1] if raised else f"{type(error).__name__}: {text.partition(chr(10))[0]}"
    failed = with_trace(
        DoesNotFit(f"the {split} dataset fails: {said}", hint="check that it iterates on its own"), error
    )
    frames = re.findall(r'^  File "(?!.*-packages/).*\n(?:    .*\n)+', text, re.MULTILINE)
    if raised and frames:
        failed.trace = "".join(["Traceback (most recent call last):\n", *frames, said])
    return failed


def _is_batched(inputs: Any, targets: Any) -> bool:
    """Say whether elements are batches: targets of one sample have fewer axes than a batch of them."""
    if inputs.shape.rank is None or targets.shape.rank is None:
        return bool(targets.shape.rank != 0)
    if inputs.shape.rank == 0 or targets.shape.rank == 0:
        return False
    sizes = inputs.shape[0], targets.shape[0]
    if None in sizes:
        return bool(sizes[0] is None)
    return bool(sizes[0] == sizes[1] and inputs.shape.rank > 1)


def _described(spec: Any) -> str:
    if isinstance(spec, tuple):
        return f"tuples of {len(spec)}" if len(spec) != 2 else "pairs, but not of arrays"
    return f"{type(spec).__name__}s, without targets"


class _Rows:
    """Inputs as they come: in memory at first, in a nameless file once they are many."""

    def __init__(self) -> None:
        self.count = 0
        self.where = "in memory"
        self._kept: list[np.ndarray] = []
        self._bytes = 0
        self._file: IO[bytes] | None = None
        self._kind: tuple[tuple[int, ...], np.dtype[Any]] | None = None

    def add(self, rows: np.ndarray, split: str) -> None:
        """Take samples ``[k, ...]``."""
        kind = rows.shape[1:], rows.dtype
        self._kind = self._kind or kind
        if kind != self._kind:
            raise DoesNotFit(
                f"inputs of the {split} dataset differ: {list(self._kind[0])}, then {list(kind[0])}",
                hint="make them the same shape: pad, crop or resize them",
            )
        self.count += len(rows)
        self._bytes += rows.nbytes
        if self._file is None and (self._bytes <= MOST_BYTES_IN_MEMORY or rows.dtype.hasobject):
            self._kept.append(rows)
            return
        try:
            self._write(rows)
        except OSError as error:
            raise TrainingFailed(
                f"cannot keep the samples of the {split} dataset in {str(raw_cache_directory())!r}: {error.strerror}",
                hint="free some space, or set XDG_CACHE_HOME to another directory",
            ) from error

    def _write(self, rows: np.ndarray) -> None:
        if self._file is None:
            directory = raw_cache_directory()
            directory.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115 - it lives as long as its map
            self.where = f"in a temporary file in {str(directory)!r}"
            for kept in self._kept:
                self._file.write(np.ascontiguousarray(kept).data)
            self._kept.clear()
        self._file.write(np.ascontiguousarray(rows).data)

    def close(self) -> None:
        """Let go of the file; an array of it stays."""
        if self._file is not None:
            self._file.close()

    def array(self) -> np.ndarray:
        """Return all of them."""
        if self._file is None:
            return np.concatenate(self._kept)
        assert self._kind is not None
        self._file.flush()
        shape, dtype = self._kind
        return np.memmap(self._file, dtype, "r", shape=(self.count, *shape))
