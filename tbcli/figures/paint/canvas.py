"""Lines drawn with characters: eight braille dots to each, or one letter where there is no braille."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

BEHIND = -1
_BRAILLE = 0x2800
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # [row, column] within a character


class Canvas:
    """A field of characters, each of which belongs to the line that was drawn there last.

    Args:
        width: Characters.
        height: Characters.
        braille: Draw with dots, two by four to a character; else with one letter.
    """

    def __init__(self, width: int, height: int, *, braille: bool) -> None:
        self.width, self.height = width, height
        self._across, self._down = (2, 4) if braille else (1, 1)
        self._braille = braille
        self._dots: dict[tuple[int, int], int] = {}
        self._owners: dict[tuple[int, int], int] = {}
        self._behind: set[tuple[int, int]] = set()
        self._points: dict[int, set[tuple[int, int]]] = {}  # where values were measured
        self._marks: dict[tuple[int, int], tuple[str, int]] = {}

    def draw(self, line: int, x: Sequence[float], y: Sequence[float], letter: str, *, behind: bool = False) -> None:
        """Connect points; where one is no number, the line has a gap.

        Args:
            line: The number of the line.
            x: From 0 at the left edge to 1 at the right.
            y: From 0 at the bottom to 1 at the top.
            letter: What to draw with where there is no braille.
            behind: It is not the line itself: sparse, faint, and covered by every line.
        """
        right, bottom = self.width * self._across - 1, self.height * self._down - 1
        before: tuple[int, int] | None = None
        for across, up in zip(x, y, strict=True):
            if not (math.isfinite(across) and math.isfinite(up)):
                before = None
                continue
            here = round(across * right), round((1 - up) * bottom)
            if not behind:
                self._points.setdefault(line, set()).add((here[1] // self._down, here[0] // self._across))
            for column, first, last in _spans(before or here, here):
                if 0 <= column <= right and not (behind and column % (2 * self._across)):
                    for row in range(max(first, 0), min(last, bottom) + 1):
                        self._dot(line, column, row, letter, behind=behind)
            before = here

    def mark(self, line: int, letter: str, every: int, first: int) -> None:
        """Write the letter of a line upon its points, about every so many columns, where no other stands."""
        mine = sorted(self._points.get(line, ()), key=lambda place: (place[1], place[0]))
        wanted = first
        for row, column in mine:
            if column >= wanted and not any((row, column + near) in self._marks for near in (-1, 0, 1)):
                self._marks[row, column] = letter, line
                wanted = column + every
        if mine and not any(letter == mark for mark, _ in self._marks.values()):
            self._marks[mine[-1]] = letter, line

    def rows(self) -> Iterator[list[tuple[str, int | None]]]:
        """Yield the rows from the top, as characters with the line each belongs to, `BEHIND` for what is behind."""
        for row in range(self.height):
            yield [self._cell((row, column)) for column in range(self.width)]

    def _cell(self, place: tuple[int, int]) -> tuple[str, int | None]:
        if place in self._marks:
            return self._marks[place]
        if place not in self._owners:
            return " ", None
        drawn = chr(_BRAILLE + self._dots[place]) if self._braille else chr(self._dots[place])
        return drawn, BEHIND if place in self._behind else self._owners[place]

    def _dot(self, line: int, column: int, row: int, letter: str, *, behind: bool) -> None:
        place = row // self._down, column // self._across
        if behind:
            self._behind.add(place)
        else:
            if place in self._behind:
                self._behind.discard(place)
                self._dots.pop(place, None)
        if self._braille:
            bit = _DOTS[row % self._down][column % self._across]
            self._dots[place] = self._dots.get(place, 0) | bit
        else:
            self._dots[place] = ord(letter)
        self._owners[place] = line


def _spans(start: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int, int]]:
    """Yield the column and its first and last row, for each column between two dots."""
    (left, from_row), (right, to_row) = start, end
    step = 1 if right >= left else -1
    columns = abs(right - left)
    if columns == 0:
        yield right, min(from_row, to_row), max(from_row, to_row)
        return
    row = from_row
    for count in range(columns + 1):
        # Halfway to the next column the line passes on to that column's rows.
        reached = to_row if count == columns else round(from_row + (to_row - from_row) * (count + 0.5) / columns)
        yield left + step * count, min(row, reached), max(row, reached)
        row = reached
