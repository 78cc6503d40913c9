"""Statistics of the input values of a split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tbcli.figures.png.values import Values
from tbcli.recorders.markdown import table

if TYPE_CHECKING:
    from tbcli.data.dataset import Column, Split

_MOST_BYTES = 64_000_000  # values looked at in a split of bytes in memory: 70 ms
_MOST_NUMBERS = 1_000_000  # of any other kind, or where samples must be fetched
_CHUNK = 4_000_000  # values looked at together
_BINS = 64
_MOST_COLUMNS = 200  # of a table, in words
_MOST_PANELS = 9  # the same, as pictures


def measure_values(split: Split) -> Values:
    """Return what values the inputs take: of images a channel, of anything else all together.

    Bytes are counted, all of them while they are not too many; of other numbers a part is looked at, evenly spread.
    """
    shape = tuple(split.inputs.shape[1:])
    channels = shape[-1] if len(shape) == 3 and shape[-1] in (1, 3) else 1
    is_bytes = split.inputs.dtype == np.uint8
    in_memory = isinstance(split.inputs, np.ndarray) and not isinstance(split.inputs, np.memmap)
    most = (_MOST_BYTES if is_bytes and in_memory else _MOST_NUMBERS) // max(1, int(np.prod(shape)))
    chosen = np.linspace(0, len(split) - 1, max(1, min(len(split), most))).astype(np.int64)
    rows = max(1, _CHUNK // max(1, int(np.prod(shape))))
    chunks = (split.batch(chosen[first : first + rows])[0] for first in range(0, len(chosen), rows))
    if is_bytes:
        counts = np.sum([count_bytes(chunk, channels) for chunk in chunks], axis=0)
        return of_byte_counts(counts, len(chosen))
    return of_numbers(np.concatenate([chunk.reshape(-1, channels).astype(np.float64) for chunk in chunks]), len(chosen))


def count_bytes(samples: np.ndarray, channels: int) -> np.ndarray:
    """Count how often each channel of ``[n, ..., channels]`` uint8 has each value ``[channels, 256]``.

    Pillow's histogram takes 1 ns a byte; NumPy's `bincount` makes eight bytes of each first.
    """
    pixels = np.ascontiguousarray(samples).reshape(len(samples), -1, channels)
    picture = Image.fromarray(pixels if channels == 3 else pixels[..., 0])
    return np.array(picture.histogram(), np.int64).reshape(channels, 256)


def of_byte_counts(counts: np.ndarray, samples: int) -> Values:
    """Return the statistics that follow from how often each channel has each byte ``[channels, 256]``."""
    levels, totals = np.arange(256), counts.sum(axis=1)
    means = counts @ levels / totals
    squares = counts @ levels**2 / totals
    return Values(
        samples=samples,
        minimum=np.argmax(counts > 0, axis=1).astype(np.float64),
        maximum=255.0 - np.argmax(counts[:, ::-1] > 0, axis=1),
        mean=means,
        std=np.sqrt(np.maximum(squares - means**2, 0)),
        zeros=counts[:, 0] / totals,
        counts=counts.reshape(len(counts), _BINS, -1).sum(axis=2),
        span=(0.0, 255.0),
    )


def span_of(parts: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the smallest and the largest of all finite numbers; 0 and 0 where there are none."""
    finite = [part[np.isfinite(part)] for part in parts]
    known = [part for part in finite if part.size]
    return (float(min(part.min() for part in known)), float(max(part.max() for part in known))) if known else (0.0, 0.0)


def of_numbers(numbers: np.ndarray, samples: int, span: tuple[float, float] | None = None) -> Values:
    """Return the statistics of numbers ``[n, channels]``; those that are not finite are left out.

    Args:
        numbers: To be counted.
        samples: How many they are of.
        span: Of the bins; None for that of the numbers.
    """
    channels = [column[np.isfinite(column)] for column in numbers.T]
    channels = [column if column.size else np.array([np.nan]) for column in channels]
    span = span or span_of(channels)
    histograms = [np.histogram(column, _BINS, span)[0] for column in channels]
    return Values(
        samples=samples,
        minimum=np.array([column.min() for column in channels]),
        maximum=np.array([column.max() for column in channels]),
        mean=np.array([column.mean() for column in channels]),
        std=np.array([column.std() for column in channels]),
        zeros=np.array([np.mean(column == 0) for column in channels]),
        counts=np.array(histograms),
        span=span,
    )


def describe_values(values: Mapping[str, Values], sizes: Mapping[str, int]) -> str:
    """Return a table of the statistics a split and channel; ``sizes`` says how many samples each split has."""
    header = ("split", "channel", "samples", "min", "max", "mean", "std", "% zeros")
    rows = []
    for split, found in values.items():
        looked_at = f"{found.samples:,}" + ("" if found.samples == sizes[split] else f" of {sizes[split]:,}")
        for channel, name in enumerate(found.channel_names):
            numbers = (part[channel] for part in (found.minimum, found.maximum, found.mean, found.std))
            rows.append((split, name, looked_at, *(f"{x:.6g}" for x in numbers), f"{100 * found.zeros[channel]:.2f}"))
    return table(header, rows, numbers_from=2)


def describe_columns(columns: Sequence[Column], splits: Mapping[str, Split]) -> str:
    """Return a table of the input columns of a table, as the model sees them, of each split."""
    header = ("column", "split", "kind", "rows", "min", "max", "mean", "std", "most frequent")
    rows = []
    parts = {name: _rows_of(split) for name, split in splits.items()}
    for position, column in enumerate(columns[:_MOST_COLUMNS]):
        for name, found in parts.items():
            values = found[:, position].astype(np.float64)
            rows.append((column.name, name, column.kind, f"{len(values):,}", *_facts_of_column(column, values)))
    more = len(columns) - _MOST_COLUMNS
    return table(header, rows, numbers_from=3) + (f"\nAnd {more:,} columns more.\n" if more > 0 else "")


def _facts_of_column(column: Column, values: np.ndarray) -> tuple[str, ...]:
    if column.kind == "category":
        codes, counts = np.unique(values.astype(np.int64), return_counts=True)
        most = int(codes[counts.argmax()])
        name = column.vocabulary[most - 1] if 0 < most <= len(column.vocabulary) else "unknown or missing"
        return "", "", "", "", f"{name} ({100 * counts.max() / len(values):.2f} %)"
    numbers = (values.min(), values.max(), values.mean(), values.std())
    return (*(f"{number:.6g}" for number in numbers), "")


def measure_columns(columns: Sequence[Column], split: Split) -> dict[str, Values]:
    """Return what the first columns of numbers hold, by name; of a table without any, its codes."""
    rows = _rows_of(split)
    numbers = [position for position, column in enumerate(columns) if column.kind == "number"]
    chosen = (numbers or list(range(len(columns))))[:_MOST_PANELS]
    return {
        columns[position].name: of_numbers(rows[:, [position]].astype(np.float64), len(rows)) for position in chosen
    }


def _rows_of(split: Split) -> np.ndarray:
    """Return rows of a table, evenly chosen from too many."""
    count = len(split)
    most = max(1, _MOST_NUMBERS // max(1, int(split.inputs.shape[1])))
    chosen = np.linspace(0, count - 1, min(count, most)).astype(np.int64)
    rows: np.ndarray = split.batch(chosen)[0]
    return rows
