"""Markdown as TensorBoard shows it: text that stays as it is, and tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def escaped(text: object, line_break: str = " ") -> str:
    """Return text that Markdown shows as it stands, also in a table: no markup, no link, no picture from the web."""
    special = r"[^\w\s.,:;/%=+@'\"?-]|_"
    as_entities = re.sub(special, lambda found: f"&#{ord(found[0])};", str(text).strip())
    # At the beginning of a line these would make a list, a heading, a rule, or code.
    lines = [re.sub(r"^\s*(\d*)([-+=.])(?!\d)", r"\1&#8203;\2", line.strip()) for line in as_entities.splitlines()]
    return line_break.join(lines)


def table(header: Sequence[str], rows: Iterable[Sequence[object]], *, numbers_from: int | None = None) -> str:
    """Return a Markdown table whose cells are escaped.

    Args:
        header: The names of the columns, written as they are.
        rows: As many cells each.
        numbers_from: The first column of numbers, which are aligned to the right. TensorBoard's page drops that; it is
            for who reads the Markdown itself.
    """
    numbers = len(header) if numbers_from is None else numbers_from
    rules = ["---" if column < numbers else "---:" for column in range(len(header))]
    lines = [header, rules, *([escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
