"""The last activation of a model, which tells what its outputs are."""

from __future__ import annotations

from typing import Any

import keras

_PASSING = (keras.layers.Dropout, keras.layers.Flatten, keras.layers.Identity, keras.layers.Reshape)
"""Layers behind the last activation that leave its values as they are."""


def last_activation(model: Any) -> str | None:
    """Return the name of the last activation, ``linear`` included; None where the layers do not tell it."""
    outputs = getattr(model, "outputs", None)
    if not outputs:
        return None
    layer = next((layer for layer in reversed(model.layers) if _gives(layer, outputs[0])), None)
    while isinstance(layer, (*_PASSING, keras.layers.Wrapper)):
        layer = layer.layer if isinstance(layer, keras.layers.Wrapper) else _before(layer, model)
    if isinstance(layer, keras.Model):
        return last_activation(layer)
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    activation = getattr(layer, "activation", None)
    if activation is None:
        return None
    return str(getattr(activation, "__name__", type(activation).__name__)).lower()


def _gives(layer: Any, tensor: Any) -> bool:
    """Say whether a tensor is what a layer gives out."""
    try:
        given = layer.output
    except (AttributeError, ValueError):  # Keras' ways to say that it was never connected, or more than once
        return False
    return any(each is tensor for each in keras.tree.flatten(given))


def _before(layer: Any, model: Any) -> Any:
    """Return the layer whose output a layer takes; None where there is none."""
    try:
        taken = keras.tree.flatten(layer.input)[0]
    except (AttributeError, ValueError, IndexError):
        return None
    return next((each for each in model.layers if each is not layer and _gives(each, taken)), None)
