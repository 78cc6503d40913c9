"""What a user names as input: images, folders of them, arrays and tables, read in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tbcli.data.dataset import samples_at_once
from tbcli.data.pixels import SUFFIXES, BrokenImage, decode_image
from tbcli.errors import DoesNotFit
from tbcli.predicting.saved import SavedModel

_MOST_AT_ONCE = 256
_TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
Batch = tuple[Sequence[str], Any]
"""Names of the samples, and what the model takes of them."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Samples to be read.

    Args:
        total: How many there are, broken ones included.
        batches: Read one after the other.
    """

    total: int
    batches: Iterator[Batch]


def open_inputs(
    paths: Sequence[Path], saved: SavedModel, broken: Callable[[str], None], say: Callable[[str], None]
) -> Inputs:
    """Return the samples of all paths, in their order.

    Args:
        paths: Images, folders of images, ``.npz`` files, tables; they are there.
        saved: Says what a sample must be.
        broken: Receives what is wrong with an image, which is then left out.
        say: Receives how a table was read, and what in it the model does not know.

    Raises:
        DoesNotFit: It holds nothing that the model takes.
    """
    images: list[Path] = []
    parts: list[Inputs] = []
    for path in paths:
        suffix = path.suffix.lower()
        if path.is_dir():
            images += _images_below(path)
        elif suffix == ".npz":
            parts.append(_arrays(path, saved))
        elif path.name.lower().endswith(_TABLES):
            parts.append(_rows(path, saved, say))
        elif suffix in SUFFIXES:
            images.append(path)
        else:
            raise DoesNotFit(
                f"cannot tell what {str(path)!r} holds", hint="an image, a folder of images, .npz or table"
            )
    if images:
        if not saved.is_of_images:
            raise DoesNotFit(f"the model takes samples of shape {saved.input_shape}, not images", hint=_wanted(saved))
        parts.insert(0, Inputs(len(images), _pictures(images, saved, broken)))
    return Inputs(sum(part.total for part in parts), (batch for part in parts for batch in part.batches))


def _wanted(saved: SavedModel) -> str:
    if saved.columns:
        return f"a table with the columns {', '.join(column.name for column in saved.columns[:8])}"
    return f"an .npz file with an array x of shape (n, {', '.join(map(str, saved.input_shape))})"


def _images_below(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise DoesNotFit(f"no images in {str(folder)!r}", hint=f"files that end with {', '.join(SUFFIXES[:5])}, ...")
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def _pictures(paths: Sequence[Path], saved: SavedModel, broken: Callable[[str], None]) -> Iterator[Batch]:
    height, width, channels = saved.input_shape
    size = samples_at_once(saved.input_shape, _MOST_AT_ONCE)

    def read(path: Path) -> np.ndarray | str:
        try:
            return decode_image(path.read_bytes(), (height, width), channels)
        except (BrokenImage, OSError) as error:
            return f"{path}: {error}"

    with ThreadPoolExecutor(2, "tbcli-decode") as pool:
        for first in range(0, len(paths), size):
            chosen = paths[first : first + size]
            read_ones = list(zip(chosen, pool.map(read, chosen), strict=True))
            for _, problem in read_ones:
                if isinstance(problem, str):
                    broken(problem)
            whole = [(path, pixels) for path, pixels in read_ones if not isinstance(pixels, str)]
            if whole:
                yield [str(path) for path, _ in whole], np.stack([pixels for _, pixels in whole])


def _arrays(path: Path, saved: SavedModel) -> Inputs:
    """Return the samples of an ``.npz`` file: of its test set, else of its only array of inputs."""
    from tbcli.data.arrays import open_samples

    key, array = open_samples(path)
    if saved.columns or tuple(array.shape[1:]) != saved.input_shape:
        raise DoesNotFit(f"{key!r} in {str(path)!r} has samples of shape {tuple(array.shape[1:])}", hint=_wanted(saved))
    return _cut(array, lambda row: f"{path.name}[{row}]")


def _rows(path: Path, saved: SavedModel, say: Callable[[str], None]) -> Inputs:
    """Return the rows of a table, encoded as those that the model was trained on."""
    from tbcli.data.column_choice import encode_columns, forms_of, unknown_categories
    from tbcli.data.tables import read_table

    if not saved.columns:
        raise DoesNotFit(f"the model takes no tables such as {str(path)!r}", hint=_wanted(saved))
    table = read_table(path, forms=forms_of(saved.columns), strict=True)  # an answer for each row, by its number
    for note in (*table.notes, *unknown_categories(table, saved.columns)):
        say(f"{path.name}: {note}")
    rows = encode_columns(table, saved.columns)
    return _cut(rows, lambda row: f"{path.name}:{row + 1}")


def _cut(array: Any, name_of: Callable[[int], str]) -> Inputs:
    """Return samples of an array, a batch at a time."""
    size = samples_at_once(array.shape[1:], _MOST_AT_ONCE)

    def batches() -> Iterator[Batch]:
        for first in range(0, len(array), size):
            rows = np.asarray(array[first : first + size])
            yield [name_of(first + row) for row in range(len(rows))], rows

    return Inputs(len(array), batches())
