"""Help topics: Markdown files of the package, listed, read, and shown on a terminal."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from tbcli.cli.output import is_terminal, padded, styled
from tbcli.errors import ConfigError

DIRECTORY = Path(__file__).parents[1] / "help"
WIDEST = 100  # columns; longer lines are hard to read
_BULLET = re.compile(r"^(- |\d+\. )")
_CODE = re.compile(r"`[^`]+`")


def topics() -> dict[str, Path]:
    """Return the files of the topics by name."""
    return {path.stem: path for path in sorted(DIRECTORY.glob("*.md"))}


def list_topics() -> list[str]:
    """Return a line per topic: its name and its title."""
    return padded([[name, path.read_text("utf-8").partition("\n")[0].lstrip("# ")] for name, path in topics().items()])


def complete_topic(incomplete: str) -> list[str]:
    """Offer topics and commands to a shell."""
    from tbcli.cli.app import COMMANDS

    return [name for name in (*topics(), *COMMANDS) if name.startswith(incomplete)]


def read_topic(name: str, commands: Iterable[str] = ()) -> str:
    """Return the Markdown of a topic.

    Args:
        name: The topic.
        commands: What else can be asked for, for the hint.

    Raises:
        ConfigError: There is no such topic.
    """
    known = topics()
    if name not in known:
        from tbcli.naming.matching import did_you_mean

        raise ConfigError(f"no help on {name!r}", hint=did_you_mean(name, [*known, *commands]))
    return known[name].read_text("utf-8")


def rendered(markdown: str) -> list[str]:
    """Return the lines of a topic: for a terminal wrapped and styled, else as they are."""
    if not is_terminal(sys.stdout):
        return markdown.rstrip().splitlines()
    width = min(shutil.get_terminal_size().columns, WIDEST)
    return list(_blocks(markdown.rstrip().splitlines(), width))


def _blocks(lines: list[str], width: int) -> Iterator[str]:
    """Yield what a person sees of headings, tables, code and paragraphs."""
    in_code = False
    kinds = []
    for line in lines:
        if line.startswith("```"):
            in_code = not in_code
            kinds.append("fence")
        else:
            kinds.append("code" if in_code else _kind(line))
    for kind, group in groupby(zip(kinds, lines, strict=True), key=lambda pair: pair[0]):
        block = [line for _, line in group]
        match kind:
            case "heading":
                yield from (styled(line.lstrip("# "), "bold", sys.stdout) for line in block)
            case "code":
                yield from (f"    {line}" for line in block)
            case "table":
                yield from _table(block, width)
            case "text":
                yield from _wrapped(block, width)
            case "blank":
                yield ""


def _kind(line: str) -> str:
    if not line.strip():
        return "blank"
    return "heading" if line.startswith("#") else "table" if line.startswith("|") else "text"


def _wrapped(lines: list[str], width: int) -> Iterator[str]:
    """Yield paragraphs and bullets wrapped; a line that does not begin a bullet continues the one before."""
    paragraphs: list[str] = []
    for line in lines:
        if _BULLET.match(line) or not paragraphs:
            paragraphs.append(line.strip())
        else:
            paragraphs[-1] += f" {line.strip()}"
    for paragraph in paragraphs:
        bullet = _BULLET.match(paragraph)
        indent = " " * len(bullet[0]) if bullet else ""
        yield from _styled(textwrap.wrap(paragraph, width, subsequent_indent=indent, break_on_hyphens=False))


def _table(lines: list[str], width: int) -> Iterator[str]:
    """Yield a table in columns, the last of them wrapped."""
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))] for line in lines]
    rows = [row for row in rows if not all(re.fullmatch(r":?-+:?", cell) for cell in row)]
    rows = [[cell.replace(r"\|", "|") for cell in row] for row in rows]
    first = [line.ljust(0) for line in padded([row[:-1] for row in rows])]
    start = max(map(len, first)) + 2
    for i, (left, row) in enumerate(zip(first, rows, strict=True)):
        right = textwrap.wrap(row[-1], max(width - start, 20), break_on_hyphens=False) or [""]
        whole = [f"{(left if j == 0 else '').ljust(start)}{part}".rstrip() for j, part in enumerate(right)]
        yield from (styled(line, "bold", sys.stdout) for line in whole) if i == 0 else _styled(whole)


def _styled(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines with their code in a colour."""
    for line in lines:
        yield _CODE.sub(lambda found: styled(found[0], "cyan", sys.stdout), line)
