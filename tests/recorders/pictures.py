"""Moments with images behind them, and what a recorder drew."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from tbcli.data.dataset import Dataset, Split
from tbcli.recorders.base import Evidence, Snapshot
from tests.recorders.memory import MemoryWriter, snapshot

RANDOM = np.random.default_rng(5)


def split_of(count: int, classes: int, shape: tuple[int, ...] = (8, 6, 1)) -> Split:
    """Return samples that stand in their source in another order."""
    inputs = RANDOM.integers(0, 256, (2 * count, *shape)).astype(np.uint8)
    labels = RANDOM.integers(0, classes, 2 * count)
    return Split(inputs, labels, RANDOM.permutation(2 * count)[:count])


def evidence_of(split: Split, classes: int, probabilities: np.ndarray | None = None) -> Evidence:
    """Return what a model without any idea says, unless it is given."""
    if probabilities is None:
        raw = RANDOM.exponential(size=(len(split), classes)).astype(np.float32)
        probabilities = raw / raw.sum(axis=1, keepdims=True)
    return Evidence(split.positions, split.labels[split.positions], probabilities, None, {})


def moment(
    count: int = 12,
    *,
    names: Sequence[str] = ("cat", "dog", "a rather long name"),
    shape: tuple[int, ...] = (8, 6, 1),
    epoch: int = 1,
    has_validation: bool = True,
    has_test: bool = False,
    model: Any = None,
    **settings: object,
) -> Snapshot:
    """Return a moment whose evidence is of real splits of images."""
    held_out, test = split_of(count, len(names), shape), split_of(count, len(names), shape)
    train = held_out if not has_validation else split_of(count, len(names), shape)
    dataset = Dataset("made up", train, held_out if has_validation else None, test if has_test else None, tuple(names))
    seen = evidence_of(held_out, len(names))
    return replace(
        snapshot(epoch, settings=settings, model=model),
        dataset=dataset,
        validation=seen if has_validation else None,
        probe=seen.first(len(dataset.probe)),
        test=evidence_of(test, len(names)) if has_test else None,
    )


def drawn(writer: MemoryWriter, where: str, tag: str) -> np.ndarray:
    """Return the pixels ``[height, width, 3]`` of the only picture under a tag."""
    ((_, (png, size)),) = writer.written[where, tag]
    pixels = pixels_of(png)
    assert (pixels.shape[1], pixels.shape[0]) == size
    return pixels


def pixels_of(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture.convert("RGB"))


def count_pixels(pixels: np.ndarray, colour: tuple[int, int, int]) -> int:
    """Count the pixels of exactly this colour."""
    return int((pixels == colour).all(axis=-1).sum())
