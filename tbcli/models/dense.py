"""Networks of dense layers, for tables and vectors; anything else is flattened."""

from __future__ import annotations

from typing import Any

from keras import layers

from tbcli.models.architectures import FEATURES


def mlp(x: Any, *, units: int = 128, depth: int = 2, dropout: float = 0.3) -> Any:
    """Dense layers with ReLU.

    Args:
        x: Numbers ``[batch, ...]``.
        units: Of each layer.
        depth: Number of layers.
        dropout: Share of the last layer's outputs that is dropped in training.
    """
    x = _flat(x)
    for number in range(1, depth + 1):
        name = FEATURES if number == depth else f"dense{number}"
        x = layers.Dense(units, activation="relu", kernel_initializer="he_normal", name=name)(x)
    return layers.Dropout(dropout, name="dropout")(x)


def linear(x: Any) -> Any:
    """Only the head: logistic or linear regression.

    Args:
        x: Numbers ``[batch, ...]``.
    """
    return _flat(x)


def _flat(x: Any) -> Any:
    return x if len(x.shape) == 2 else layers.Flatten(name="flatten")(x)
