"""Random changes to training images, different in every step and a function of seed and step alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from tbcli.data.dataset import Split
from tbcli.errors import DoesNotFit

LAYERS: dict[str, tuple[str, dict[str, Any]]] = {
    "flip": ("RandomFlip", {"mode": "horizontal"}),
    "rotate": ("RandomRotation", {"factor": 0.05}),
    "zoom": ("RandomZoom", {"height_factor": 0.1}),
    "translate": ("RandomTranslation", {"height_factor": 0.1, "width_factor": 0.1}),
    "contrast": ("RandomContrast", {"factor": 0.2}),
}
"""Word of ``--augment`` -> Keras' layer and its arguments. Not RandomCrop: its size differs without training."""
_LOOKED_AT = 200
_DRAWS = 16  # seeds that a layer may draw in a step, at most


def require_images(words: tuple[str, ...], shape: tuple[int, ...]) -> None:
    """Check that samples of a shape are images, where they are to be augmented.

    Raises:
        DoesNotFit: They are not.
    """
    if words and (len(shape) != 3 or shape[-1] not in (1, 3)):
        raise DoesNotFit(
            f"--augment {','.join(words)} is for images, but a sample has the shape {shape}", hint="without `--augment`"
        )


def build_augmentation(words: tuple[str, ...], seed: int, split: Split) -> Augmentation | None:
    """Return the function that changes a training's images, None where nothing was asked for."""
    return Augmentation(words, seed, split) if words else None


class Augmentation:
    """Keras' layers, one after the other, on a batch of training images.

    Args:
        words: What to do, in this order.
        seed: Of the training.
        split: Tells the type of a sample and the range of its values.
    """

    def __init__(self, words: tuple[str, ...], seed: int, split: Split) -> None:
        import keras

        self._low, self._high = value_range(split)
        self._layers = []
        for number, word in enumerate(words):
            layer, arguments = LAYERS[word]
            more = {"value_range": (self._low, self._high)} if word == "contrast" else {}
            own = int(np.random.SeedSequence([seed, number]).generate_state(1)[0]) >> 1
            self._layers.append((own, getattr(keras.layers, layer)(**arguments, **more, seed=own, dtype="float32")))

    def __call__(self, images: Any, step: Any) -> Any:
        """Return changed images, of the same shape and type.

        Args:
            images: A batch ``[n, height, width, channels]``.
            step: Optimizer steps so far: with the seed, it alone decides what is drawn.
        """
        import tensorflow as tf

        changed = tf.cast(images, tf.float32)
        for seed, layer in self._layers:
            layer.generator.state.assign([seed, tf.cast(step, tf.int64) * _DRAWS])
            changed = layer(changed, training=True)
        if images.dtype.is_integer:
            changed = tf.round(tf.clip_by_value(changed, self._low, self._high))
        return tf.cast(changed, images.dtype)


def value_range(split: Split) -> tuple[float, float]:
    """Return the least and the largest value that a sample may have: of pixels 0 and 255 or 1, else as some show."""
    if split.inputs.dtype == np.uint8:
        return 0.0, 255.0
    samples = split.first(_LOOKED_AT).batch(slice(None))[0]
    low, high = float(np.min(samples)), float(np.max(samples))
    if low < 0 or high > 255:
        return low, high
    return 0.0, 1.0 if high <= 1 else 255.0
