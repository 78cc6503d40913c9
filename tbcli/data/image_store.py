"""Many image files become one array of pixels: kept on disk, held in memory, or decoded at each draw."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import statistics
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tbcli.config import DataConfig
from tbcli.config.checks import read_pixels
from tbcli.data.drawn_images import DrawnImages, in_threads
from tbcli.data.image_files import FileEntry, Files
from tbcli.data.pixels import BrokenImage, ImageHeader, decode_image, read_header
from tbcli.data.raw_cache import open_raw, raw_cache_file, raw_writer
from tbcli.data.telling import progress_counter
from tbcli.errors import DoesNotFit, TrainingFailed
from tbcli.naming.shortening import few

LARGEST_AS_IS = 256
"""Images that all have the same size keep it while no side is longer, in pixels."""
LARGEST_CHOSEN = 128
"""The longest side of a size that is chosen; more pixels are there for the asking."""
SMALL_BYTES = 64 << 20
"""With ``--cache auto``, images whose files and pixels both take less are decoded into memory each time."""
_DECODING = 1  # the version of it: pixels kept by another are not used
_NAMED = 3  # broken images in a note
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Pixels:
    """Images as an array.

    Args:
        inputs: ``[n, height, width, 1 or 3]`` uint8, or what acts like it.
        kept: Which of the files they are ``[n]``: those that are not broken.
        notes: Sentences on size, broken images and the cache.
    """

    inputs: Any
    kept: np.ndarray
    notes: tuple[str, ...]


def keep_pixels(files: Files, entries: Sequence[FileEntry], config: DataConfig, name: str, place: Path) -> Pixels:
    """Decode images, or open what was decoded before.

    Args:
        files: Where they are read from.
        entries: Which, in the order they shall have.
        config: Size, colours, and where to keep the pixels.
        name: Of the cache file, for people to recognise it.
        place: Of the images.

    Raises:
        DoesNotFit: No image can be decoded, or one cannot and ``--strict`` is set.
        TrainingFailed: The pixels fit neither on the disk nor in memory.
    """
    made = f"{place}|{config.image_size}|{config.color}|{config.limit_samples}"
    cache_file = raw_cache_file(name, made, _version_of(made, entries))
    kept = open_raw(cache_file) if config.cache in ("disk", "auto") else None
    if kept:
        inputs, contents = kept
        broken = {int(index): reason for index, reason in contents["broken"]}
        _require_whole(entries, broken, strict=config.strict)
        return _pixels(entries, broken, inputs, [*contents["notes"], _cache_note(cache_file)])
    decoding = _Decoding(files, entries, config)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of big images and of damaged EXIF data
        return decoding.keep(cache_file)


class _Decoding:
    """One pass over the headers, where they decide, and one over the images."""

    def __init__(self, files: Files, entries: Sequence[FileEntry], config: DataConfig) -> None:
        self._files, self._entries, self._config = files, entries, config
        self._broken: dict[int, str] = {}
        self._notes: list[str] = []

    def keep(self, cache_file: Path) -> Pixels:
        self._size, self._channels = self._choose()
        most = len(self._entries) - len(self._broken)
        needed = most * self._size[0] * self._size[1] * self._channels
        way = self._config.cache
        if way == "auto":
            in_files = sum(entry.size for entry in self._entries)
            way = "memory" if max(in_files, needed) < SMALL_BYTES else "disk"
        if way == "disk":
            try:
                return self._on_disk(cache_file, needed)
            except OSError as error:
                way = self._instead_of_disk(cache_file.parent, needed, error)
        elif way == "memory" and needed > available_memory():
            raise TrainingFailed(
                f"{needed:,} bytes of decoded images do not fit in memory", hint="`--cache disk`, or `--cache no`"
            )
        return self._in_memory(most) if way == "memory" else self._at_each_draw()

    def _instead_of_disk(self, directory: Path, needed: int, error: OSError) -> str:
        """Return where the pixels are kept if the cache cannot be written.

        Raises:
            TrainingFailed: There is no room in memory, and the cache was asked for.
        """
        reason = f"cannot write {needed:,} bytes to {str(directory)!r}: {error.strerror or error}"
        if needed <= available_memory() // 2:
            self._notes.append(f"decoded images are in memory: {reason}")
            return "memory"
        if self._config.cache == "auto":
            self._notes.append(f"images are decoded at each draw: {reason}")
            return "no"
        raise TrainingFailed(
            f"no room for decoded images: {reason}",
            hint="`--cache no` decodes at each draw; XDG_CACHE_HOME sets another directory",
        ) from error

    def _on_disk(self, cache_file: Path, needed: int) -> Pixels:
        cache_file.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(cache_file.parent).free < needed:  # not filled to the brim before it is known
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with raw_writer(cache_file) as writer:
            for _, image in self._images("Decoding {} of {} images"):
                writer.add(image)
            self._require()
            writer.finish({"broken": list(self._broken.items()), "notes": self._notes})
        kept = open_raw(cache_file)
        if kept is None:
            raise OSError(0, "the file is not as it was written")
        return _pixels(self._entries, self._broken, kept[0], [*self._notes, _cache_note(cache_file)])

    def _in_memory(self, most: int) -> Pixels:
        pixels = np.empty((most, *self._size, self._channels), np.uint8)
        count = 0
        for _, image in self._images("Decoding {} of {} images"):
            pixels[count] = image
            count += 1
        self._require()
        return _pixels(self._entries, self._broken, pixels[:count], self._notes)

    def _at_each_draw(self) -> Pixels:
        names = [self._entries[index].name for index, _ in self._images("Checking {} of {} images")]
        self._require()
        return _pixels(
            self._entries, self._broken, DrawnImages(self._files, names, self._size, self._channels), self._notes
        )

    def _choose(self) -> tuple[tuple[int, int], int]:
        """Return height and width, and channels; the images are looked at where they decide."""
        asked, color = read_pixels(self._config.image_size), self._config.color
        if asked and color != "auto":
            return asked, 1 if color == "grey" else 3
        headers = [header for _, header in self._mapped(self._header, "Looking at {} of {} images")]
        self._require()
        size, note = (asked, "") if asked else choose_size(headers)
        self._notes += [note] if note else []
        is_grey = all(header.is_grey for header in headers) if color == "auto" else color == "grey"
        return size, 1 if is_grey else 3

    def _images(self, text: str) -> Iterator[tuple[int, np.ndarray]]:
        return self._mapped(lambda name: decode_image(self._files.read(name), self._size, self._channels), text)

    def _header(self, name: str) -> ImageHeader:
        with self._files.open(name) as file:
            return read_header(file)

    def _mapped(self, function: Callable[[str], _Result], text: str) -> Iterator[tuple[int, _Result]]:
        """Yield position and result of each image that is not broken, and remember those that are."""

        def tried(index: int) -> _Result | str:
            try:
                return function(self._entries[index].name)
            except BrokenImage as error:
                return str(error)
            except OSError as error:
                return error.strerror or str(error)

        chosen = [index for index in range(len(self._entries)) if index not in self._broken]
        tell = progress_counter(text, len(chosen))
        for done, (index, result) in enumerate(zip(chosen, in_threads(tried, chosen), strict=True), start=1):
            tell(done)
            if isinstance(result, str):
                self._broken[index] = result
                _require_whole(self._entries, self._broken, strict=self._config.strict)
            else:
                yield index, result

    def _require(self) -> None:
        _require_whole(self._entries, self._broken, strict=self._config.strict)


def choose_size(headers: Sequence[ImageHeader]) -> tuple[tuple[int, int], str]:
    """Return height and width for images, and a sentence on it where they have to be scaled.

    Args:
        headers: At all of them, at least one.
    """
    sizes = {(header.height, header.width) for header in headers}
    other = "`--image-size` sets another size"
    if len(sizes) == 1:
        ((height, width),) = sizes
        longest = max(height, width)
        if longest <= LARGEST_AS_IS:
            return (height, width), ""
        size = tuple(max(1, round(LARGEST_CHOSEN * side / longest)) for side in (height, width))
        return (size[0], size[1]), f"images of {height}x{width} (height x width) scaled to {size[0]}x{size[1]}; {other}"
    side = min(LARGEST_CHOSEN, int(statistics.median(min(header.height, header.width) for header in headers)))
    least, most = (choose(sizes, key=lambda size: (size[0] * size[1], size)) for choose in (min, max))
    return (side, side), (
        f"images of {least[0]}x{least[1]} to {most[0]}x{most[1]} (height x width) scaled to {side}x{side}; {other}"
    )


def available_memory() -> int:
    """Return how many bytes of memory are free for a process, as far as the system tells."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (OSError, ValueError, AttributeError):
        return 4 << 30


