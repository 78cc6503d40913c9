"""What stands for a sample in the projector: read off while the model is called."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import keras
import tensorflow as tf

from tbcli.errors import ConfigError
from tbcli.models.freezing import named_layers
from tbcli.naming.matching import did_you_mean
from tbcli.recorders.attention import replaced
from tbcli.recorders.kernels import walk_layers


class FeatureTap:
    """A model that gives features beside its outputs: the output of a chosen layer, else what its head stands on.

    That is the input of the last layer with weights. The layers are listened to while the forward pass is traced,
    rather than cut out of the graph, so that models inside the model and subclassed models are heard as well.

    Args:
        model: A built model.
        wanted: A layer's name, or its path as ``backbone/conv1``; empty for the input of the last layer with weights.

    Raises:
        ConfigError: The model has no layer of that name.
    """

    def __init__(self, model: keras.Model, wanted: str = "") -> None:
        self._model = model
        self._reads_output = bool(wanted)
        self._layers = [_named(model, wanted)] if wanted else _weighted(model)

    @property
    def has_features(self) -> bool:
        """Whether there is such a layer."""
        return bool(self._layers)

    def look(self, inputs: tf.Tensor) -> tuple[tf.Tensor | None, tf.Tensor]:
        """Return features ``[n, width]`` and outputs ``[n, ...]`` in float32; within a graph that is being traced.

        Features at several places, as of a convolution, are averaged over the places.
        """
        heard: list[tf.Tensor] = []
        with ExitStack() as stack:
            for layer in self._layers:
                stack.enter_context(replaced(layer, "call", self._telling(heard)))
            outputs = self._model(inputs, training=False)
        features = _per_sample(heard[-1]) if heard else None
        return features, tf.cast(outputs, tf.float32)

    def _telling(self, heard: list[tf.Tensor]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        graph = tf.compat.v1.get_default_graph()

        def wrap(call: Callable[..., Any]) -> Callable[..., Any]:
            def told(inputs: Any, *args: Any, **kwargs: Any) -> Any:
                output = call(inputs, *args, **kwargs)
                value = output if self._reads_output else inputs
                # What a loop's own graph computes, as that of a recurrent layer, cannot be read from outside.
                if tf.is_tensor(value) and tf.compat.v1.get_default_graph() is graph:
                    heard.append(value)
                return output

            return told

        return wrap


def _per_sample(value: tf.Tensor) -> tf.Tensor:
    places = list(range(1, len(value.shape) - 1))
    return tf.cast(tf.reduce_mean(value, axis=places) if places else value, tf.float32)


def _weighted(model: keras.Model) -> list[Any]:
    """Return the layers that have weights of their own, rather than layers with weights in them."""
    layers = walk_layers(model)[1:]
    return [layer for layer in layers if layer.weights and not any(inner.weights for inner in walk_layers(layer)[1:])]


def _named(model: keras.Model, wanted: str) -> Any:
    by_name = dict(named_layers(model))
    for layer in walk_layers(model)[1:]:
        by_name.setdefault(layer.name, layer)
    if wanted not in by_name:
        hint = did_you_mean(wanted, by_name)
        raise ConfigError(f"the model has no layer {wanted!r} (record.projector_layer)", hint=hint)
    return by_name[wanted]
