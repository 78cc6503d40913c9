"""Rows as CSV or as one JSON document, yielded in parts of bounded size."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tbcli.exporting.digits import shortest
from tbcli.exporting.tables import KEYS, TIDY, WideRows, column_names, tidy_rows, wide_rows
from tbcli.naming import schemas
from tbcli.readers.metrics import NamedSeries

_NO_NUMBERS = frozenset(("nan", "inf", "-inf"))


def csv_parts(series: Sequence[NamedSeries], *, wide: bool) -> Iterator[str]:
    """Yield CSV (RFC 4180, lines ended by a line feed): a header and rows.

    What is no number is ``nan``, ``inf`` or ``-inf``; in the wide form a cell is empty where a metric has no point.
    """
    if wide:
        names = column_names(series)
        yield _csv_row([*KEYS, *names])
        for rows in wide_rows(series):
            head = _csv_row([rows.run])[:-1]
            yield "".join(f"{head},{','.join(row)}\n" for row in _table(rows, names, ""))
        return
    yield _csv_row(TIDY)
    for part in tidy_rows(series):
        head = _csv_row([part.run, part.metric])[:-1]
        steps, wall_times, values = part.columns
        columns = zip(steps.tolist(), wall_times.tolist(), shortest(values), strict=True)
        yield "".join([f"{head},{step},{wall_time!r},{value}\n" for step, wall_time, value in columns])


def json_parts(series: Sequence[NamedSeries], *, wide: bool) -> Iterator[str]:
    """Yield one JSON document, one row per line; values that are not numbers, and cells without a point, are null."""
    name, rows = ("rows", _json_wide(series)) if wide else ("points", _json_tidy(series))
    yield f'{{"schema": {schemas.METRICS}, "{name}": ['
    yield from _with_commas(rows)
    yield "\n]}\n"


def _json_tidy(series: Sequence[NamedSeries]) -> Iterator[list[str]]:
    for part in tidy_rows(series):
        head = f'{{"run": {_quoted(part.run)}, "metric": {_quoted(part.metric)}, "step": '
        steps, wall_times, values = part.columns
        columns = zip(steps.tolist(), _numbers(map(repr, wall_times.tolist())), _numbers(shortest(values)), strict=True)
        yield [f'{head}{step}, "wall_time": {time}, "value": {value}}}' for step, time, value in columns]


def _json_wide(series: Sequence[NamedSeries]) -> Iterator[list[str]]:
    names = column_names(series)
    keys = [_quoted(name) for name in names]
    for rows in wide_rows(series):
        head = f'{{"run": {_quoted(rows.run)}, "step": '
        lines = []
        for step, *cells in _table(rows, names, "null"):
            named = (f"{key}: {cell}" for key, cell in zip(keys, _numbers(cells), strict=True))
            lines.append(f"{head}{', '.join([step, *named])}}}")
        yield lines


def _table(rows: WideRows, names: Iterable[str], missing: str) -> Iterator[tuple[str, ...]]:
    """Yield the rows: the step, and a cell a metric."""
    columns = [list(map(str, rows.steps.tolist()))]
    for name in names:
        column = np.full(len(rows.steps), missing, dtype=object)
        if name in rows.cells:
            cells = rows.cells[name]
            column[cells.rows] = shortest(cells.values)
        columns.append(column.tolist())
    return zip(*columns, strict=True)


def _with_commas(parts: Iterable[list[str]]) -> Iterator[str]:
    before = "\n"
    for lines in parts:
        yield before + ",\n".join(lines)
        before = ",\n"


def _numbers(texts: Iterable[str]) -> list[str]:
    return ["null" if text in _NO_NUMBERS else text for text in texts]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _csv_row(cells: Iterable[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()
