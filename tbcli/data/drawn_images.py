"""Images that are decoded each time they are drawn, in threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from tbcli.data.image_files import Files
from tbcli.data.pixels import BrokenImage, decode_image
from tbcli.errors import DoesNotFit

_CHUNK = 16  # images a thread decodes at once
_MOST_WORKERS = 8
_Result = TypeVar("_Result")


class DrawnImages:
    """Images that are decoded each time they are drawn, as an array of pixels.

    Args:
        files: Where they are read from.
        names: Of the files, in the order of their positions.
        size: Height and width.
        channels: 1 or 3.
    """

    def __init__(self, files: Files, names: Sequence[str], size: tuple[int, int], channels: int) -> None:
        self._files, self._names, self._size, self._channels = files, names, size, channels
        self.shape = (len(names), *size, channels)
        self.dtype = np.dtype(np.uint8)

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, chosen: np.ndarray | slice) -> Any:
        """Return the pixels of some positions ``[k, height, width, channels]``; of a slice, a part of the source."""
        if isinstance(chosen, slice):
            return DrawnImages(self._files, self._names[chosen], self._size, self._channels)
        pixels = np.empty((len(chosen), *self.shape[1:]), np.uint8)
        names = [self._names[position] for position in chosen]
        for row, image in enumerate(in_threads(self._decode, names)):
            pixels[row] = image
        return pixels

    def _decode(self, name: str) -> np.ndarray:
        try:
            return decode_image(self._files.read(name), self._size, self._channels)
        except (BrokenImage, OSError) as error:
            raise DoesNotFit(
                f"image {name!r} cannot be read any more: {error}", hint="leave the images alone during training"
            ) from error


def in_threads(function: Callable[[Any], _Result], values: Sequence[Any]) -> Iterator[_Result]:
    """Yield the results in order; few are waiting at any time. Pillow decodes without holding Python's lock."""

    def each(part: Sequence[Any]) -> list[_Result]:
        return [function(value) for value in part]

    workers = min(_MOST_WORKERS, os.cpu_count() or 1)
    parts = (values[first : first + _CHUNK] for first in range(0, len(values), _CHUNK))
    pool = ThreadPoolExecutor(workers, "tbcli-decode")
    try:
        coming: deque[Future[list[_Result]]] = deque()
        for part in islice(parts, 2 * workers):
            coming.append(pool.submit(each, part))
        while coming:
            yield from coming.popleft().result()
            coming.extend(pool.submit(each, part) for part in islice(parts, 1))
    finally:
        pool.shutdown(cancel_futures=True)
