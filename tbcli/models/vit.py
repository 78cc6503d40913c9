"""A small vision transformer."""

from __future__ import annotations

from typing import Any

from keras import layers

from tbcli.models.architectures import FEATURES

_STEM_STAGES = 3
_MOST_TOKENS = 64
_EPSILON = 1e-5


def vit(x: Any, *, units: int = 64, depth: int = 2, heads: int = 4, shift: float = 0.04, dropout: float = 0.3) -> Any:
    """Transformer blocks on a convolutional stem; images are shifted in training.

    After Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021, with the stem of Xiao et al., "Early
    Convolutions Help Transformers See Better", NeurIPS 2021.

    Args:
        x: Images ``[batch, height, width, channels]``.
        units: Width of a token.
        depth: Number of blocks.
        heads: Of attention.
        shift: Largest shift of a training image, as a share of its height and width; 0 is off.
        dropout: Share of the pooled features that is dropped in training.
    """
    if shift:
        x = layers.RandomTranslation(shift, shift, "constant", "nearest", name="shift")(x)
    x = _tokens(x, units)
    for number in range(1, depth + 1):
        x = _block(x, units, heads, f"block{number}")
    x = layers.LayerNormalization(epsilon=_EPSILON, name="norm")(x)
    x = layers.GlobalAveragePooling1D(name=FEATURES)(x)
    return layers.Dropout(dropout, name="dropout")(x)


def _tokens(x: Any, units: int) -> Any:
    """Return one vector per place ``[batch, places, units]``, which knows where it is."""
    number = 0
    while number < _STEM_STAGES or x.shape[1] * x.shape[2] > _MOST_TOKENS:
        number += 1
        stride = 2 if x.shape[1] * x.shape[2] > _MOST_TOKENS else 1
        filters = units // 2 if number == 1 else units
        x = layers.Conv2D(filters, 3, stride, "same", use_bias=False, name=f"stem{number}_conv")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"stem{number}_norm")(x)
        x = layers.ReLU(name=f"stem{number}_relu")(x)
    x = layers.Reshape((x.shape[1] * x.shape[2], x.shape[3]), name="tokens")(x)
    # A bias for each place is a position embedding, by a layer of Keras' own: the model loads without our code.
    return layers.EinsumDense("bpc,cu->bpu", (x.shape[1], units), bias_axes="pu", name="positions")(x)


def _block(x: Any, units: int, heads: int, name: str) -> Any:
    y = layers.LayerNormalization(epsilon=_EPSILON, name=f"{name}_norm1")(x)
    y = layers.MultiHeadAttention(heads, units // heads, name=f"{name}_attention")(y, y)
    x = layers.Add(name=f"{name}_sum1")([x, y])
    y = layers.LayerNormalization(epsilon=_EPSILON, name=f"{name}_norm2")(x)
    y = layers.Dense(units * 2, activation="relu", name=f"{name}_mlp1")(y)
    y = layers.Dense(units, name=f"{name}_mlp2")(y)
    return layers.Add(name=f"{name}_sum2")([x, y])
