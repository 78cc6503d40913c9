"""Long names made short, so that no two of them become the same, and long lists of them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import takewhile

ELLIPSIS = "…"
_SEPARATORS = "_-/. :"
_LEAST_SHARED = 4  # characters that names must share before that part is left out
_HEADS = (0.5, 0.3, 0.7, 0.0, 1.0)  # shares of a cut name that its beginning takes, in the order they are tried
_JOINERS = "\u200d\ufe0f"  # of composed emoji


def few(texts: Sequence[str], most: int = 3, *, last: bool = False) -> str:
    """Return texts with commas between; of many the first, or the last, and how many more there are."""
    more = len(texts) - most
    shown = texts[max(0, more) :] if last else texts[:most]
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def shortened_names(names: Sequence[str], room: float, width: Callable[[str], float] = len) -> list[str]:
    """Return names that fit; different names stay different.

    Where one is too wide, the part that all share is left out; what is still too wide is cut in the middle. Names that
    would then look alike are cut where they differ, or numbered by their position, from 0.

    Args:
        names: One line each.
        room: The width that each may take.
        width: Measures a text; counts characters unless given.
    """
    if all(width(name) <= room for name in names):
        return list(names)
    for candidates in (_without_shared(names), [*names]):
        for head in _HEADS:
            short = [_cut(name, room, width, head) for name in candidates]
            if _as_many(short, names):
                return short
    return _told_apart(names, [_cut(name, room, width, _HEADS[0]) for name in names], room, width)


def number_duplicates(names: Sequence[str]) -> list[str]:
    """Return the names, with its position, from 0, behind each that occurs more than once."""
    counts = Counter(names)
    numbered = [f"{name} #{number}" if counts[name] > 1 else name for number, name in enumerate(names)]
    if len(set(numbered)) == len(names):
        return numbered
    return [f"{name} #{number}" for number, name in enumerate(names)]  # one of them was called `cat #3`


def _as_many(short: Sequence[str], names: Sequence[str]) -> bool:
    return len(set(short)) == len(set(names))


def _without_shared(names: Sequence[str]) -> list[str]:
    """Return the names without the words that all of them begin and end with."""
    different = list(dict.fromkeys(names))
    if len(different) < 2:
        return list(names)
    start = _word_start(different[0], _shared_start(different))
    stripped = [name[start:] for name in different]
    backwards = [name[::-1] for name in stripped]
    end = _word_start(backwards[0], _shared_start(backwards))
    start, end = (length if length >= _LEAST_SHARED else 0 for length in (start, end))
    return [(ELLIPSIS if start else "") + name[start : len(name) - end] + (ELLIPSIS if end else "") for name in names]


def _shared_start(texts: Sequence[str]) -> int:
    """Return how many characters all texts begin with."""
    return sum(1 for _ in takewhile(lambda chars: len(set(chars)) == 1, zip(*texts, strict=False)))


def _word_start(text: str, shared: int) -> int:
    """Return how many of the shared characters end a word, so that no word is torn where words can be seen."""
    ends = [place + 1 for place, char in enumerate(text[:shared]) if char in _SEPARATORS]
    return ends[-1] if ends else shared


def _cut(text: str, room: float, width: Callable[[str], float], head: float) -> str:
    """Return the text, its middle left out where it is too wide; ``head`` is the share that its beginning takes."""
    if width(text) <= room:
        return text

    def kept(count: int) -> str:
        first = round(count * head)
        start, end = text[:first].rstrip(), _whole(text[len(text) - (count - first) :]).lstrip()
        return f"{start.rstrip(ELLIPSIS)}{ELLIPSIS}{end.lstrip(ELLIPSIS)}"

    fits, too_many = 0, len(text)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if width(kept(middle)) <= room:
            fits = middle
        else:
            too_many = middle
    return kept(fits)


def _whole(text: str) -> str:
    """Return the text without the marks at its start that belong to a letter before it."""
    while text and (unicodedata.category(text[0]).startswith("M") or text[0] in _JOINERS):
        text = text[1:]
    return text


def _told_apart(names: Sequence[str], short: Sequence[str], room: float, width: Callable[[str], float]) -> list[str]:
    """Return the short names, those that look alike cut where they differ, else numbered."""
    result = list(short)
    for text in [text for text, count in Counter(short).items() if count > 1]:
        group = [number for number, one in enumerate(short) if one == text]
        shared = _shared_start([names[number] for number in group])
        for number in group:
            name = names[number]
            result[number] = _cut(name[: max(1, shared // 4)] + ELLIPSIS + name[shared:], room, width, 0.6)
    if _as_many(result, names):
        return result
    seen = Counter(result)
    first = {name: number for number, name in reversed(list(enumerate(names)))}
    return [
        text if seen[text] == names.count(name) else _numbered(name, first[name], room, width)
        for name, text in zip(names, result, strict=True)
    ]


def _numbered(name: str, number: int, room: float, width: Callable[[str], float]) -> str:
    tail = f"#{number}"
    return _cut(name, max(0.0, room - width(tail)), width, 1.0) + tail
