"""The classic small convolutional network for images: convolution and pooling, a dense layer, dropout."""

from __future__ import annotations

from typing import Any

from keras import layers

from tbcli.models.architectures import FEATURES

_MOST_FILTERS = 128
_SMALLEST_VALID = 10  # a smaller map keeps its border: there is nothing to spare
_SMALLEST_POOLED = 4
_LARGEST_FLAT = 64  # places; more get another stage, or nearly all parameters would be in the dense layer


def cnn(x: Any, *, filters: int = 32, depth: int = 0, units: int = 128, dropout: float = 0.3) -> Any:
    """Stages of convolution and pooling, then a dense layer.

    There are two stages, and more for larger images. ReLU comes after the pooling: the two commute, so the result is
    the same for a quarter of the work.

    Args:
        x: Images ``[batch, height, width, channels]``.
        filters: Of the first stage; each later one has twice as many, up to 128.
        depth: Number of stages; 0 chooses by the size of the images.
        units: Of the dense layer.
        dropout: Share of its outputs that is dropped in training.
    """
    number = 0
    while number < (depth or 2) or (not depth and x.shape[1] * x.shape[2] > _LARGEST_FLAT):
        number += 1
        padding = "valid" if min(x.shape[1:3]) >= _SMALLEST_VALID else "same"
        x = layers.Conv2D(
            min(filters * 2 ** (number - 1), max(filters, _MOST_FILTERS)), 3, padding=padding, name=f"conv{number}"
        )(x)
        window = tuple(2 if side >= _SMALLEST_POOLED else 1 for side in x.shape[1:3])
        x = layers.MaxPooling2D(window, name=f"pool{number}")(x) if max(window) > 1 else x
        x = layers.ReLU(name=f"relu{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(units, activation="relu", name=FEATURES)(x)
    return layers.Dropout(dropout, name="dropout")(x)
