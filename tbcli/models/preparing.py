"""Raw values go in: scaling and coding are layers of the model, with constants from the training rows."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

from tbcli.data.dataset import Column, Dataset, Split
from tbcli.models.architectures import holds_images

_MOST_ROWS = 20_000  # that statistics are taken from, evenly from all; fewer of large images
_MOST_VALUES = 40_000_000
_CHUNK_VALUES = 4_000_000
_FEW_ROWS = 200
_MOST_ONE_HOT = 16  # categories; more get an embedding
_WIDEST_EMBEDDING = 16
_FARTHEST = 10.0  # standard deviations; a rare value must not outweigh everything else


def prepare_inputs(dataset: Dataset) -> tuple[Any, Any]:
    """Return the input of a model for raw samples, and the same prepared for learning.

    Bytes are divided by 255, if they use the range. Other numbers get mean 0 and standard deviation 1: those of a row
    each by its own statistics, those of images by channel. That is done in float32 under every policy: in half
    precision 2015 is 2016.
    """
    inputs = keras.Input(dataset.input_shape, name="pixels" if holds_images(dataset) else "inputs")
    if dataset.columns:
        return inputs, _coded(inputs, dataset.columns)
    if dataset.train.inputs.dtype == np.uint8 and spans_bytes(dataset.train):
        return inputs, layers.Rescaling(1 / 255, name="scaling")(inputs)
    mean, std = statistics_of(dataset.train)
    return inputs, _normalized(inputs, mean, std, is_clipped=not holds_images(dataset))


def as_image(x: Any) -> Any:
    """Return images with an axis of channels.

    Raises:
        ValueError: The samples are no images.
    """
    shape = tuple(x.shape[1:])
    if len(shape) == 2:
        return layers.Reshape((*shape, 1), name="channel")(x)
    if len(shape) != 3:
        raise ValueError(f"an image has height, width and channels, not the shape {shape}")
    return x


def spans_bytes(split: Split) -> bool:
    """Return whether bytes go up to 255 or so, as pixels do, rather than to 1 or 16."""
    return any(
        split.batch(slice(first, first + _FEW_ROWS))[0].max() > np.iinfo(np.uint8).max // 2
        for first in range(0, min(len(split), _MOST_ROWS // 10), _FEW_ROWS)
    )


def statistics_of(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation along the last axis ``[last]``, float64; 1 where nothing varies."""
    width, size = split.inputs.shape[-1], max(1, int(np.prod(split.inputs.shape[1:])))
    most, rows = min(_MOST_ROWS, max(1, _MOST_VALUES // size)), max(1, _CHUNK_VALUES // size)
    positions = np.sort(split.positions[:: max(1, len(split) // most)])
    count, mean, squares = 0, np.zeros(width), np.zeros(width)
    for first in range(0, len(positions), rows):
        values = np.asarray(split.inputs[positions[first : first + rows]], np.float64).reshape(-1, width)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # whatever is not finite is reported where samples are checked
            chunk_mean, chunk_squares = np.nanmean(values, axis=0), np.nanvar(values, axis=0) * len(values)
        shift, total = chunk_mean - mean, count + len(values)
        mean = mean + shift * len(values) / total
        squares = squares + chunk_squares + shift**2 * count * len(values) / total
        count = total
    return mean, _usable(np.sqrt(squares / max(1, count)), mean)


def _usable(std: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return standard deviations that can be divided by: what varies less than float32 can say does not vary."""
    varies: np.ndarray = std > np.finfo(np.float32).eps * np.abs(mean)
    return np.where(varies, std, 1.0)


def _normalized(x: Any, mean: Any, std: Any, *, is_clipped: bool) -> Any:
    """Return numbers of mean 0 and deviation 1; clipped by layers, for an operation is lost in the h5 format."""
    unit = _FARTHEST if is_clipped else 1.0
    variance = (np.asarray(std) * unit) ** 2
    x = layers.Normalization(axis=-1, mean=np.asarray(mean), variance=variance, dtype="float32", name="scaling")(x)
    if not is_clipped:
        return x
    x = layers.Activation("hard_tanh", dtype="float32", name="clipping")(x)
    return layers.Rescaling(unit, dtype="float32", name="clipped")(x)


def _coded(inputs: Any, columns: Sequence[Column]) -> Any:
    """Return the columns of a table as numbers to learn from: normalised, one-hot or as an embedding."""
    numbers = [place for place, column in enumerate(columns) if column.kind == "number"]
    parts = []
    if numbers:
        chosen = inputs if len(numbers) == len(columns) else keras.ops.take(inputs, numbers, axis=1)
        mean = np.array([columns[place].mean for place in numbers])
        std = np.array([columns[place].std for place in numbers])
        parts.append(_normalized(chosen, mean, _usable(std, mean), is_clipped=True))
    for place, column in enumerate(columns):
        if column.kind != "number":
            parts.append(_category(inputs[:, place : place + 1], column, layer_name(column, place)))
    return parts[0] if len(parts) == 1 else layers.Concatenate(name="columns")(parts)


def _category(codes: Any, column: Column, name: str) -> Any:
    """Return a category's codes ``[batch, 1]`` as a vector; code 0, of what is unknown or missing, has its own."""
    count = len(column.vocabulary) + 1
    if count <= _MOST_ONE_HOT:
        return layers.CategoryEncoding(count, output_mode="one_hot", dtype="float32", name=name)(codes)
    width = min(_WIDEST_EMBEDDING, round(count**0.5) + 1)
    return layers.Flatten(name=f"{name}_flat")(layers.Embedding(count, width, name=name)(codes))


def layer_name(column: Column, place: int) -> str:
    """Return a name for a layer of one column, which no other column's has."""
    return f"column{place + 1}_{re.sub(r'[^A-Za-z0-9]+', '_', column.name).strip('_')}".rstrip("_")
