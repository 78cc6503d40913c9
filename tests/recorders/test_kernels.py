"""The kernels that are shown are those of the first convolution, wherever it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.recorders.memory import MemoryWriter
from tests.recorders.pictures import drawn, moment

pytestmark = pytest.mark.tf


def plain() -> Any:
    from keras import Input, Sequential, layers

    return Sequential(
        [Input((8, 6, 1)), layers.Conv2D(4, 3, name="First"), layers.Conv2D(5, 3), layers.Flatten(), layers.Dense(3)]
    )


def nested() -> Any:
    from keras import Input, Model, Sequential, layers

    inner = Sequential([Input((8, 6, 1)), layers.Conv2D(4, 3, name="First"), layers.Conv2D(2, 3)], name="base")
    inputs = Input((8, 6, 1))
    return Model(inputs, layers.Dense(3)(layers.Flatten()(inner(layers.Rescaling(2.0)(inputs)))))


def inside_a_layer() -> Any:
    from keras import Input, Model, layers

    class Block(layers.Layer):
        def __init__(self) -> None:
            super().__init__(name="block")
            self.parts = [layers.Conv2D(4, 3, name="First"), layers.Conv2D(2, 3)]

        def call(self, inputs: Any) -> Any:
            for part in self.parts:
                inputs = part(inputs)
            return inputs

    inputs = Input((8, 6, 1))
    return Model(inputs, layers.Dense(3)(layers.Flatten()(Block()(inputs))))


def subclassed() -> Any:
    from keras import Model, layers

    class Subclassed(Model):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.flat, self.head = layers.Conv2D(4, 3, name="First"), layers.Flatten(), layers.Dense(3)

        def call(self, inputs: Any) -> Any:
            return self.head(self.flat(self.first(inputs)))

    model = Subclassed()
    model(np.zeros((1, 8, 6, 1), np.float32))
    return model


MODELS = {plain: "First", nested: "base/First", inside_a_layer: "block/First", subclassed: "First"}


@pytest.mark.parametrize("build", MODELS)
def test_the_first_convolution_is_found_and_drawn(build: Callable[[], Any]) -> None:
    from tbcli.recorders.kernels import KernelsRecorder, first_convolution, kernels_of

    now, writer = moment(model=build(), epoch=0), MemoryWriter()
    assert KernelsRecorder().unsuitable(now) is None
    assert first_convolution(now.model).name == "First"
    assert np.array_equal(kernels_of(first_convolution(now.model)), first_convolution(now.model).get_weights()[0])
    KernelsRecorder().on_begin(now, writer)
    tag = f"kernels/{MODELS[build]}"
    assert list(writer.written) == [("train", tag)]
    assert drawn(writer, "train", tag).shape[1] == 350


def test_the_kernels_of_each_epoch_are_drawn() -> None:
    from tbcli.recorders.kernels import KernelsRecorder

    model, writer, recorder = plain(), MemoryWriter(), KernelsRecorder()
    recorder.on_begin(moment(model=model, epoch=0), writer)
    model.layers[0].set_weights([weights + 1 for weights in model.layers[0].get_weights()])
    recorder.on_epoch(moment(model=model, epoch=1), writer)
    (first, (before, _)), (second, (after, _)) = writer.written["train", "kernels/First"]
    assert (first, second) == (0, 1)
    assert before != after


def test_a_depthwise_convolution_has_a_kernel_for_each_output_channel() -> None:
    from keras import Input, Sequential, layers

    from tbcli.recorders.kernels import first_convolution, kernels_of

    layer = layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False)
    model = Sequential([Input((3, 3, 2)), layer])
    kernels = kernels_of(first_convolution(model))
    assert kernels.shape == (3, 3, 1, 4)
    inputs = np.random.default_rng(1).normal(size=(1, 3, 3, 2)).astype(np.float32)
    channels = np.repeat(inputs[0], 2, axis=-1)  # each input channel goes into two output channels
    expected = (channels * kernels[:, :, 0]).sum(axis=(0, 1))
    assert np.allclose(model.predict(inputs, verbose=0).ravel(), expected, atol=1e-5)


def test_a_model_without_convolution_over_images_says_so() -> None:
    from keras import Input, Sequential, layers

    from tbcli.recorders.kernels import KernelsRecorder

    for layer in (layers.Flatten(), layers.Conv1D(2, 2)):
        now, writer = moment(model=Sequential([Input((6, 1)), layer])), MemoryWriter()
        assert KernelsRecorder().unsuitable(now) == "the model has no convolution over images"
        KernelsRecorder().on_epoch(now, writer)
        assert writer.written == {}
