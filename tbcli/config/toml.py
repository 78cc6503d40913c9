"""Sections of plain values as TOML text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping


def to_toml(document: Mapping[str, Mapping[str, object]], comments: Mapping[str, str]) -> str:
    """Return the text.

    Args:
        document: ``{section: {name: value}}``.
        comments: What to write above a section or, as ``section.name``, above a value.
    """
    lines: list[str] = []
    for section, values in document.items():
        lines += [f"# {comments[section]}"] if section in comments else []
        lines.append(f"[{section}]")
        for name, value in values.items():
            comment = comments.get(f"{section}.{name}")
            lines += [f"# {comment}"] if comment else []
            lines.append(f"{_key(name)} = {_value(value)}")
        lines.append("")
    return "\n".join(lines)


def _value(value: object) -> str:
    # JSON's strings, numbers, booleans and lists of strings are TOML's too; but TOML forbids a raw DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _value(key)
