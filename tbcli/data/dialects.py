"""How a text file with a table in it is written: its encoding, its separator, its header."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tbcli.data.encodings import OLD, beginning_of
from tbcli.data.raw_columns import MISSING, number_in_cell
from tbcli.errors import DoesNotFit

SEPARATORS = ("\t", ";", "|", ",", " ")
"""In the order in which they are tried: in a file with ``;``, a comma may be a decimal one."""
_SEPARATOR_NAMES = {"\t": "tabs", ";": "semicolons", "|": "vertical bars", " ": "blanks"}
_SAMPLE_ROWS = 200
_LEAST_REGULAR = 0.9  # share of rows that have equally many cells
_NO_TABLES = ("<!doctype", "<html", "<?xml", "<svg", "{", "[{")  # but pages and JSON
_LONGEST_EXAMPLE = 40  # characters
_YEARS = range(1900, 2101)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written.

    Args:
        encoding: Of its text.
        separator: Between the cells of a row.
        names: Of the columns.
        skipped: Rows that stand before the first row of values.
        notes: What was found out, a sentence each.
        class_names: Names of the classes of the last column, where the first row has them.
        promised_rows: How many rows the first row promises; 0 where it does not.
    """

    encoding: str
    separator: str
    names: tuple[str, ...]
    skipped: int
    notes: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    promised_rows: int = 0


def find_dialect(path: Path) -> Dialect:
    """Find out how a file is written.

    Raises:
        DoesNotFit: There is no table of text in it, or two columns have one name.
    """
    encoding, text = beginning_of(path)
    lines = [line for line in io.StringIO(text, newline="") if line.strip()]
    if not lines:
        raise DoesNotFit(f"{path.name} is empty", hint="the first row names the columns, the others hold values")
    if lines[0].lower().lstrip().startswith(_NO_TABLES):
        raise DoesNotFit(
            f"{path.name} is not a table: it begins with {lines[0].strip()[:_LONGEST_EXAMPLE]!r}",
            hint="a table is CSV, TSV or Parquet",
        )
    comments, told = _leading_lines(lines)
    separator = told or _find_separator(lines[comments:])
    rows = _rows(lines[comments:], separator)
    if not rows:
        raise DoesNotFit(f"{path.name} has no rows", hint="the first row names the columns, the others hold values")
    notes = [f"text that is not UTF-8 is read as {OLD[encoding]}"] if encoding in OLD else []
    if separator in _SEPARATOR_NAMES and (separator, path.suffix) != ("\t", ".tsv"):
        notes.append(f"cells are separated by {_SEPARATOR_NAMES[separator]}")
    if dialect := _with_counts_first(rows, encoding, separator, notes):
        return replace(dialect, skipped=comments + 1)
    width = _usual_width(rows)
    has_header, is_guess = _has_header(rows)
    commented = _rows([lines[comments - 1].lstrip("# ")], separator) if comments and not told else []
    if not has_header and commented and len(commented[0]) == width:  # as numpy.savetxt writes it
        names = _names(path, commented[0], width)
    elif not has_header:
        names = tuple(f"c{i}" for i in range(width))
        notes.append(f"there is no header row: columns are named c0{f' to c{width - 1}' if width > 1 else ''}")
    else:
        names = _names(path, rows[0], width)
        notes += ["the first row is assumed to be the header"] if is_guess else []
    return Dialect(encoding, separator, names, comments + int(has_header), tuple(notes))


def read_rows(file: io.TextIOBase | Sequence[str], separator: str) -> csv.Reader:  # type: ignore[name-defined] # typeshed
    """Return a reader of the rows."""
    return csv.reader(file, delimiter=separator, skipinitialspace=True)


def is_blank(row: Sequence[str]) -> bool:
    """Say whether a row has nothing in it."""
    return not any(cell and not cell.isspace() for cell in row)


def _rows(lines: Sequence[str], separator: str) -> list[list[str]]:
    rows: list[list[str]] = []
    with suppress(csv.Error):  # which is told when all of the file is read
        for row in read_rows(lines, separator):
            if not is_blank(row):
                rows.append(row)
            if len(rows) >= _SAMPLE_ROWS:
                break
    return _without_last_separator(rows)


def _without_last_separator(rows: list[list[str]]) -> list[list[str]]:
    """Return rows that all end with a separator without the empty cell behind it."""
    longest = max(map(len, rows), default=0)
    if longest > 1 and all(not row[-1] for row in rows if len(row) == longest):
        return [row[: longest - 1] for row in rows]
    return rows


def _leading_lines(lines: Sequence[str]) -> tuple[int, str]:
    """Return how many lines stand before the table, and the separator where one of them tells it, as in Excel's."""
    if found := re.fullmatch(r'"?sep=(.)"?\s*', lines[0], re.IGNORECASE):
        return 1, found[1]
    is_comment = [bool(re.match(r"#+[^#,;|\t]", line)) for line in lines]
    count = is_comment.index(False) if False in is_comment else 0
    return count, ""


