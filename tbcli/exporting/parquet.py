"""Rows as a Parquet file, written in groups; needs the extra ``parquet``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO, Any

import numpy as np

from tbcli.errors import ConfigError
from tbcli.exporting.tables import KEYS, WideRows, column_names, tidy_rows, wide_rows
from tbcli.readers.metrics import NamedSeries


def require_pyarrow() -> None:
    """Find out before anything is read whether Parquet can be written.

    Raises:
        ConfigError: The extra is missing.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise ConfigError(
            "Parquet needs pyarrow, which is not installed", hint="`pip install 'tbcli[parquet]'`, or `--format csv`"
        ) from None


def write_parquet(series: Sequence[NamedSeries], file: IO[bytes], *, wide: bool) -> None:
    """Write all rows, the values as float64.

    A cell of the wide form is null where a metric has no point; a NaN that was recorded is a NaN.

    Raises:
        ConfigError: The extra is missing.
        OSError: The file could not be written.
    """
    require_pyarrow()
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    text = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    numbers = [("step", pyarrow.int64())]
    if wide:
        names = column_names(series)
        schema = pyarrow.schema([(KEYS[0], text), *numbers, *((name, pyarrow.float64()) for name in names)])
        groups = _wide_groups(series, names)
    else:
        numbers += [("wall_time", pyarrow.float64()), ("value", pyarrow.float64())]
        schema = pyarrow.schema([("run", text), ("metric", text), *numbers])
        groups = _tidy_groups(series)
    with ParquetWriter(_Counted(file), schema, compression="zstd") as writer:
        for columns in groups:
            arrays = [pyarrow.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))


_GROUP = 1 << 20  # rows; many short series share a group


def _tidy_groups(series: Sequence[NamedSeries]) -> Iterator[list[Any]]:
    waiting: list[list[Any]] = []
    rows = 0
    for part in tidy_rows(series):
        waiting.append(
            [_repeated(part.run, part.columns.steps), _repeated(part.metric, part.columns.steps), *part.columns]
        )
        rows += len(part.columns.steps)
        if rows >= _GROUP:
            yield _stacked(waiting)
            waiting, rows = [], 0
    if waiting:
        yield _stacked(waiting)


def _wide_groups(series: Sequence[NamedSeries], names: Sequence[str]) -> Iterator[list[Any]]:
    waiting: list[list[Any]] = []
    rows = 0
    for part in wide_rows(series):
        waiting.append([_repeated(part.run, part.steps), part.steps, *(_with_gaps(part, name) for name in names)])
        rows += len(part.steps)
        if rows * len(names) >= _GROUP:
            yield _stacked(waiting)
            waiting, rows = [], 0
    if waiting:
        yield _stacked(waiting)


def _repeated(text: str, like: Any) -> Any:
    return np.full(len(like), text, dtype=object)


def _with_gaps(part: WideRows, name: str) -> Any:
    """Return a column as a masked array ``[n]``."""
    values, missing = np.zeros(len(part.steps)), np.ones(len(part.steps), bool)
    if name in part.cells:
        cells = part.cells[name]
        values[cells.rows], missing[cells.rows] = cells.values, False
    return np.ma.MaskedArray(values, missing)


def _stacked(parts: Sequence[list[Any]]) -> list[Any]:
    if len(parts) == 1:
        return parts[0]
    return [
        (np.ma.concatenate if isinstance(columns[0], np.ma.MaskedArray) else np.concatenate)(columns)
        for columns in zip(*parts, strict=True)
    ]


class _Counted:
    """A stream that knows its place, which a pipe does not tell."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._place = file, 0

    def write(self, data: Any) -> int:
        written = memoryview(data).nbytes
        self._file.write(data)
        self._place += written
        return written

    def tell(self) -> int:
        return self._place

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.flush()
