"""A folder of images, or a zip of one: a folder per class, perhaps below a folder per split."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from tbcli.config import DataConfig
from tbcli.config.paths import expanded
from tbcli.data.dataset import Dataset, cut_splits, fixed_order
from tbcli.data.folders import arrange
from tbcli.data.image_files import Archive, FileEntry, Folder
from tbcli.data.image_store import Pixels, keep_pixels
from tbcli.errors import DoesNotFit
from tbcli.naming.slugs import slug_of

Pairs = list[tuple[FileEntry, int]]
"""Images with their class numbers."""
_SPLITS = ("train", "validation", "test")


def load_images(config: DataConfig) -> Dataset:
    """Return the images of a folder or a zip, with their folders' names as classes, split as they are or as asked.

    Raises:
        DoesNotFit: There is something else than classes of images, or too few of them.
        TrainingFailed: The decoded images fit neither on the disk nor in memory.
    """
    place = expanded(config.source).absolute()
    files = Folder(place) if place.is_dir() else Archive(place)
    arrangement = arrange(files, str(place))
    pairs = [_limited(arrangement.splits.get(split, []), config.limit_samples) for split in _SPLITS]
    name = slug_of(place.stem) or "images"
    pixels = keep_pixels(files, [entry for split in pairs for entry, _ in split], config, name, place)
    parts = dict(zip(_SPLITS, _parts(pairs, pixels), strict=True))
    _require_every_class(pairs[0], parts["train"][1], arrangement.class_names, str(place))
    return cut_splits(
        name,
        parts["train"],
        parts["test"] if "test" in arrangement.splits else None,
        arrangement.class_names,
        config,
        validation=parts["validation"] if "validation" in arrangement.splits else None,
        needs_test=True,
        stratify=True,
        notes=(*arrangement.notes, *pixels.notes),
    )


def _limited(pairs: Pairs, limit: int) -> Pairs:
    """Return those that are taken of a split: what is not used need not be decoded."""
    if not limit or len(pairs) <= limit:
        return pairs
    return [pairs[position] for position in np.sort(fixed_order(len(pairs))[:limit])]


def _parts(pairs: list[Pairs], pixels: Pixels) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield inputs and labels of each split, without the images that are broken."""
    labels = [np.array([label for _, label in split], np.int64) for split in pairs]
    ends = np.searchsorted(pixels.kept, [0, *accumulate(map(len, labels))])
    kept = np.concatenate(labels)[pixels.kept]
    for first, end in pairwise(map(int, ends)):
        yield pixels.inputs[first:end], kept[first:end]


def _require_every_class(train: Pairs, kept: np.ndarray, class_names: tuple[str, ...], place: str) -> None:
    """Check that no class lost all of its images.

    Raises:
        DoesNotFit: All are broken.
    """
    lost = sorted({label for _, label in train} - set(kept.tolist()))
    if lost:
        raise DoesNotFit(
            f"every image of class {class_names[lost[0]]!r} in {place!r} is broken",
            hint="replace them, or remove the folder",
        )
