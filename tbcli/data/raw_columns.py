"""Columns of a table as they are read: numbers, words or dates, whatever file they come from."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tbcli.data.written_dates import DAY_FIRST, MONTH_FIRST, dates_in
from tbcli.data.written_numbers import DECIMAL_COMMA, DECIMAL_POINT, numbers_of_words

MISSING = frozenset(("", "na", "n/a", "nan", "null", "?", "<na>", "#n/a", "#na", "-nan"))
"""What stands in a cell without a value, in lower case."""
TRUTH = frozenset(("false", "true"))
"""Truth values, as they are spelt here."""
_MISSING_NUMBER = MISSING | {"none", "-", "--", "."}  # among words these could be words
WORD = "word"
"""The form of a column that holds words even where they look like numbers; others are those of numbers and dates."""
NUMBER = "number"
"""The form of one that holds numbers even where they have leading zeros, in whatever form the file has them."""
LEADING_ZERO = re.compile(r"^[ \t]*0\d+[ \t]*$", re.MULTILINE)
"""``007``: a word rather than a number."""


@dataclass(frozen=True, slots=True)
class RawColumn:
    """One column.

    Args:
        name: As the header has it.
        values: Numbers ``[m]``, float64, NaN where missing; or dates ``[m]``, datetime64[s], NaT where missing; or
            positions in ``words`` ``[m]``, -1 where missing.
        words: The different words, in any order; None of numbers and dates.
        form: How a file of text writes the numbers or dates, where it matters: ``decimal comma``, ``day first``.
        stand_ins: Words such as ``NA`` that were read as missing values, and in how many rows.
    """

    name: str
    values: np.ndarray
    words: tuple[str, ...] | None = None
    form: str = ""
    stand_ins: tuple[tuple[str, int], ...] = ()

    @property
    def kind(self) -> str:
        """Return ``number``, ``date`` or ``word``."""
        if self.words is not None:
            return "word"
        return "date" if self.values.dtype.kind == "M" else "number"

    @property
    def is_missing(self) -> np.ndarray:
        """Where there is no value ``[m]``."""
        if self.words is not None:
            return np.asarray(self.values < 0)
        return np.asarray(np.isnat(self.values) if self.kind == "date" else np.isnan(self.values))

    def chosen(self, rows: np.ndarray) -> RawColumn:
        """Return the column of some rows."""
        return RawColumn(self.name, self.values[rows], self.words, self.form, self.stand_ins)


@dataclass(frozen=True, slots=True)
class RawTable:
    """A table as it is read.

    Args:
        columns: All of them, in the order of the file.
        notes: What was found out or guessed, a sentence each.
        class_names: Names of the classes 0 to k-1 of the last column, where the file has them.
    """

    columns: tuple[RawColumn, ...]
    notes: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [column.name for column in self.columns]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.columns[0].values) if self.columns else 0

    def column(self, name: str) -> RawColumn:
        """Return the column of a name that is there."""
        return self.columns[self.names.index(name)]


def number_in_cell(text: str) -> float:
    """Return the number in a cell, NaN where there is no value.

    Raises:
        ValueError: There is something else.
    """
    try:
        return float(text)
    except ValueError:
        if text.strip().lower() in _MISSING_NUMBER:
            return math.nan
        raise


def column_of_words(
    name: str, codes: np.ndarray, cells: Sequence[str], separator: str = "", form: str = ""
) -> tuple[RawColumn, str]:
    """Return the column whose cells are no plain numbers, and what to say of it; ``""`` if nothing.

    Words that are numbers with commas, or dates, all of them, become those.

    Args:
        name: Of the column.
        codes: Position in ``cells`` ``[m]``.
        cells: The different cells as they stand in the file.
        separator: What separates the cells in a row.
        form: What is known of it already; ``""`` if nothing.
    """
    words = [cell.strip() for cell in cells]
    if {word.lower() for word in words} - MISSING <= TRUTH:  # one spelling, whatever wrote them
        words = [word.lower() for word in words]
    filled = sorted({word for word in words if word.lower() not in MISSING})
    padded = next(filter(LEADING_ZERO.match, filled), "") if not form else ""
    numbers: dict[str, float] = {}
    dates: dict[str, str] = {}
    found = said = ""
    if padded:
        said = f"numbers with leading zeros such as {padded} are treated as words"
    elif form not in (WORD, DAY_FIRST, MONTH_FIRST):
        known = form if form in (DECIMAL_COMMA, DECIMAL_POINT) else ""
        numbers, found, said = numbers_of_words(
            [word for word in filled if word.lower() not in _MISSING_NUMBER], separator, known
        )
    if numbers:
        return RawColumn(name, np.array([numbers.get(word, math.nan) for word in words])[codes], form=found), said
    if not padded and form in ("", DAY_FIRST, MONTH_FIRST):
        dates, found, said = dates_in(filled, form)
    if dates:
        instants = [np.datetime64(dates[word], "s") if word in dates else np.datetime64("NaT", "s") for word in words]
        return RawColumn(name, np.array(instants, "datetime64[s]")[codes], form=found), said
    place = {word: i for i, word in enumerate(filled)}
    places = np.array([place.get(word, -1) for word in words], np.int64)
    is_mere_padding = padded and all(map(_is_numeral, filled))
    counts = np.bincount(codes, minlength=len(words))
    stand_ins = tuple((word, int(n)) for word, n in zip(words, counts, strict=True) if word and word.lower() in MISSING)
    return RawColumn(name, places[codes], tuple(filled), stand_ins=stand_ins), said if is_mere_padding else ""


def _is_numeral(word: str) -> bool:
    try:
        number_in_cell(word)
    except ValueError:
        return False
    return True
