"""The networks of `keras.applications`, for raw images of any size."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import keras
from keras import layers

from tbcli.data.dataset import Dataset
from tbcli.errors import DoesNotFit, telling_line
from tbcli.models.architectures import describe_samples, require_file
from tbcli.models.fitting import Say
from tbcli.models.output_head import add_head
from tbcli.models.preparing import as_image

_SMALLEST = 32
_CHANNELS = 3


def build_application(name: str, dataset: Dataset, weights: str, say: Say) -> Any:
    """Return an application with raw pixels of 0 to 255 as its input and a head for the task.

    Grey images get three equal channels and small ones are enlarged, inside the model; the pixels are scaled as the
    application wants them, where it does not do so itself.

    Args:
        name: As `keras.applications` has it.
        dataset: What is learnt.
        weights: A local file of weights; empty for new ones.
        say: Receives what was changed.
    """
    inputs = keras.Input(dataset.input_shape, name="pixels")
    x = _in_colour(as_image(inputs))
    base = _constructed(name, tuple(x.shape[1:3]))
    side = tuple(base.input_shape[1:3])
    if side != tuple(x.shape[1:3]):
        x = layers.Resizing(*side, name="enlarged")(x)
    if tuple(x.shape[1:]) != dataset.input_shape:
        size = "x".join(map(str, x.shape[1:]))
        say(f"{name} does not take {describe_samples(dataset)}: inside the model they are brought to {size}")
    if weights:
        _load(base, require_file(weights, "file of weights"), name)
    scaled = sys.modules[type_module(name)].preprocess_input(x)  # does nothing where the application scales inside
    return keras.Model(inputs, add_head(base(scaled), dataset), name=name.lower())


def type_module(name: str) -> str:
    """Return the module that an application and its scaling of pixels are defined in."""
    return str(getattr(keras.applications, name).__module__)


def _in_colour(x: Any) -> Any:
    """Return images of three channels, in float32.

    Raises:
        ValueError: They have neither one channel nor three.
    """
    channels = x.shape[-1]
    if channels not in (1, _CHANNELS):
        raise ValueError(f"an application takes images of 1 or 3 channels, not {channels}")
    return x if channels == _CHANNELS else layers.Concatenate(name="grey_to_rgb", dtype="float32")([x] * _CHANNELS)


def _constructed(name: str, side: tuple[int, int]) -> Any:
    """Return an application without its head for images of this size, or of the smallest that it takes."""
    construct = getattr(keras.applications, name)
    least = _SMALLEST
    while True:
        height, width = (max(least, each) for each in side)
        try:
            return construct(include_top=False, weights=None, pooling="avg", input_shape=(height, width, _CHANNELS))
        except ValueError as error:
            asked = re.search(r"at least (\d+)x\d+", str(error))  # some need more than most do
            if asked is None or int(asked[1]) <= least:
                raise
            least = int(asked[1])


def _load(base: Any, path: Path, name: str) -> None:
    try:
        base.load_weights(path)
    except Exception as error:
        raise DoesNotFit(
            f"{str(path)!r} holds no weights of {name}: {telling_line(error)}",
            hint="weights of the network without its head, as Keras names them `..._notop.h5`",
        ) from error
