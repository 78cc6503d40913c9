"""Where a model looks: each image beside itself under a heat map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from tbcli.figures.answers import describe_answers
from tbcli.figures.png.letters import letters_for
from tbcli.figures.png.sheet import FAINT, INK, RIGHT, THUMBNAIL_WIDTH, WRONG, Sheet, as_colours, fitted_size
from tbcli.tasks import CLASSIFICATION, Task

_MARGIN, _GAP, _SIZE, _LINE = 4, 2, 10, 12
_COLUMNS, _BETWEEN = 2, 14  # pairs side by side, and the pixels that keep them apart
# Of heat from 0 to 1: dark blue, violet, red, orange, yellow; ever lighter, so that it reads without colours too.
_RAMP = np.array([(20, 14, 80), (110, 20, 120), (205, 50, 75), (250, 140, 20), (252, 250, 150)], np.float32)
_THINNEST, _THICKEST = 0.35, 0.8  # how much of the heat's colour covers the image, from no heat to full heat


def draw_overlays(
    images: np.ndarray,
    heats: np.ndarray,
    labels: np.ndarray,
    outputs: np.ndarray,
    class_names: Sequence[str],
    indices: np.ndarray,
    title: str,
    task: Task = CLASSIFICATION,
) -> tuple[bytes, tuple[int, int]]:
    """Draw pairs of an image and its heat map over it, each heat map to its own largest value.

    Args:
        images: Pixels 0 to 255 ``[n, height, width, 1 or 3]``, at least one.
        heats: Not negative ``[n, rows, columns]``, of any size; a sample without any heat says so.
        labels: What is true of them ``[n, ...]``.
        outputs: What the model says of them ``[n, m]``.
        class_names: A name for each class number, label or value.
        indices: Positions in the source ``[n]``, shown so that a sample can be found again.
        title: A line above all.
        task: What is learnt.

    Returns:
        The picture as PNG, and its size (width, height) in pixels.
    """
    columns = min(_COLUMNS, len(images))
    pair = (THUMBNAIL_WIDTH - 2 * _MARGIN + _BETWEEN) // _COLUMNS - _BETWEEN
    room = (pair - _GAP) // 2
    height, width = fitted_size(images.shape[1:], room)
    letters = letters_for(tuple(class_names))
    top, row_height = _LINE + 2 * _MARGIN, height + 2 * _LINE + 2 * _MARGIN
    rows = -(-len(images) // columns)
    sheet = Sheet(THUMBNAIL_WIDTH, top + rows * row_height, letters)
    sheet.text(_MARGIN, _MARGIN, letters.fitted(title, _SIZE + 1, THUMBNAIL_WIDTH - _MARGIN), INK, _SIZE + 1)
    tellings = [f"#{index}" if heat.any() else f"no heat  #{index}" for index, heat in zip(indices, heats, strict=True)]
    before = letters.width("true ", _SIZE)
    taken = max(letters.width("100.0%", _SIZE), before + max(letters.width(told, _SIZE) for told in tellings))
    names = letters.class_labels(class_names, _SIZE, pair - taken - _MARGIN)
    answers = describe_answers(task, labels, outputs, names)
    for number, (image, answer) in enumerate(zip(images, answers, strict=True)):
        x = _MARGIN + number % columns * (pair + _BETWEEN)
        y = top + number // columns * row_height
        pixels = as_colours(image, height, width)
        sheet.paste(x, y, pixels)
        sheet.paste(x + width + _GAP, y, covered(pixels, heats[number]))
        y += height + 1
        colour = WRONG if answer.is_wrong else RIGHT
        beside = letters.width(answer.note, _SIZE) + _GAP
        sheet.text(x, y, letters.fitted(answer.predicted, _SIZE, pair - beside), colour, _SIZE)
        sheet.text(x + pair, y, answer.note, colour, _SIZE, align="right")
        sheet.text(x, y + _LINE, "true ", FAINT, _SIZE)
        beside = before + letters.width(tellings[number], _SIZE) + _GAP
        sheet.text(x + before, y + _LINE, letters.fitted(answer.true, _SIZE, pair - beside), INK, _SIZE)
        sheet.text(x + pair, y + _LINE, tellings[number], FAINT, _SIZE, align="right")
    return sheet.png()


def covered(pixels: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Return an image ``[height, width, 3]`` uint8 under its heat ``[rows, columns]``, which is drawn out to its size.

    The more heat, the more of the image is covered; without any it is only dimmed.
    """
    height, width, _ = pixels.shape
    heat = np.nan_to_num(heat.astype(np.float32), posinf=0)
    smooth = Image.fromarray(heat / (float(heat.max()) or 1.0)).resize((width, height), Image.Resampling.BILINEAR)
    shares = np.asarray(smooth)[..., None]
    opacity = _THINNEST + (_THICKEST - _THINNEST) * shares
    mixed: np.ndarray = pixels * (1 - opacity) + heat_colours(shares[..., 0]) * opacity
    return mixed.round().astype(np.uint8)


def heat_colours(shares: np.ndarray) -> np.ndarray:
    """Return colours ``[..., 3]``, 0 to 255, of values from 0, dark, to 1, light."""
    steps = np.arange(len(_RAMP))
    position = np.clip(shares, 0, 1) * steps[-1]
    return np.stack([np.interp(position, steps, channel) for channel in _RAMP.T], axis=-1)
