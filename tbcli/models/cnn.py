"""The classic small convolutional network for images: two stages of convolution and pooling, a dense layer, dropout."""

from __future__ import annotations

import keras
from keras import layers

from tbcli.config import ModelConfig
from tbcli.models import FEATURES


def build_cnn(config: ModelConfig, input_shape: tuple[int, ...], classes: int) -> keras.Model:
    """Return the network for pixels of 0 to 255 ``[batch, height, width, channels]``.

    ReLU comes after the pooling: the two commute, so the result is the same for a quarter of the work.
    The head is float32 under every policy: a softmax in half precision rounds most confidences to exactly 1.

    Raises:
        ValueError: The samples are no images, or too small for two poolings.
    """
    if len(input_shape) != 3:
        raise ValueError(f"an image has height, width and channels, not the shape {input_shape}")
    inputs = keras.Input(input_shape, name="pixels")
    x = layers.Rescaling(1 / 255, name="scaling")(inputs)
    for number, filters in enumerate((32, 64), start=1):
        x = layers.Conv2D(filters, 3, name=f"conv{number}")(x)
        x = layers.MaxPooling2D(name=f"pool{number}")(x)
        x = layers.ReLU(name=f"relu{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(128, activation="relu", name=FEATURES)(x)
    x = layers.Dropout(config.dropout, name="dropout")(x)
    outputs = layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities")(x)
    return keras.Model(inputs, outputs, name="cnn")
