"""How many samples each class has, one panel of bars per split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tbcli.figures.png.letters import Letters, letters_for
from tbcli.figures.png.sheet import EMPTY, FAINT, INK, THUMBNAIL_WIDTH, WRONG, Colour, Sheet

_MARGIN, _SIZE, _SMALL, _LINE = 8, 11, 9, 15
_PANEL = 66  # pixels of height, with the counts above the bars
_BAR: Colour = (66, 116, 176)
_NARROWEST_UPRIGHT = 11  # below, only some class numbers are written
_LONGEST_NAME = 70  # pixels, upright


def draw_balance(
    counts: Mapping[str, np.ndarray], class_names: Sequence[str], totals: Mapping[str, int] | None = None
) -> tuple[bytes, tuple[int, int]]:
    """Draw the samples of each class or label, each split to its own scale; one without a sample is marked.

    Args:
        counts: Samples of each class or label ``[classes]`` by split.
        class_names: A name for each of them.
        totals: Samples of each split, where one may be counted several times.

    Returns:
        The picture as PNG, and its size (width, height) in pixels.
    """
    classes = len(class_names)
    letters = letters_for(tuple(class_names))
    width = max(THUMBNAIL_WIDTH, classes + 2 * _MARGIN)
    edges = _MARGIN + np.round(np.linspace(0, width - 2 * _MARGIN, classes + 1)).astype(np.int64)
    slot = (width - 2 * _MARGIN) / classes
    upright = slot >= _NARROWEST_UPRIGHT and not _fit_side_by_side(letters, class_names, slot)
    below = _LONGEST_NAME + 4 if upright else _LINE
    height = _LINE + _PANEL + _MARGIN
    sheet = Sheet(width, len(counts) * height + below + _MARGIN, letters)
    for position, (split, found) in enumerate(counts.items()):
        total = int(found.sum()) if totals is None else totals[split]
        _draw_panel(sheet, _MARGIN // 2 + position * height, split, found, edges, total)
    _write_names(sheet, len(counts) * height, class_names, edges)
    return sheet.png()


def _draw_panel(sheet: Sheet, top: int, split: str, found: np.ndarray, edges: np.ndarray, total: int) -> None:
    sheet.text(_MARGIN, top, split, INK, _SIZE)
    told = f"{total:,} samples, {found.min() / max(1, total):.1%} to {found.max() / max(1, total):.1%} each"
    sheet.text(sheet.width - _MARGIN, top, told, FAINT, _SIZE, align="right")
    base = top + _LINE + _PANEL
    slot = (edges[-1] - edges[0]) / len(found)
    gap = 1 if 3 <= slot < 12 else 0 if slot < 3 else 3
    numbers = [f"{count:,}" for count in found.tolist()]
    are_told = max(sheet.letters.width(number, _SMALL) for number in numbers) <= slot - 1
    room = _PANEL - (_LINE if are_told else 3)
    for number, count in enumerate(found.tolist()):
        left, right = int(edges[number]), max(int(edges[number]) + 1, int(edges[number + 1]) - gap)
        tall = round(room * count / max(1, int(found.max()))) if count else 3
        sheet.pixels[base - max(1, tall) : base, left:right] = _BAR if count else WRONG
        if are_told:
            colour = FAINT if count else WRONG
            sheet.text((left + right) / 2, base - tall - _SMALL - 4, numbers[number], colour, _SMALL, align="centre")
    sheet.pixels[base : base + 1, edges[0] : edges[-1]] = EMPTY


def _fit_side_by_side(letters: Letters, class_names: Sequence[str], slot: float) -> bool:
    """Say whether every class has room for its whole name below its bar; else names stand on end."""
    return all(letters.width(name, _SMALL + 1) <= slot - 2 for name in class_names)


def _write_names(sheet: Sheet, top: int, class_names: Sequence[str], edges: np.ndarray) -> None:
    """Write names where there is room for each, else the numbers of some classes."""
    slot = (edges[-1] - edges[0]) / len(class_names)
    middles = (edges[:-1] + edges[1:]) / 2
    if _fit_side_by_side(sheet.letters, class_names, slot):
        names = sheet.letters.class_labels(class_names, _SMALL + 1, int(slot) - 2)
        for name, middle in zip(names, middles, strict=True):
            sheet.text(middle, top, name, INK, _SMALL + 1, align="centre")
    elif slot >= _NARROWEST_UPRIGHT:
        for name, middle in zip(sheet.letters.class_labels(class_names, _SMALL, _LONGEST_NAME), middles, strict=True):
            length = sheet.letters.width(name, _SMALL)
            sheet.text(middle, top + length, name, INK, _SMALL, align="centre", upright=True)
    else:
        every = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, len(edges)) if step * slot >= 28)
        for number in range(0, len(class_names), every):
            sheet.text(middles[number], top, str(number), FAINT, _SMALL, align="centre")
