"""A small residual network for images."""

from __future__ import annotations

from typing import Any

from keras import layers

from tbcli.models.architectures import FEATURES

_MOMENTUM = 0.9  # of the moving averages: Keras' 0.99 needs more steps than a short training has


def resnet(x: Any, *, filters: int = 24, depth: int = 3, blocks: int = 1, dropout: float = 0.3) -> Any:
    """Residual blocks in stages of half the size and twice the filters.

    After He et al., "Deep Residual Learning for Image Recognition", CVPR 2016. The last scale of a block begins at 0,
    so that a block begins as the identity (Goyal et al., "Accurate, Large Minibatch SGD", 2017).

    Args:
        x: Images ``[batch, height, width, channels]``.
        filters: Of the first stage.
        depth: Number of stages.
        blocks: Per stage.
        dropout: Share of the pooled features that is dropped in training.
    """
    x = _normed_conv(x, filters, 3, _stride(x, 16), "stem")
    x = layers.ReLU(name="stem_relu")(x)
    for stage in range(1, depth + 1):
        for block in range(1, blocks + 1):
            stride = _stride(x, 4) if stage > 1 and block == 1 else 1
            x = _residual(x, filters * 2 ** (stage - 1), stride, f"stage{stage}_block{block}")
    x = layers.GlobalAveragePooling2D(name=FEATURES)(x)
    return layers.Dropout(dropout, name="dropout")(x)


def _residual(x: Any, filters: int, stride: int, name: str) -> Any:
    y = _normed_conv(x, filters, 3, stride, f"{name}_a")
    y = layers.ReLU(name=f"{name}_a_relu")(y)
    y = _normed_conv(y, filters, 3, 1, f"{name}_b", gamma="zeros")
    if stride > 1 or x.shape[-1] != filters:
        x = layers.Conv2D(filters, 1, stride, "same", use_bias=False, name=f"{name}_shortcut")(x)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_sum")([x, y]))


def _normed_conv(x: Any, filters: int, size: int, stride: int, name: str, gamma: str = "ones") -> Any:
    x = layers.Conv2D(filters, size, stride, "same", use_bias=False, name=f"{name}_conv")(x)
    return layers.BatchNormalization(momentum=_MOMENTUM, gamma_initializer=gamma, name=f"{name}_norm")(x)


def _stride(x: Any, smallest: int) -> int:
    """Return 2 for maps that are large enough to be halved."""
    return 2 if min(x.shape[1:3]) >= smallest else 1
