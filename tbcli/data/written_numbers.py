"""Numbers as cells have them: with commas, dots between thousands, or a sign of money."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tbcli.naming.numerals import looks_like_thousands

DECIMAL_COMMA, DECIMAL_POINT = "decimal comma", "decimal point"
"""The forms of numbers; the other sign then separates thousands."""
_WITH_COMMA = re.compile(r"[-+]?(\d*|[1-9]\d{0,2}(\.\d{3})+)(,\d+)?([eE][-+]?\d+)?")
_SIGNS = "%$€£¥"


def numbers_of_words(words: Sequence[str], separator: str, form: str = "") -> tuple[dict[str, float], str, str]:
    """Return the number of each word, their form, and what to say of it; nothing where not all words are numbers.

    Where a comma could be either, the file decides: where commas separate the cells, it separates thousands.

    Args:
        words: Different ones, none of them missing.
        separator: What separates the cells in a row.
        form: The only one that they may have, where it is known already.
    """
    if words and all(words) and (sign := _sign_of_all(words)):
        bare = {word: word.replace(sign, "").strip() for word in words}
        numbers, form, said = numbers_of_words(list(bare.values()), separator, form)
        numbers = {word: numbers[text] for word, text in bare.items()} if numbers else {}
        return numbers, form, said or f"numbers are read without {sign!r}"
    readings = {each: _read(words, each) for each in (DECIMAL_POINT, DECIMAL_COMMA) if form in ("", each)}
    possible = [each for each, numbers in readings.items() if numbers]
    if not possible:
        return {}, "", ""
    is_guess = len(possible) > 1
    chosen = DECIMAL_COMMA if is_guess and separator != "," else possible[0]
    if is_guess and readings[DECIMAL_POINT] == readings[DECIMAL_COMMA]:  # whole numbers
        return readings[DECIMAL_POINT], "", ""
    return readings[chosen], chosen, "" if form else _said(words, chosen, is_guess=is_guess)


def _read(words: Sequence[str], form: str) -> dict[str, float]:
    """Return the words as numbers of a form; nothing where one is none."""
    plain = {}
    for word in words:
        if "_" in word:
            return {}
        if form == DECIMAL_COMMA and _WITH_COMMA.fullmatch(word):
            plain[word] = word.replace(".", "").replace(",", ".")
        elif form == DECIMAL_POINT and looks_like_thousands(word):
            plain[word] = word.replace(",", "")
        elif form == DECIMAL_COMMA and "." in word:
            return {}
        else:
            plain[word] = word
    try:
        return {word: float(text) for word, text in plain.items()}
    except ValueError:
        return {}


def _said(words: Sequence[str], form: str, *, is_guess: bool) -> str:
    comma, dot = (next((word for word in words if sign in word), "") for sign in ",.")
    if form == DECIMAL_POINT:
        return f"numbers such as {comma} are read with a thousands comma" if comma and is_guess else ""
    said = [f"numbers such as {comma} are read with a decimal comma"] if comma else []
    said += [f"numbers such as {dot} are read with a thousands dot"] if dot and dot != comma else []
    return ", ".join(said)


def _sign_of_all(words: Sequence[str]) -> str:
    """Return the currency or per cent that stands before or behind each word; ``""`` if there is none."""
    return next(
        (sign for sign in _SIGNS if all(sign in (word[0], word[-1]) and word.count(sign) == 1 for word in words)), ""
    )
