"""A folder of images, or a zip of one: a folder per class, perhaps below a folder per split."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tbcli.config import DataConfig
from tbcli.data.dataset import Dataset, cut_splits
from tbcli.data.folders import Archive, Arrangement, Folder, arrange
from tbcli.data.image_store import Pixels, keep_pixels
from tbcli.errors import DoesNotFit
from tbcli.naming.slugs import slug_of

_SPLITS = ("train", "validation", "test")


def load_images(config: DataConfig) -> Dataset:
    """Return the images of a folder or a zip, with their folders' names as classes, split as they are or as asked.

    Raises:
        DoesNotFit: There is something else than classes of images, or too few of them.
        TrainingFailed: The decoded images fit neither on the disk nor in memory.
    """
    place = Path(config.source).expanduser().absolute()
    files = Folder(place) if place.is_dir() else Archive(place)
    arrangement = arrange(files, str(place))
    entries = [entry for split in _SPLITS for entry, _ in arrangement.splits.get(split, ())]
    name = slug_of(place.stem) or "images"
    pixels = keep_pixels(files, entries, config, name, place)
    parts = dict(zip(_SPLITS, _parts(arrangement, pixels), strict=True))
    return cut_splits(
        name,
        _require_every_class(parts["train"], arrangement, str(place)),
        parts["test"] if "test" in arrangement.splits else None,
        arrangement.class_names,
        config,
        validation=parts["validation"] if "validation" in arrangement.splits else None,
        needs_test=True,
        stratify=True,
        notes=(*arrangement.notes, *pixels.notes),
    )


def _parts(arrangement: Arrangement, pixels: Pixels) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield inputs and labels of each split, without the images that are broken."""
    labels = [np.array([label for _, label in arrangement.splits.get(split, ())], np.int64) for split in _SPLITS]
    ends = np.searchsorted(pixels.kept, [0, *accumulate(map(len, labels))])
    kept = np.concatenate(labels)[pixels.kept]
    for first, end in pairwise(map(int, ends)):
        yield pixels.inputs[first:end], kept[first:end]


def _require_every_class(train: tuple[Any, np.ndarray], arrangement: Arrangement, place: str) -> tuple[Any, np.ndarray]:
    """Return the training images.

    Raises:
        DoesNotFit: All images of a class are broken.
    """
    found = set(train[1].tolist())
    empty = [name for number, name in enumerate(arrangement.class_names) if number not in found]
    if empty:
        raise DoesNotFit(
            f"every image of class {empty[0]!r} in {place!r} is broken", hint="replace them, or remove the folder"
        )
    return train