def _find_separator(lines: Sequence[str]) -> str:
    """Return what separates the cells: the first of those by which nearly all rows have equally many."""
    best, best_share = "", 0.0
    for separator in SEPARATORS:
        widths = Counter(len(row) for row in _rows(lines, separator))
        width, count = max(widths.items(), key=lambda item: item[1], default=(0, 0))
        share = count / max(1, widths.total())
        is_likely = width > 1 and (separator != " " or share == 1)  # a few words in each cell are no columns
        if is_likely and share > best_share + 0.05 and best_share < _LEAST_REGULAR:
            best, best_share = separator, share
    return best or ","


def _usual_width(rows: Sequence[Sequence[str]]) -> int:
    return Counter(map(len, rows)).most_common(1)[0][0]


def _with_counts_first(
    rows: Sequence[Sequence[str]], encoding: str, separator: str, notes: Sequence[str]
) -> Dialect | None:
    """Return the dialect of scikit-learn's files, whose first row is: rows, columns, names of the classes."""
    first = rows[0]
    if len(rows) < 2 or len(first) < 2 or not (first[0].isdigit() and first[1].isdigit()):
        return None
    width, classes = _usual_width(rows[1:]), tuple(cell.strip() for cell in first[2:])
    numbers = {str(i) for i in range(len(classes))}
    has_numbers = all(row[-1].strip() in numbers for row in rows[1:])
    if int(first[1]) != width - 1 or len(classes) < 2 or not has_numbers or any(map(_is_number, classes)):
        return None
    names = (*(f"c{i}" for i in range(width - 1)), "target")
    said = (
        f"the first row is in scikit-learn's format: number of rows, of columns, and the classes; "
        f"columns are named c0 to c{width - 2} and target"
    )
    return Dialect(encoding, separator, names, 1, (*notes, said), classes, int(first[0]))


def _has_header(rows: Sequence[Sequence[str]]) -> tuple[bool, bool]:
    """Say whether the first row names the columns, and whether that is a guess."""
    first, width = rows[0], _usual_width(rows)
    body = [row for row in rows[1:] if len(row) == width]
    if not body or len(first) != width:
        return not any(_is_number(cell) for cell in first), False
    numeric = [i for i in range(width) if _is_numeric([row[i] for row in body])]
    named = [i for i in numeric if not _is_number(first[i]) and first[i].strip().lower() not in MISSING]
    if named:
        return True, False
    others = [i for i in range(width) if i not in numeric]
    is_seen = any(first[i] in {row[i] for row in body} for i in others)
    if not numeric:
        return not is_seen and len(set(first)) == width, True
    if [cell.strip() for cell in first if cell.strip()] == [str(i) for i in range(width - (not first[0].strip()))]:
        return width > 1, True  # a data frame without names
    numbers = [first[i] for i in numeric]
    are_names = _are_years(numbers) or (0 in others and _count_up(numbers))
    may_be_names = bool(others) and not is_seen and are_names
    return may_be_names, may_be_names


def _are_years(cells: Sequence[str]) -> bool:
    return len(set(cells)) == len(cells) and all(cell.isdecimal() and int(cell) in _YEARS for cell in cells)


def _count_up(cells: Sequence[str]) -> bool:
    return len(cells) > 1 and list(cells) in ([str(i + start) for i in range(len(cells))] for start in (0, 1))


def _is_numeric(cells: Sequence[str]) -> bool:
    """Say whether nearly all cells of a column that hold something hold numbers."""
    filled = [cell for cell in cells if cell.strip().lower() not in MISSING]
    return bool(filled) and sum(map(_is_number, filled)) >= 0.8 * len(filled)


def _is_number(cell: str) -> bool:
    cell = cell.strip()
    if cell.lower() in MISSING or "_" in cell:
        return False
    try:
        number_in_cell(cell)
    except ValueError:
        return bool(re.fullmatch(r"[-+]?\d[\d.,]*%?", cell))
    return True


def _names(path: Path, header: Sequence[str], width: int) -> tuple[str, ...]:
    """Return the names in a header; a cell without one is named by its position.

    Raises:
        DoesNotFit: A name stands there twice, or the header has not as many cells as the rows.
    """
    if len(header) != width:
        raise DoesNotFit(
            f"the header of {path.name} has {len(header)} cells, most rows have {width}",
            hint="each column needs a name; check the separators in the first row",
        )
    names = [cell.strip() or f"c{i}" for i, cell in enumerate(header)]
    for name, count in Counter(names).items():
        if count > 1:
            places = ", ".join(str(i + 1) for i, each in enumerate(names) if each == name)
            raise DoesNotFit(
                f"{path.name} has {count} columns named {name!r}: {places}", hint="rename all but one of them"
            )
    return tuple(names)
