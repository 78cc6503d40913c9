"""What values the inputs take, as numbers and as a picture of how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tbcli.figures.png.letters import letters_for
from tbcli.figures.png.sheet import FAINT, INK, THUMBNAIL_WIDTH, Colour, Sheet

_MARGIN, _SIZE, _LINE = 8, 11, 15
_PANEL = 78  # pixels of height
_GREY: Colour = (96, 125, 160)
_COLOURS: tuple[Colour, ...] = ((214, 58, 58), (46, 150, 72), (58, 96, 214))


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a split's inputs, each array ``[channels]``.

    Args:
        samples: How many were looked at.
        minimum: NaN, as the others, where no value is finite.
        maximum: The largest.
        mean: Arithmetic.
        std: Standard deviation of all values, not of a sample of them.
        zeros: Share of values that are 0, from 0 to 1.
        counts: How many values lie in each of equal bins over the span ``[channels, bins]``.
        span: Lower edge of the first bin and upper edge of the last.
    """

    samples: int
    minimum: np.ndarray
    maximum: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    zeros: np.ndarray
    counts: np.ndarray
    span: tuple[float, float]

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Colours where there are three channels."""
        return ("red", "green", "blue") if len(self.mean) == 3 else ("all",)


def draw_values(
    values: Mapping[str, Values], title: str = "how often each value occurs", *, is_log: bool = True
) -> tuple[bytes, tuple[int, int]]:
    """Draw how often each value occurs, one panel per split.

    Args:
        values: By the name of the panel: of the split, or whatever it is of.
        title: A line above all.
        is_log: Whether the scale is logarithmic, as for pixels: most of many images are 0.

    Returns:
        The picture as PNG, and its size (width, height) in pixels.
    """
    height = 2 * _LINE + _PANEL + _MARGIN
    sheet = Sheet(THUMBNAIL_WIDTH, _LINE + _MARGIN + len(values) * height, letters_for(tuple(values)))
    sheet.text(_MARGIN, _MARGIN // 2, f"{title} (log scale)" if is_log else title, FAINT, _SIZE)
    for position, (split, found) in enumerate(values.items()):
        top = _LINE + _MARGIN + position * height
        told = f"mean {found.mean.mean():.4g}   zeros {found.zeros.mean():.1%}"
        if not is_log:
            told = f"mean {found.mean[0]:.4g}   std {found.std[0]:.4g}"
        room = sheet.width - 3 * _MARGIN - sheet.letters.width(told, _SIZE)
        sheet.text(_MARGIN, top, sheet.letters.fitted(split, _SIZE, room), INK, _SIZE)
        sheet.text(sheet.width - _MARGIN, top, told, FAINT, _SIZE, align="right")
        _draw_counts(sheet, top + _LINE, found, is_log=is_log)
        low, high = found.span
        sheet.text(_MARGIN, top + _LINE + _PANEL, f"{low:.4g}", FAINT, _SIZE)
        sheet.text(sheet.width - _MARGIN, top + _LINE + _PANEL, f"{high:.4g}", FAINT, _SIZE, align="right")
    return sheet.png()


def _draw_counts(sheet: Sheet, top: int, found: Values, *, is_log: bool) -> None:
    """Draw bars of the counts, one channel over the other: where colours meet, they mix."""
    room = sheet.width - 2 * _MARGIN
    bins = np.arange(room) * found.counts.shape[1] // room
    scaled = np.log1p(found.counts) if is_log else found.counts.astype(np.float64)
    heights = np.ceil(scaled / max(scaled.max(), 1e-9) * (_PANEL - 1)).astype(np.int64)
    from_below = np.arange(_PANEL, 0, -1)[:, None]
    area = np.full((_PANEL, room, 3), 255.0)
    colours = _COLOURS if len(heights) == 3 else (_GREY,)
    for colour, channel in zip(colours, heights, strict=True):
        weight = 1 if len(heights) == 1 else 0.5
        covered = (from_below <= channel[bins])[..., None] * weight
        area = area * (1 - covered) + np.array(colour) * covered
    area[-1] = FAINT
    sheet.paste(_MARGIN, top, area.astype(np.uint8))
