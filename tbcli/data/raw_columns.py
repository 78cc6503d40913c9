"""Columns of a table as they are read: numbers, words or dates, whatever file they come from."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from tbcli.naming.numerals import MAYBE_THOUSANDS, looks_like_thousands

MISSING = frozenset(("", "na", "n/a", "nan", "null", "?", "<na>", "#n/a", "#na", "-nan"))
"""What stands in a cell without a value, in lower case."""
TRUTH = frozenset(("false", "true"))
"""Truth values, as they are spelt here."""
_MISSING_NUMBER = MISSING | {"none", "-", "--", "."}  # among words these could be words
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?")
_POINTED_THOUSANDS = re.compile(r"[-+]?\d{1,3}(\.\d{3})+,\d+")
_SIGNS = "%$€£¥"
_DATE = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})(?:[ T]+(\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?")
_NAMED_MONTHS = ("%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d-%b-%y")
_LONGEST_DATE = 40


@dataclass(frozen=True, slots=True)
class RawColumn:
    """One column.

    Args:
        name: As the header has it.
        values: Numbers ``[m]``, float64, NaN where missing; or dates ``[m]``, datetime64[s], NaT where missing; or
            positions in ``words`` ``[m]``, -1 where missing.
        words: The different words, in any order; None of numbers and dates.
    """

    name: str
    values: np.ndarray
    words: tuple[str, ...] | None = None

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
        return RawColumn(self.name, self.values[rows], self.words)


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
    name: str, codes: np.ndarray, cells: Sequence[str], separator: str = "", *, stays_words: bool = False
) -> tuple[RawColumn, str]:
    """Return the column whose cells are no plain numbers, and what was guessed; ``""`` if nothing was.

    Words that are numbers with commas, or dates, all of them, become those.

    Args:
        name: Of the column.
        codes: Position in ``cells`` ``[m]``.
        cells: The different cells as they stand in the file.
        separator: What separates the cells in a row.
        stays_words: Whether they are words in any case.
    """
    words = [cell.strip() for cell in cells]
    if {word.lower() for word in words} - MISSING <= TRUTH:  # one spelling, whatever wrote them
        words = [word.lower() for word in words]
    filled = sorted({word for word in words if word.lower() not in MISSING})
    numbers, guess = ({}, "") if stays_words else numbers_with_commas(filled, separator)
    if numbers:
        return RawColumn(name, np.array([numbers.get(word, math.nan) for word in words])[codes]), guess
    dates, guess = ({}, "") if stays_words else dates_in(filled)
    if dates:
        instants = [np.datetime64(dates[word], "s") if word in dates else np.datetime64("NaT", "s") for word in words]
        return RawColumn(name, np.array(instants, "datetime64[s]")[codes]), guess
    place = {word: i for i, word in enumerate(filled)}
    places = np.array([place.get(word, -1) for word in words], np.int64)
    return RawColumn(name, places[codes], tuple(filled)), ""


def numbers_with_commas(words: Sequence[str], separator: str) -> tuple[dict[str, float], str]:
    """Return the number of each word, and what was guessed; nothing where not all words are numbers.

    A comma is a decimal comma or separates thousands; where all that have one could be either, the file decides: where
    commas separate the cells, a comma in a number separates thousands.
    """
    words = [word for word in words if word.lower() not in _MISSING_NUMBER]
    if words and (sign := _sign_of_all(words)):
        bare = {word: word.replace(sign, "").strip() for word in words}
        try:
            numbers, guess = {text: float(text) for text in bare.values()}, ""
        except ValueError:
            numbers, guess = numbers_with_commas(list(bare.values()), separator)
        numbers = {word: numbers[text] for word, text in bare.items()} if numbers else {}
        return numbers, guess or f"numbers are read without {sign!r}"
    with_comma = [word for word in words if "," in word]
    if not with_comma or any("_" in word for word in words):
        return {}, ""
    is_ambiguous = all(map(MAYBE_THOUSANDS.fullmatch, with_comma))
    if any(map(_POINTED_THOUSANDS.fullmatch, with_comma)):
        plain, guess = {word: word.replace(".", "").replace(",", ".") for word in words}, ""
    elif is_ambiguous and separator != ",":
        plain = {word: word.replace(",", ".") for word in words}
        guess = f"numbers such as {with_comma[0]} are read with a decimal comma"
    elif is_ambiguous or all(map(looks_like_thousands, with_comma)):
        plain = {word: word.replace(",", "") for word in words}
        guess = f"numbers such as {with_comma[0]} are read with a thousands comma" if is_ambiguous else ""
    elif all(map(_DECIMAL_COMMA.fullmatch, with_comma)) and not any("." in word for word in words):
        plain, guess = {word: word.replace(",", ".") for word in words}, ""
    else:
        return {}, ""
    try:
        return {word: float(text) for word, text in plain.items()}, guess
    except ValueError:
        return {}, ""


def _sign_of_all(words: Sequence[str]) -> str:
    """Return the currency or per cent that stands before or behind each word; ``""`` if there is none."""
    return next(
        (sign for sign in _SIGNS if all(sign in (word[0], word[-1]) and word.count(sign) == 1 for word in words)), ""
    )


def dates_in(words: Sequence[str]) -> tuple[dict[str, str], str]:
    """Return each word as an ISO date, and what was guessed; nothing where not all words are dates."""
    if not words or not all(any(char.isdigit() for char in word) and len(word) <= _LONGEST_DATE for word in words):
        return {}, ""
    if dates := _iso_dates(words):
        return dates, ""
    if matched := [_DATE.fullmatch(word) for word in words]:
        found = [each for each in matched if each]
        if len(found) == len(words):
            return _numbered_dates(words, found)
    for form in _NAMED_MONTHS:
        try:
            return {word: datetime.strptime(word, form).isoformat() for word in words}, ""  # noqa: DTZ007 - a local day
        except ValueError:
            continue
    return {}, ""


def _iso_dates(words: Sequence[str]) -> dict[str, str]:
    """Return the dates of words in ISO 8601; the time zone is left out, the clock stays as it is."""
    try:
        return {word: datetime.fromisoformat(word).replace(tzinfo=None).isoformat() for word in words}
    except ValueError:
        return {}


def _numbered_dates(words: Sequence[str], matched: Sequence[re.Match[str]]) -> tuple[dict[str, str], str]:
    """Return dates of three numbers: year first or last, day and month in the only order that is possible."""
    parts = [(int(each[1]), int(each[3]), int(each[4])) for each in matched]
    if all(len(each[1]) == 4 for each in matched):
        days, guess = parts, ""
    elif all(len(each[4]) == 4 for each in matched):
        month_first = all(month <= 12 for month, _, _ in parts)
        day_first = all(month <= 12 for _, month, _ in parts)
        is_day_first = day_first and (not month_first or matched[0][2] == ".")
        days = [(year, month, day) if is_day_first else (year, day, month) for day, month, year in parts]
        is_guess = day_first and month_first and matched[0][2] != "."
        guess = f"dates such as {words[0]} are read month first" if is_guess else ""
    else:
        return {}, ""
    iso = [f"{y:04}-{m:02}-{d:02}T{_clock(each[5])}" for (y, m, d), each in zip(days, matched, strict=True)]
    try:
        return {word: datetime.fromisoformat(text).isoformat() for word, text in zip(words, iso, strict=True)}, guess
    except ValueError:
        return {}, ""


def _clock(text: str | None) -> str:
    return "00:00" if text is None else text.rjust(5, "0") if len(text) <= 5 else text.rjust(8, "0")
