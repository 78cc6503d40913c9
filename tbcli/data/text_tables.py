"""Tables of text: CSV, TSV and whatever else separates cells, read in blocks of rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from tbcli.data.dialects import Dialect, find_dialect, is_blank, read_rows
from tbcli.data.encodings import open_binary
from tbcli.data.raw_columns import (
    LEADING_ZERO,
    NUMBER,
    WORD,
    RawColumn,
    RawTable,
    column_of_words,
    number_in_cell,
)
from tbcli.data.telling import progress_counter
from tbcli.data.written_numbers import DECIMAL_COMMA, DECIMAL_POINT
from tbcli.errors import DoesNotFit

_ROWS = 1 << 14  # that are converted at once
_MOST_NAMED = 3  # ragged rows
_LARGEST_SHARE = 0.05  # of them


def read_text_table(path: Path, *, forms: Mapping[str, str] | None = None, strict: bool = False) -> RawTable:
    """Return what a file of text holds.

    Args:
        path: The file, which may be packed with gzip.
        forms: What is known of columns already, by name: that they hold words, numbers, or in which form.
        strict: Whether a row with too few or too many cells is an error; else it is left out, and the notes say so.

    Raises:
        DoesNotFit: It is no table, or many of its rows have not as many cells as there are columns.
    """
    dialect = find_dialect(path)
    ragged = _Ragged(path, len(dialect.names))
    known = [(forms or {}).get(name, "") for name in dialect.names]
    parts = _read_all(
        path, dialect, known, {i for i, form in enumerate(known) if form in (WORD, DECIMAL_COMMA)}, ragged
    )
    notes = [*dialect.notes, *ragged.notes(strict=strict)]
    read = [
        part.finished(name, dialect.separator, form)
        for part, name, form in zip(parts, dialect.names, known, strict=True)
    ]
    for place, better in _by_the_file(path, dialect, known, parts, read).items():
        read[place] = better
    notes += [f"column {column.name!r}: {said}" for column, said in read if said]
    return RawTable(tuple(column for column, _ in read), tuple(notes), dialect.class_names)


_Read = tuple[RawColumn, str]


def _by_the_file(
    path: Path, dialect: Dialect, known: Sequence[str], parts: Sequence[_Part], read: Sequence[_Read]
) -> dict[int, _Read]:
    """Return the columns that the other ones make us read in another way, by their places.

    In a file with decimal commas, dots separate thousands, where they stand before three digits each.
    """
    has_commas = any(column.form == DECIMAL_COMMA for column, _ in read)
    if not has_commas and dialect.separator != ";":
        return {}
    open_ones = [i for i, (column, _) in enumerate(read) if known[i] in ("", NUMBER) and column.form == DECIMAL_POINT]
    in_thousandths = {i for i in open_ones if not parts[i].is_words and _may_be_thousands(read[i][0].values)}
    again = parts
    if in_thousandths:
        again = _read_all(path, dialect, known, in_thousandths, _Ragged(path, len(dialect.names)))
    changed: dict[int, _Read] = {}
    for i in open_ones:
        column, said = read[i]
        other, _ = again[i].finished(column.name, dialect.separator, DECIMAL_COMMA)
        fits = other.words is None and again[i].is_words
        example = again[i].example_with(".,") if again[i].is_words else f"{column.values[column.values % 1 > 0][0]:g}"
        if has_commas and fits:
            changed[i] = other, f"numbers such as {example} are read with decimal commas, as others in this file"
        elif has_commas or fits:
            changed[i] = column, said or f"numbers such as {example} are read with a decimal point"
    return changed


def _may_be_thousands(numbers: np.ndarray) -> bool:
    """Say whether numbers could have been whole before a dot that separates thousands was taken for a decimal one."""
    filled = numbers[np.isfinite(numbers)]
    return bool((np.abs(filled * 1000 - np.rint(filled * 1000)) < 1e-6).all() and (np.abs(filled) < 1000).all())


def _read_all(path: Path, dialect: Dialect, known: Sequence[str], as_words: set[int], ragged: _Ragged) -> list[_Part]:
    """Return the columns; a file is read again where what looked like numbers turns out to be words far down."""
    while True:
        parts = [_Part(is_words=i in as_words, may_be_padded=bool(form)) for i, form in enumerate(known)]
        tell, rows = progress_counter("Reading row {}", 0), 0
        for block in _blocks(path, dialect, ragged):
            rows += len(block)
            tell(rows)
            for part, cells in zip(parts, zip(*block, strict=True), strict=True):
                part.add(cells)
        changed = {i for i, part in enumerate(parts) if part.must_read_again}
        if not changed:
            return parts
        as_words |= changed


class _Part:
    """A column on its way: numbers as long as all cells are, else words."""

    def __init__(self, *, is_words: bool, may_be_padded: bool) -> None:
        self.must_read_again = False
        self.is_words = is_words
        self._may_be_padded = may_be_padded
        self._numbers: list[np.ndarray] = []
        self._codes: list[np.ndarray] = []
        self._known = _Codes()

    def add(self, cells: Sequence[str]) -> None:
        if not self.is_words:
            numbers = _numbers_in(cells, may_be_padded=self._may_be_padded)
            if numbers is not None:
                self._numbers.append(numbers)
                return
            self.is_words = True
            self.must_read_again = bool(self._numbers)
        if not self.must_read_again:
            self._codes.append(np.fromiter(map(self._known.__getitem__, cells), np.int32, len(cells)))

    def finished(self, name: str, separator: str, form: str) -> tuple[RawColumn, str]:
        if not self.is_words:
            numbers = np.concatenate([np.empty(0), *self._numbers])
            with np.errstate(invalid="ignore"):
                has_fractions = bool((numbers % 1 > 0).any())
            return RawColumn(name, numbers, form=DECIMAL_POINT if has_fractions else ""), ""
        codes = np.concatenate([np.empty(0, np.int32), *self._codes])
        return column_of_words(name, codes, list(self._known), separator, form)

    def example_with(self, signs: str) -> str:
        """Return a cell with one of some signs in it."""
        return next((cell.strip() for cell in self._known if any(sign in cell for sign in signs)), "")


class _Codes(dict[str, int]):
    """A number for each cell, in the order in which they are met."""

    def __missing__(self, cell: str) -> int:
        self[cell] = code = len(self)
        return code


def _numbers_in(cells: Sequence[str], *, may_be_padded: bool) -> np.ndarray | None:
    """Return cells as numbers, None where some are something else; Python takes ``1_000`` for a number, we do not."""
    text = "\n".join(cells)
    if "_" in text or (not may_be_padded and "0" in text and LEADING_ZERO.search(text)):
        return None
    try:
        return np.array(list(map(float, cells)))
    except ValueError:
        pass
    try:
        return np.array(list(map(number_in_cell, cells)))
    except ValueError:
        return None


def _blocks(path: Path, dialect: Dialect, ragged: _Ragged) -> Iterator[list[list[str]]]:
    """Yield the rows of values, many at a time.

    Raises:
        DoesNotFit: There are no rows, or not as many as the first one promises, or a quote is never closed.
    """
    count = 0
    ragged.clear()
    with open_binary(path) as binary, io.TextIOWrapper(binary, dialect.encoding, "replace", "") as file:
        reader = read_rows(file, dialect.separator)
        rows = _rows_of_values(reader, dialect, ragged)
        try:
            while block := list(islice(rows, _ROWS)):
                count += len(block)
                yield block
        except csv.Error as error:
            raise DoesNotFit(
                f"{path.name} cannot be parsed after line {reader.line_num}: {error}",
                hint="check for an unclosed quote",
            ) from None
    ragged.rows = count
    if not count and not ragged:
        raise DoesNotFit(f"{path.name} has no rows after its header", hint="add rows")
    if dialect.promised_rows and count != dialect.promised_rows:
        raise DoesNotFit(
            f"the first row of {path.name} declares {dialect.promised_rows} rows, but there are {count}",
            hint="the file may be incomplete",
        )


def _rows_of_values(reader: csv.Reader, dialect: Dialect, ragged: _Ragged) -> Iterator[list[str]]:  # type: ignore[name-defined]
    """Yield the rows behind the header that have a cell for each column; blank ones are no rows."""
    width, skipped = len(dialect.names), dialect.skipped
    for row in reader:
        if len(row) == width and width > 1 and not skipped:  # as nearly all are
            yield row
        elif is_blank(row):
            continue
        elif skipped:
            skipped -= 1
        elif len(row) >= width and is_blank([*row[width:], ""]):
            yield row[:width]
        else:
            ragged.take(row, reader.line_num)


class _Ragged:
    """Rows with too few or too many cells, of a file whose other ``rows`` have as many as there are columns."""

    def __init__(self, path: Path, width: int) -> None:
        self._path = path
        self._width = width
        self.clear()

    def __bool__(self) -> bool:
        return self._count > 0

    def clear(self) -> None:
        """Begin again."""
        self.rows = self._count = 0
        self._first: list[str] = []

    def take(self, row: Sequence[str], line: int) -> None:
        """Count a row, which ends on this line."""
        self._count += 1
        if self._count <= _MOST_NAMED:
            self._first.append(f"line {line} has {len(row)}")

    def notes(self, *, strict: bool) -> list[str]:
        """Return what is left out.

        Raises:
            DoesNotFit: They are too many for an accident, or nothing may be left out.
        """
        if not self._count:
            return []
        more = f" and {self._count - len(self._first):,} more" if self._count > len(self._first) else ""
        said = f"{', '.join(self._first)}{more}"
        if strict or self._count > _LARGEST_SHARE * (self.rows + self._count):
            raise DoesNotFit(
                f"rows of {self._path.name} should have {self._width} cells: {said}",
                hint="put cells that contain the separator in double quotes",
            )
        return [f"{self._count:,} rows do not have {self._width} cells and are left out: {said}"]