def _version_of(made: str, entries: Sequence[FileEntry]) -> str:
    digest = hashlib.sha256(f"{_DECODING}|{made}".encode("utf-8", "surrogateescape"))
    for entry in entries:
        digest.update(f"\0{entry.name}\0{entry.size}\0{entry.stamp}".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def _pixels(entries: Sequence[FileEntry], broken: dict[int, str], inputs: Any, notes: Sequence[str]) -> Pixels:
    kept = np.array([index for index in range(len(entries)) if index not in broken], np.int64)
    return Pixels(inputs, kept, (*notes, *_broken_notes(entries, broken)))


def _require_whole(entries: Sequence[FileEntry], broken: dict[int, str], *, strict: bool) -> None:
    """Check that images are left.

    Raises:
        DoesNotFit: All are broken, or with ``strict`` one is.
    """
    if broken and strict:
        index, reason = min(broken.items())
        raise DoesNotFit(
            f"image {entries[index].name!r} is broken: {reason}", hint="without `--strict` broken images are skipped"
        )
    if len(broken) == len(entries):
        raise DoesNotFit(f"all {len(entries):,} images are broken: {_named(entries, broken)}", hint="check the files")


def _broken_notes(entries: Sequence[FileEntry], broken: dict[int, str]) -> list[str]:
    if not broken:
        return []
    images = "1 broken image" if len(broken) == 1 else f"{len(broken):,} broken images"
    return [f"{images} skipped: {_named(entries, broken)}"]


def _named(entries: Sequence[FileEntry], broken: dict[int, str]) -> str:
    return few([f"{entries[index].name!r} ({reason})" for index, reason in sorted(broken.items())], _NAMED)


def _cache_note(path: Path) -> str:
    size = path.stat().st_size
    return f"decoded images are in {path} ({f'{size / 1e6:,.1f} MB' if size >= 1e5 else f'{size / 1e3:.1f} kB'})"
