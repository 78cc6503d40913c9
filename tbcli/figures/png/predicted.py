"""Predicted against true values, and their errors, drawn without Matplotlib, for it happens every epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tbcli.figures.colours import LIGHT, as_rgb, blended
from tbcli.figures.png.letters import Letters, letters_for
from tbcli.figures.png.sheet import EMPTY, FAINT, INK, RIGHT, THUMBNAIL_WIDTH, WRONG, Sheet
from tbcli.figures.regressions import error_span, finite_pairs, poorest_values, shared_span
from tbcli.tasks.value_report import report_values

MOST_PANELS = 12
_MARGIN, _SIZE, _LINE = 6, 10, 13
_MOST_BINS = 48
_ERROR_BINS = 40
_LOWEST = 110  # pixels of the height of a histogram of errors, of a single value


def draw_predicted(
    labels: np.ndarray, outputs: np.ndarray, names: Sequence[str], title: str
) -> tuple[bytes, tuple[int, int]]:
    """Draw how often each pair of true and predicted value occurs, a panel per value, to one scale in both directions.

    Args:
        labels: True values ``[n, values]``; samples that are not finite are left out, and counted.
        outputs: Predicted values ``[n, values]``.
        names: A name for each value; of more than `MOST_PANELS` those that are predicted the worst are drawn.
        title: A line above all.

    Returns:
        The picture as PNG, and its size (width, height) in pixels.
    """
    return _draw(labels, outputs, names, title, _draw_pairs, is_square=True)


def draw_residuals(
    labels: np.ndarray, outputs: np.ndarray, names: Sequence[str], title: str
) -> tuple[bytes, tuple[int, int]]:
    """Draw how often each error, predicted less true, occurs, a panel per value; see `draw_predicted`."""
    return _draw(labels, outputs, names, title, _draw_errors, is_square=False)


Panel = Callable[[Sheet, int, int, int, int, np.ndarray, np.ndarray], None]
"""Draws at left, top, with width and height the pairs of a value: true and predicted."""


def _draw(
    labels: np.ndarray, outputs: np.ndarray, names: Sequence[str], title: str, draw_panel: Panel, *, is_square: bool
) -> tuple[bytes, tuple[int, int]]:
    report = report_values(labels, outputs)
    shown = poorest_values(report, MOST_PANELS)
    letters = letters_for(tuple(names))
    columns = min(len(shown), 1 if len(shown) == 1 else 2 if len(shown) <= 4 else 3)
    across = (THUMBNAIL_WIDTH - _MARGIN) // columns - _MARGIN
    tall = across if is_square else max(_LOWEST // columns, across // 2)
    head = _LINE if len(names) == 1 else 2 * _LINE  # its figures, and above them the name of a value
    row = head + tall + 2 * _LINE + _MARGIN
    top = _LINE + 2 * _MARGIN + (_LINE if len(shown) < len(names) else 0)
    sheet = Sheet(THUMBNAIL_WIDTH, top + -(-len(shown) // columns) * row, letters)
    sheet.text(_MARGIN, _MARGIN, letters.fitted(title, _SIZE + 1, THUMBNAIL_WIDTH - _MARGIN), INK, _SIZE + 1)
    if len(shown) < len(names):
        told = f"the {len(shown)} of {len(names)} values with the lowest R2"
        sheet.text(_MARGIN, _MARGIN + _LINE, told, FAINT, _SIZE)
    short = letters.class_labels(names, _SIZE, across)
    for position, value in enumerate(shown):
        left = _MARGIN + position % columns * (across + _MARGIN)
        y = top + position // columns * row
        facts = f"R2 {report.r2[value]:.3g}  MAE {report.mae[value]:.3g}"
        if not is_square:
            facts = f"mean {report.bias[value]:+.3g}  RMSE {report.rmse[value]:.3g}"
        sheet.text(left, y, short[value] if len(names) > 1 else "", INK, _SIZE)
        y += head
        sheet.text(left, y - _LINE, letters.fitted(facts, _SIZE, across), FAINT, _SIZE)
        true, predicted = finite_pairs(labels[:, value], outputs[:, value])
        if len(true):
            draw_panel(sheet, left, y, across, tall, true, predicted)
        else:
            sheet.text(left, y, "no finite prediction", WRONG, _SIZE)
    return sheet.png()


def _draw_pairs(
    sheet: Sheet, left: int, top: int, width: int, height: int, true: np.ndarray, predicted: np.ndarray
) -> None:
    low, high = shared_span(true, predicted)
    bins = min(_MOST_BINS, width // 2)
    edges = np.linspace(low, high, bins + 1)
    counts, _, _ = np.histogram2d(predicted, true, (edges, edges))
    cells = np.where(counts > 0, 0.15 + 0.85 * np.sqrt(counts / max(1.0, counts.max())), 0.0)[::-1]
    rows = np.arange(height) * bins // height
    columns = np.arange(width) * bins // width
    block = blended(LIGHT.paper, LIGHT.train, cells)[rows[:, None], columns]
    steps = np.arange(max(width, height) * 2) / (max(width, height) * 2)
    empty = cells[rows[:, None], columns] == 0
    diagonal = np.zeros((height, width), bool)
    diagonal[(height - 1 - steps * height).astype(int).clip(0), (steps * width).astype(int)] = True
    block[diagonal & empty] = as_rgb(LIGHT.frame)
    sheet.frame(left, top, width, height, EMPTY, 1)
    sheet.paste(left, top, block)
    below = top + height + 1
    _axis(sheet, left, below, width, f"{low:.4g}", "true", f"{high:.4g}")
    upright = "predicted"
    if sheet.letters.width(upright, _SIZE) + 4 < height:
        sheet.text(left + 1, top + height - 2, upright, FAINT, _SIZE, upright=True)


def _draw_errors(
    sheet: Sheet, left: int, top: int, width: int, height: int, true: np.ndarray, predicted: np.ndarray
) -> None:
    errors = predicted - true
    reach = error_span(errors)
    counts, _ = np.histogram(np.clip(errors, -reach, reach), _ERROR_BINS, (-reach, reach))
    edges = left + np.round(np.linspace(0, width, _ERROR_BINS + 1)).astype(int)
    base = top + height
    for number, count in enumerate(counts.tolist()):
        tall = max(1, round((height - 2) * count / max(1, int(counts.max())))) if count else 0
        sheet.pixels[base - tall : base, edges[number] : max(edges[number] + 1, edges[number + 1] - 1)] = RIGHT
    sheet.pixels[base : base + 1, left : left + width] = EMPTY
    sheet.pixels[top:base, left + width // 2 : left + width // 2 + 1] = WRONG
    clipped = int((np.abs(errors) > reach).sum())
    more = f" ({clipped:,} beyond)" if clipped else ""
    _axis(sheet, left, base + 1, width, f"{-reach:.3g}", f"error{more}", f"{reach:.3g}")


def _axis(sheet: Sheet, left: int, top: int, width: int, low: str, name: str, high: str) -> None:
    """Write the ends of an axis below it, and its name where there is room between them."""
    letters: Letters = sheet.letters
    taken = letters.width(low, _SIZE) + letters.width(high, _SIZE) + 2 * _MARGIN
    sheet.text(left, top, low, FAINT, _SIZE)
    sheet.text(left + width, top, high, FAINT, _SIZE, align="right")
    if letters.width(name, _SIZE) + taken <= width:
        sheet.text(left + width / 2, top, name, FAINT, _SIZE, align="centre")
