"""The plain part of YAML: nested settings of numbers, words and lists, as programs write them; no more.

Mappings in mappings become dotted names, ``optimizer.name``. What is tagged, an alias, a text of several lines or a
list of mappings is named as skipped, not guessed at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Setting = float | str | bool | list[Any]

_LINE = re.compile(r"""("[^"]*"|'[^']*'|[^\s'"\-#&*!|>%@`{}\[\],:][^:]*?)\s*:(?:\s+(.*?))?\s*""")
_QUOTED = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')\s*(?:\s#.*)?""")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_TOKEN = re.compile(
    r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[\[\]{},]|(?<=["']):|:(?=[\s,\[\]{}]|$)"""
    r"""|[^\s,\[\]{}"'](?:[^,\[\]{}:\n]|:(?=[^\s,\[\]{}]))*)"""
)
_INTEGER = re.compile(r"[-+]?\d+")
_FLOAT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_NOTHING = ("", "~", "null", "Null", "NULL")
_TUPLE = "!!python/tuple"
_DEEPEST = 20  # levels
_LONGEST_NAME = 40


class _NotPlainError(ValueError):
    """A value that is left out."""


class _Line(NamedTuple):
    indent: int
    text: str


def parse_plain_yaml(text: str) -> tuple[dict[str, Setting], list[str]]:
    """Return the settings by their dotted names, and the names of those skipped; a value of null is no setting."""
    lines = [
        _Line(len(line) - len(line.lstrip(" ")), line.strip(" "))
        for line in text.splitlines()
        if line.strip() and not line.lstrip().startswith("#") and not line.startswith(("---", "...", "%"))
    ]
    settings: dict[str, Setting] = {}
    skipped: dict[str, None] = {}
    for name, value in _mapping(lines, ""):
        if isinstance(value, _NotPlainError):
            settings.pop(name, None)
            skipped[name] = None
        elif value is not None:
            settings[name] = value
    return settings, list(skipped)


def _mapping(lines: Sequence[_Line], before: str) -> Iterator[tuple[str, Any]]:
    """Yield name and value of each entry of a block of lines; an error as the value of what is not plain."""
    for head, below in _entries(lines):
        found = _LINE.fullmatch(head.text) if ":" in head.text else None
        if found is None:
            yield before + head.text.split(":")[0].strip()[:_LONGEST_NAME], _NotPlainError()
            continue
        name, text = before + found[1].strip("\"'"), _without_comment(found[2] or "")
        try:
            if below and not text and not _is_item(below[0]):
                if name.count(".") >= _DEEPEST:
                    raise _NotPlainError
                yield from _mapping(below, f"{name}.")
            else:
                yield from _flat(name, _value(found[2] or "", below))
        except _NotPlainError as error:
            yield name, error


def _entries(lines: Sequence[_Line]) -> Iterator[tuple[_Line, list[_Line]]]:
    """Yield each line at the left edge of a block with those that belong to it; a list may begin at the same edge."""
    head, below = None, list[_Line]()
    for line in lines:
        if head is not None and (line.indent > head.indent or _is_item(line)):
            below.append(line)
            continue
        if head is not None:
            yield head, below
        head, below = line, []
    if head is not None:
        yield head, below


def _is_item(line: _Line) -> bool:
    return line.text == "-" or line.text.startswith("- ")


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}", inner)
    else:
        yield name, value


def _value(text: str, below: Sequence[_Line]) -> Any:
    """Return the value of a key: what stands behind it, and the lines below that.

    Raises:
        _NotPlainError: It is not plain.
    """
    if text[:1] in ("[", "{"):
        return _flow(" ".join(_without_comment(line) for line in (text, *(line.text for line in below))))
    if not below:
        return scalar(text)
    text = _without_comment(text)
    if text not in ("", _TUPLE) or not all(map(_is_item, below)) or len({line.indent for line in below}) > 1:
        raise _NotPlainError
    items = [line.text[1:].strip() for line in below]
    if any(_LINE.fullmatch(item) and item[:1] not in "[{" for item in items) or "" in items:  # a list of mappings
        raise _NotPlainError
    return [_value(item, ()) for item in items]


def _flow(text: str) -> Any:
    """Return what stands in braces or brackets, as in JSON."""
    tokens: list[str] = []
    place, text = 0, text.rstrip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise _NotPlainError
        tokens.append(found[1].strip())
        place = found.end()
    tokens.reverse()
    value = _flow_value(tokens, 0)
    if tokens:
        raise _NotPlainError
    return value


def _flow_value(tokens: list[str], depth: int) -> Any:
    sign = _next(tokens)
    if depth > _DEEPEST or sign in ("]", "}", ",", ":"):
        raise _NotPlainError
    if sign not in ("[", "{"):
        return scalar(sign)
    items: list[Any] = []
    end = "]" if sign == "[" else "}"
    while tokens and tokens[-1] != end:
        items.append(_flow_pair(tokens, depth) if sign == "{" else _flow_value(tokens, depth + 1))
        if tokens and tokens[-1] != end and _next(tokens) != ",":
            raise _NotPlainError
    _next(tokens)
    return dict(items) if sign == "{" else items


def _flow_pair(tokens: list[str], depth: int) -> tuple[str, Any]:
    key = str(scalar(_next(tokens)))
    if _next(tokens) != ":":
        raise _NotPlainError
    return key, _flow_value(tokens, depth + 1)


def _next(tokens: list[str]) -> str:
    if not tokens:
        raise _NotPlainError
    return tokens.pop()


def scalar(text: str) -> float | str | bool | None:
    """Return the value that a text stands for; None for null.

    Raises:
        _NotPlainError: It is not plain.
    """
    if text[:1] in ("'", '"'):
        found = _QUOTED.fullmatch(text)
        if found is None:
            raise _NotPlainError
        return found[1][1:-1].replace("''", "'") if text[0] == "'" else _unescaped(found[1])
    text = _without_comment(text)
    if text in _NOTHING:
        return None
    if text[0] in "&*!|>%@`{[":
        raise _NotPlainError
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) < 19 else text
    if _FLOAT.fullmatch(text):
        return float(re.sub(r"\.(?=inf|nan)", "", text.lower()))
    return text


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        raise _NotPlainError from None


def _without_comment(text: str) -> str:
    return _COMMENT.split(text, maxsplit=1)[0].strip()
