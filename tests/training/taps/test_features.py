"""Features are what the head stands on, or the output of a layer of choice, in any kind of model."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tbcli.errors import ConfigError
from tbcli.training.taps.features import FeatureTap

pytestmark = pytest.mark.tf
SAMPLES = np.random.default_rng(0).random((5, 6, 6, 2)).astype(np.float32)


def small() -> Any:
    inputs = keras.Input((6, 6, 2))
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(inputs)
    x = layers.Dense(7, name="hidden")(layers.Flatten(name="flat")(x))
    return keras.Model(inputs, layers.Dense(3, activation="softmax", name="head")(x))


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.head, self.body = layers.Dense(3), layers.Dense(7)  # in the order of no call

    def call(self, inputs: Any) -> Any:
        return self.head(self.body(keras.ops.reshape(inputs, (-1, 72))))


def looked(model: Any, wanted: str = "") -> tuple[np.ndarray | None, np.ndarray]:
    model(SAMPLES)
    features, outputs = tf.function(FeatureTap(model, wanted).look, autograph=False)(tf.constant(SAMPLES))
    return None if features is None else features.numpy(), outputs.numpy()


def test_they_are_the_input_of_the_last_layer_with_weights() -> None:
    model = small()
    features, outputs = looked(model)
    expected = keras.Model(model.inputs[0], model.get_layer("hidden").output)(SAMPLES)
    assert np.allclose(features, expected, atol=1e-6)
    assert np.allclose(outputs, model(SAMPLES), atol=1e-6)


def test_a_head_behind_a_model_inside_the_model_is_found() -> None:
    inner = small()
    outer = keras.Sequential([keras.Input((6, 6, 2)), layers.Rescaling(2.0), inner, layers.Softmax()])
    features, _ = looked(outer)
    assert features is not None
    assert features.shape == (5, 7)


def test_a_subclassed_model_is_heard_in_the_order_of_its_calls() -> None:
    model = Subclassed()
    features, outputs = looked(model)
    assert features is not None
    assert np.allclose(model.head(features), outputs, atol=1e-6)


def test_a_recurrent_layer_does_not_disturb() -> None:
    model = keras.Sequential([keras.Input((36, 2)), layers.LSTM(4), layers.Dense(3)])
    rows = tf.constant(SAMPLES.reshape(5, 36, 2))
    features, _ = tf.function(FeatureTap(model).look, autograph=False)(rows)
    assert features.shape == (5, 4)


@pytest.mark.parametrize(("wanted", "width"), [("conv", 4), ("flat", 64), ("hidden", 7), ("head", 3)])
def test_a_layer_of_choice_gives_its_output_averaged_over_places(wanted: str, width: int) -> None:
    model = small()
    features, _ = looked(model, wanted)
    expected = np.asarray(keras.Model(model.inputs[0], model.get_layer(wanted).output)(SAMPLES))
    assert features is not None
    assert features.shape == (5, width)
    assert np.allclose(features, expected.mean(axis=tuple(range(1, expected.ndim - 1))), atol=1e-6)


def test_a_layer_that_is_not_there_is_an_error_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match="no layer 'hiden'") as caught:
        FeatureTap(small(), "hiden")
    assert "'hidden'" in caught.value.hint


def test_a_model_without_weights_has_none() -> None:
    model = keras.Sequential([keras.Input((6, 6, 2)), layers.GlobalAveragePooling2D()])
    assert not FeatureTap(model).has_features
    assert looked(model)[0] is None
