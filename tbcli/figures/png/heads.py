"""What each head of an attention layer looks at: a matrix a head, of every position over every position."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from tbcli.figures.png.letters import letters_for
from tbcli.figures.png.overlays import heat_colours
from tbcli.figures.png.sheet import FAINT, INK, THUMBNAIL_WIDTH, Sheet, as_colours, fitted_size

MOST_HEADS = 8
_ACROSS = 4  # heads side by side, beside the sample
_MARGIN, _GAP, _SIZE, _LINE = 4, 4, 10, 12


def draw_heads(
    scores: np.ndarray,
    images: np.ndarray | None,
    guesses: Sequence[str],
    indices: np.ndarray,
    title: str,
) -> tuple[bytes, tuple[int, int]]:
    """Draw the attention of some samples: rows of a matrix ask, columns are looked at.

    Each matrix is drawn to its own largest score, which is written below it.

    Args:
        scores: ``[n, heads, asking positions, positions looked at]``, at least one sample; of more than `MOST_HEADS`
            heads the first are drawn.
        images: Pixels 0 to 255 ``[n, height, width, 1 or 3]``; None where the samples are no images.
        guesses: What was predicted, in words ``[n]``.
        indices: Positions in the source ``[n]``, shown so that a sample can be found again.
        title: A line above all.

    Returns:
        The picture as PNG, and its size (width, height) in pixels.
    """
    shown = np.nan_to_num(scores[:, :MOST_HEADS].astype(np.float32))
    heads = shown.shape[1]
    side = (THUMBNAIL_WIDTH - _MARGIN) // (_ACROSS + 1) - _GAP
    letters = letters_for(tuple(guesses))
    lines = -(-heads // _ACROSS)
    top = 2 * _LINE + 2 * _MARGIN
    row_height = max(lines * (side + _LINE), side + 2 * _LINE) + 2 * _MARGIN
    sheet = Sheet(THUMBNAIL_WIDTH, top + len(shown) * row_height, letters)
    sheet.text(_MARGIN, _MARGIN, letters.fitted(title, _SIZE + 1, THUMBNAIL_WIDTH - _MARGIN), INK, _SIZE + 1)
    sheet.text(_MARGIN, _MARGIN + _LINE, told(scores.shape), FAINT, _SIZE)
    for number, matrices in enumerate(shown):
        y = top + number * row_height
        image = None if images is None else images[number]
        guess = letters.fitted(guesses[number], _SIZE, side)
        _draw_sample(sheet, y, image, guess, int(indices[number]), side)
        for head, matrix in enumerate(matrices):
            x = _MARGIN + (1 + head % _ACROSS) * (side + _GAP)
            below = y + head // _ACROSS * (side + _LINE)
            sheet.paste(x, below, drawn_matrix(matrix, side))
            text = f"{head + 1}: max {matrix.max():.2g}"
            sheet.text(x, below + side, letters.fitted(text, _SIZE - 1, side), FAINT, _SIZE - 1)
    return sheet.png()


def told(shape: tuple[int, ...]) -> str:
    """Say what is drawn of scores ``[n, heads, asking positions, positions looked at]``."""
    _, heads, asking, looked_at = shape
    which = f"{heads} head{'' if heads == 1 else 's'}" if heads <= MOST_HEADS else f"{MOST_HEADS} of {heads} heads"
    return f"{which}; rows: {asking} positions, columns: the {looked_at} they look at"


def drawn_matrix(matrix: np.ndarray, side: int) -> np.ndarray:
    """Return the colours of scores ``[rows, columns]`` to their own scale, as a square ``[side, side, 3]`` uint8.

    Where there is more than one score to a pixel it shows their mean.
    """
    shares = matrix / (float(matrix.max()) or 1.0)
    rows, columns = shares.shape
    if rows > side or columns > side:
        smaller = min(side, columns), min(side, rows)
        shares = np.asarray(Image.fromarray(shares).resize(smaller, Image.Resampling.BOX))
    return as_colours(heat_colours(shares).round().astype(np.uint8), side, side)


def _draw_sample(sheet: Sheet, y: int, image: np.ndarray | None, guess: str, index: int, side: int) -> None:
    """Draw what was looked at, and below what it was taken for."""
    if image is not None:
        height, width = fitted_size(image.shape, side)
        sheet.paste(_MARGIN, y, as_colours(image, height, width))
        y += height
    sheet.text(_MARGIN, y, guess, INK, _SIZE)
    sheet.text(_MARGIN, y + _LINE, f"#{index}", FAINT, _SIZE)
