"""Layer outputs for a few samples: for histograms, and to find dead units."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import keras
import numpy as np

from tbcli.data.dataset import Split
from tbcli.recorders.kernels import walk_layers

_SHOWN_SAMPLES = 32  # for distributions; a layer's output can be large
_PEAK_SAMPLES = 200  # to find units that never answer
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
        """``{layer: [units]}``: the largest output of each unit (channel) after a ReLU, over 200 samples."""
        inputs, _ = self._samples.batch(slice(_PEAK_SAMPLES))
        return self._probe.peaks(inputs)

    @cached_property
    def values(self) -> dict[str, np.ndarray]:
        """``{layer: [samples, ...]}``: the outputs of every layer that computes, of a few probe samples."""
        inputs, _ = self._samples.batch(slice(_SHOWN_SAMPLES))
        return self._probe.values(inputs)


class LayerProbe:
    """The model, cut open at its layers. Not traced where that is not needed: it would cost as much as seven looks.

    Args:
        model: A functional model; of any other there is nothing to cut.
    """

    def __init__(self, model: keras.Model) -> None:
        layers = model.layers if is_functional(model) else []
        computing = _cut(model, [layer for layer in layers if layer.trainable_weights or _is_activation(layer)])
        self._computing = _callable(computing)
        self._relus = _callable(_cut(model, [layer for layer in layers if _is_relu(layer)]))

    def values(self, inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Return the output ``[n, ...]`` of every layer that computes, in float32."""
        return {name: _as_array(value) for name, value in self._computing(inputs).items()}

    def peaks(self, inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Return the largest output of each unit (channel) after a ReLU ``[units]``, in float32."""
        found = self._relus(inputs).items()
        return {name: _as_array(keras.ops.max(value, axis=tuple(range(len(value.shape) - 1)))) for name, value in found}


def _cut(model: keras.Model, layers: list[keras.layers.Layer]) -> keras.Model | None:
    """Return a model that gives the outputs of some layers by their names; None where there are none of them."""
    # Named, for Keras counts the models without a name, and the user's next one is not to be called otherwise.
    try:
        outputs = {layer.name: layer.output for layer in layers}
        return keras.Model(model.inputs, outputs, name="cut") if outputs else None
    except (AttributeError, ValueError):  # a layer that is also part of another model, whose output this one is not
        kept = [layer for layer in layers if _is_part(model, layer)]
        return _cut(model, kept) if len(kept) < len(layers) else None


def _is_part(model: keras.Model, layer: keras.layers.Layer) -> bool:
    try:
        keras.Model(model.inputs, layer.output, name="cut")
    except (AttributeError, ValueError):
        return False
    return True


def _callable(model: keras.Model | None) -> Callable[[np.ndarray], dict[str, Any]]:
    """Return what computes the outputs of a model; of none there are none.

    A layer of somebody's own may draw random numbers whenever it is called. TensorFlow draws those of a traced function
    apart from those of the program, which are not to be others because somebody looked.
    """
    if model is None:
        return lambda inputs: {}

    def call(inputs: Any) -> dict[str, Any]:
        outputs: dict[str, Any] = model(inputs, training=False)
        return outputs

    if keras.config.backend() == "tensorflow" and any(map(_is_somebodys_own, walk_layers(model))):
        import tensorflow as tf

        call = tf.function(call, autograph=False, reduce_retracing=True)
    return lambda inputs: call(keras.ops.convert_to_tensor(inputs))


def _is_somebodys_own(layer: Any) -> bool:
    return not type(layer).__module__.startswith("keras.")


def _as_array(value: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(value, "float32")))


def is_functional(model: keras.Model) -> bool:
    """Return whether a model's layers form a known graph; those of a subclassed model do not."""
    return bool(getattr(model, "inputs", None)) and bool(getattr(model, "outputs", None))


def _is_activation(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, (keras.layers.Activation, *_RELU_LAYERS))


def _is_relu(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, keras.layers.ReLU) or getattr(layer, "activation", None) is keras.activations.relu
