"""Dates as cells have them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

DAY_FIRST, MONTH_FIRST = "day first", "month first"
"""The forms of dates whose year stands last."""
_DATE = re.compile(r"(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})(?:[ T]+(\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?")
_NAMED_MONTHS = ("%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d-%b-%y")
_LONGEST_DATE = 40


def dates_in(words: Sequence[str], form: str = "") -> tuple[dict[str, str], str, str]:
    """Return each word as an ISO date, their form, and what was guessed; nothing where not all words are dates.

    Args:
        words: Different ones, none of them missing.
        form: Whether days or months stand first, where it is known already.
    """
    if not words or not all(any(char.isdigit() for char in word) and len(word) <= _LONGEST_DATE for word in words):
        return {}, "", ""
    if dates := _iso_dates(words):
        return dates, "", ""
    found = [each for each in map(_DATE.fullmatch, words) if each]
    if len(found) == len(words):
        return _numbered_dates(words, found, form)
    for named in _NAMED_MONTHS:
        try:
            return {word: datetime.strptime(word, named).isoformat() for word in words}, "", ""  # noqa: DTZ007 - a local day
        except ValueError:
            continue
    return {}, "", ""


def _iso_dates(words: Sequence[str]) -> dict[str, str]:
    """Return the dates of words in ISO 8601; the time zone is left out, the clock stays as it is."""
    try:
        return {word: datetime.fromisoformat(word).replace(tzinfo=None).isoformat() for word in words}
    except ValueError:
        return {}


def _numbered_dates(
    words: Sequence[str], matched: Sequence[re.Match[str]], form: str
) -> tuple[dict[str, str], str, str]:
    """Return dates of three numbers: year first or last, day and month in the order of the form, or a possible one."""
    parts = [(int(each[1]), int(each[3]), int(each[4])) for each in matched]
    guess = ""
    if all(len(each[1]) == 4 for each in matched):
        days, form = parts, ""
    elif all(len(each[4]) == 4 for each in matched):
        month_first = all(month <= 12 for month, _, _ in parts)
        day_first = all(month <= 12 for _, month, _ in parts)
        if not form:
            form = DAY_FIRST if day_first and (not month_first or matched[0][2] == ".") else MONTH_FIRST
            is_guess = day_first and month_first and matched[0][2] != "."
            guess = f"dates such as {words[0]} are read month first" if is_guess else ""
        days = [(year, month, day) if form == DAY_FIRST else (year, day, month) for day, month, year in parts]
    else:
        return {}, "", ""
    iso = [f"{y:04}-{m:02}-{d:02}T{_clock(each[5])}" for (y, m, d), each in zip(days, matched, strict=True)]
    try:
        dates = {word: datetime.fromisoformat(text).isoformat() for word, text in zip(words, iso, strict=True)}
    except ValueError:
        return {}, "", ""
    return dates, form, guess


def _clock(text: str | None) -> str:
    return "00:00" if text is None else text.rjust(5, "0") if len(text) <= 5 else text.rjust(8, "0")
