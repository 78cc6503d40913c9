"""Layer outputs for a few samples: for histograms, and to find dead units."""

from __future__ import annotations

from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from tbcli.data.dataset import Split

_SHOWN_SAMPLES = 64  # for distributions; a layer's output can be large
_RELU_LAYERS = (keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.PReLU)


class ProbeActivations:
    """Layer outputs at one moment, computed on first access and cached.

    Args:
        probe: Computes the outputs of the layers of interest.
        samples: The inputs.
    """

    def __init__(self, probe: LayerProbe, samples: Split) -> None:
        self._probe = probe
        self._samples = samples

    @cached_property
    def peaks(self) -> dict[str, np.ndarray]:
        """``{layer: [units]}``: the largest output of each unit (channel) after a ReLU, over all probe samples."""
        inputs, _ = self._samples.batch(slice(None))
        return {name: value.numpy() for name, value in self._probe.peaks(tf.constant(inputs)).items()}

    @cached_property
    def values(self) -> dict[str, np.ndarray]:
        """``{layer: [samples, ...]}``: the outputs of every layer that computes, of a few probe samples."""
        inputs, _ = self._samples.batch(slice(_SHOWN_SAMPLES))
        return {name: value.numpy() for name, value in self._probe.values(tf.constant(inputs)).items()}


class LayerProbe:
    """The model, cut open at its layers. Not traced: that would cost as much as seven looks.

    Args:
        model: A functional model; of any other there is nothing to cut.
    """

    def __init__(self, model: keras.Model) -> None:
        layers = model.layers if is_functional(model) else []
        computing = {layer.name: layer.output for layer in layers if layer.trainable_weights or _is_activation(layer)}
        relus = {layer.name: layer.output for layer in layers if _is_relu(layer)}
        self._computing = keras.Model(model.inputs, computing) if computing else None
        self._relus = keras.Model(model.inputs, relus) if relus else None

    def values(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the output of every layer that computes, in float32."""
        return _outputs(self._computing, inputs)

    def peaks(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the largest output of each unit (channel) after a ReLU ``[units]``."""
        found = _outputs(self._relus, inputs)
        return {name: tf.reduce_max(value, axis=list(range(len(value.shape) - 1))) for name, value in found.items()}


def _outputs(model: keras.Model | None, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
    found = {} if model is None else model(inputs, training=False)
    return {name: tf.cast(value, tf.float32) for name, value in found.items()}


def is_functional(model: keras.Model) -> bool:
    """Return whether a model's layers form a known graph; those of a subclassed model do not."""
    return bool(getattr(model, "inputs", None)) and bool(getattr(model, "outputs", None))


def _is_activation(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, (keras.layers.Activation, *_RELU_LAYERS))


def _is_relu(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, keras.layers.ReLU) or getattr(layer, "activation", None) is keras.activations.relu
