"""A comparison for a person: as tables, and as Markdown."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tbcli.cli.output import is_terminal, padded, printable, shortened, styled, wants_colour
from tbcli.cli.render.shown import shown_metric
from tbcli.comparison import ended_early
from tbcli.grouping import configurations_of
from tbcli.naming.matching import listed
from tbcli.naming.shortening import shortened_names
from tbcli.runs.comparable import UNKNOWN
from tbcli.welch import CANNOT_TELL, DIFFERS

if TYPE_CHECKING:
    from tbcli.comparison import Cell, Comparison, Row
    from tbcli.grouping import Side
    from tbcli.welch import Difference

GAP = 2
GUESSED = "?"
_UNKNOWN_DATA = "data unknown"
_INCOMPARABLE = ("tasks differ", "data differ", _UNKNOWN_DATA)
NARROWEST = 16  # of a name
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def shown_or_dash(value: float | None) -> str:
    """Return a metric, ``-`` for None."""
    return "-" if value is None else shown_metric(value)


def letter_of(position: int) -> str:
    """Return the letters of a column: A to Z, then AA, AB and so on."""
    more, last = divmod(position, len(LETTERS))
    return (letter_of(more - 1) if more else "") + LETTERS[last]


def as_table_lines(comparison: Comparison) -> list[str]:
    """Return the legend, the metrics, and the settings that differ; on a terminal in blocks that fit its width."""
    width = shutil.get_terminal_size().columns if is_terminal(sys.stdout) else 0
    blocks = [
        _legend(comparison, width),
        *_blocks(_metric_columns(comparison, width), width),
        _guesses(comparison),
        _noise_lines(comparison, width),
        *_blocks(_setting_columns(comparison, width), width),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block).split("\n")


def _legend(comparison: Comparison, width: int) -> list[str]:
    rows = _legend_rows(comparison)
    if width:
        room = width - 2 * GAP - sum(max(len(row[i]) for row in rows) for i in (0, 2))
        labels = shortened_names([label for _, label, _ in rows], max(NARROWEST, room))
        rows = [[letter, label, notes] for (letter, _, notes), label in zip(rows, labels, strict=True)]
    return padded(rows)


def _legend_rows(comparison: Comparison) -> list[list[str]]:
    """Return letter, label and notes of each side."""
    grouped, rows = _is_grouped(comparison), []
    for position, side in enumerate(comparison.sides):
        early = ended_early(side.members[0]) if len(side.members) == 1 else ""
        notes = [_size(side)] if grouped else []
        notes += [early] if early else []
        notes += ["baseline"] if position == comparison.baseline else []
        rows.append([letter_of(position), printable(side.label), ", ".join(notes)])
    return rows


def _size(side: Side) -> str:
    """Return of how many runs a group is, and of how many configurations where these are fewer, but several."""
    runs, configurations = len(side.members), configurations_of(side.members)
    return f"n={runs}, {configurations} configurations" if 1 < configurations < runs else f"n={runs}"


def _is_grouped(comparison: Comparison) -> bool:
    return any(len(side.members) > 1 for side in comparison.sides)


Column = list[str]
"""The cells of a column, its heading first."""


def _metric_columns(comparison: Comparison, width: int) -> tuple[list[Column], list[list[Column]], list[Column]]:
    """Return the columns that lead every block, those of each side, and those that end every block."""
    rows = comparison.rows
    shown = _fitting([printable(row.metric) for row in rows], width)
    names = ["" if i and rows[i - 1].metric == row.metric else shown[i] for i, row in enumerate(rows)]
    base = comparison.baseline
    leading = [["METRIC", *names], ["AT", *(row.at or "-" for row in rows)]]
    sides = []
    for position in (base, *(i for i in range(len(comparison.sides)) if i != base)):
        cells = [row.cells[position] for row in rows]
        columns = [[letter_of(position), *_values(cells, comparison.sides[position])]]
        if position != base:
            columns.append([f"{letter_of(position)} - {letter_of(base)}", *map(_difference, cells)])
        if position != base and len(comparison.sides) == 2:
            columns.append(["%", *map(_relative, cells)])
        sides.append(columns)
    better = [["BETTER" if len(sides) == 2 else "BEST", *(_best(row) for row in rows)]]
    return [*leading, *sides[0]], sides[1:], better if len(sides) > 1 else []


def _fitting(names: list[str], width: int) -> list[str]:
    """Return names that take at most a third of a terminal; different names stay different."""
    return shortened_names(names, max(NARROWEST, width // 3)) if width else names


def _guesses(comparison: Comparison) -> list[str]:
    """Return a line for each direction that was guessed and decides a best, naming the metrics."""
    guessed: dict[str, dict[str, None]] = {}
    for row in comparison.rows:
        if row.direction.is_guessed and (row.best is not None or row.tied):
            guessed.setdefault(row.direction.note, {})[printable(row.metric)] = None
    return [f"{GUESSED} {note} {listed(list(names))}" for note, names in guessed.items()]


def _noise_lines(comparison: Comparison, width: int) -> list[str]:
    """Return for each group in which metrics it differs from the baseline by more than noise, and in which not."""
    found: dict[str, list[int]] = {}
    for position in range(len(comparison.sides)):
        said: dict[str, list[str]] = {}
        for row in comparison.rows:
            if (noise := row.cells[position].noise) is not None:
                p = "" if noise.p is None else f" (p {_p(noise.p)})"
                said.setdefault(_noise_words(noise), []).append(f"{printable(row.metric)} {row.at}".rstrip() + p)
        for words, metrics in said.items():
            found.setdefault(f"{words}: {', '.join(metrics)}", []).append(position)
    base = letter_of(comparison.baseline)
    each = (f"{_letters(positions)} against {base}: {text}" for text, positions in found.items())
    lines = [line for text in each for line in wrapped(text, width)]
    tested = [cell.noise for row in comparison.rows for cell in row.cells if cell.noise and cell.noise.p is not None]
    return [*lines, *wrapped(_on_tests(comparison, len(tested)), width)] if tested else lines


def _letters(positions: Sequence[int]) -> str:
    """Return the letters of sides in rising order: ``B``, ``B, D``, ``B to X``."""
    if len(positions) > 2 and positions[-1] - positions[0] == len(positions) - 1:
        return f"{letter_of(positions[0])} to {letter_of(positions[-1])}"
    return ", ".join(map(letter_of, positions))


def _noise_words(noise: Difference) -> str:
    if noise.verdict == CANNOT_TELL:
        return f"cannot tell ({noise.why})"
    words = "differs more than noise would" if noise.verdict == DIFFERS else "no more than noise"
    return f"{words}, n {noise.n[1]} and {noise.n[0]}{noise.caveat}"


def _on_tests(comparison: Comparison, count: int) -> str:
    groups = len(comparison.sides) - 1
    corrected = f", corrected for {groups} groups (Holm)" if groups > 1 else ""
    more = f"; of {count} such tests about one in twenty differs by chance alone" if count > 1 and groups == 1 else ""
    return f"p: Welch's t-test{corrected}{more}{_on_others(comparison)}"


def _on_others(comparison: Comparison) -> str:
    """Return what has to be known of groups whose runs differ in other settings, too; ``""`` for others."""
    if all(configurations_of(side.members) == 1 for side in comparison.sides):
        return ""
    told = "; other settings vary within groups, which is noise here: `tbcli effects METRIC` tells what each does"
    is_fewer = any(configurations_of(side.members) < len(side.members) for side in comparison.sides)
    seeds = "; its n counts configurations, each the mean of its seeds, where the table's n and ± are over all runs"
    return told + seeds if is_fewer else told


def wrapped(text: str, width: int) -> list[str]:
    """Return a sentence in lines that fit a window; as it is where the width is 0."""
    return textwrap.wrap(text, width, subsequent_indent="  ", break_on_hyphens=False) if width else [text]


def _p(p: float) -> str:
    return f"{p:.2g}" if p >= 0.0001 else "<0.0001"


def _values(cells: Sequence[Cell], side: Side) -> Iterator[str]:
    """Yield the values; behind a best one its epoch, behind a mean its deviation, and its n where runs lack a value."""
    epochs = max((len(str(cell.epoch)) for cell in cells if cell.epoch is not None), default=0)
    for cell in cells:
        text = shown_or_dash(cell.value)
        if cell.deviation is not None:
            text += f" ± {cell.deviation:.4f}" if "e" not in text else f" ± {cell.deviation:.2g}"
        if len(side.members) > 1 and cell.value is not None and cell.n < len(side.members):
            text += f" (n={cell.n})"
        if epochs:
            at = f" @{cell.epoch}" if cell.epoch is not None else ""
            text += at.ljust(epochs + 2)
        yield text


def _difference(cell: Cell) -> str:
    if not cell.difference:
        return "-" if cell.difference is None else "0"
    return f"{cell.difference:+.4f}" if abs(cell.difference) >= 0.001 else f"{cell.difference:+.2g}"


def _relative(cell: Cell) -> str:
    return "-" if cell.relative is None else f"{cell.relative:+.2%}".replace("%", "")


def _best(row: Row) -> str:
    if row.differs:
        return _UNKNOWN_DATA if row.differs == UNKNOWN else f"{row.differs} differ"
    if row.best is None and not row.tied:
        return "-"
    letters = ", ".join(map(letter_of, row.tied or (row.best or 0,)))
    return f"{letters} {GUESSED}" if row.direction.is_guessed else letters


def _setting_columns(comparison: Comparison, width: int) -> tuple[list[Column], list[list[Column]], list[Column]]:
    settings = comparison.settings
    if not settings:
        return [], [], []
    longest = max(16, width // 3) if width else sys.maxsize
    return (
        [["SETTING", *_fitting(list(map(printable, settings)), width)]],
        [
            [
                [
                    letter_of(position),
                    *(shortened(printable(_setting(values[position])), longest) for values in settings.values()),
                ]
            ]
            for position in range(len(comparison.sides))
        ],
        [],
    )


def _setting(value: str | None) -> str:
    return "-" if value is None else value or '""'


def _blocks(columns: tuple[list[Column], list[list[Column]], list[Column]], width: int) -> Iterator[list[str]]:
    """Yield tables of as many sides as fit a window; of all sides where the width is 0."""
    leading, sides, ending = columns
    if not leading:
        return
    fixed = _width(leading) + _width(ending)
    while True:
        taken = 1
        while taken < len(sides) and (not width or fixed + sum(map(_width, sides[: taken + 1])) - GAP <= width):
            taken += 1
        yield _lines([*leading, *(column for side in sides[:taken] for column in side), *ending])
        sides = sides[taken:]
        if not sides:
            return


def _width(columns: Sequence[Column]) -> int:
    return sum(max(map(len, column)) + GAP for column in columns)


def _lines(columns: Sequence[Column]) -> list[str]:
    titles = [column[0] for column in columns]
    numeric = {i for i, title in enumerate(titles) if titles[0] == "METRIC" and title not in ("METRIC", "AT")}
    rows = list(zip(*columns, strict=True))

    def paint(column: int, cell: str) -> str:
        is_winner = titles[column] in ("BETTER", "BEST") and cell.strip() not in (titles[column], "-", *_INCOMPARABLE)
        return styled(cell, "green", sys.stdout) if is_winner else cell

    return padded(rows, right=numeric, paint=paint if wants_colour(sys.stdout) else None)


def as_markdown_lines(comparison: Comparison) -> list[str]:
    """Return the same as Markdown tables."""
    from tbcli.gates.reports import markdown_text

    lines = [
        f"- **{letter}**: {markdown_text(label)}{f' ({notes})' if notes else ''}"
        for letter, label, notes in _legend_rows(comparison)
    ]
    for leading, sides, ending in (_metric_columns(comparison, 0), _setting_columns(comparison, 0)):
        if not leading:
            continue
        columns = [*leading, *(column for side in sides for column in side), *ending]
        rows = list(zip(*columns, strict=True))
        numeric = leading[0][0] == "METRIC"
        lines += ["", _markdown_row(list(rows[0]))]
        lines.append("|" + "|".join("---:" if numeric and i > 1 else "---" for i in range(len(columns))) + "|")
        lines += [_markdown_row([markdown_text(cell) for cell in row]) for row in rows[1:]]
        guesses = _guesses(comparison) if numeric else []
        lines += ["", *map(markdown_text, guesses)] if guesses else []
        noise = _noise_lines(comparison, 0) if numeric else []
        lines += ["", *(f"- {markdown_text(line)}" for line in noise)] if noise else []
    return lines


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
