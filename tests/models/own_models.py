"""Model functions as people write them, right and wrong."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers


def dense(classes: int, input_shape: tuple[int, ...], units: int = 8, dropout: float = 0.25) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Flatten(),
            layers.Dense(units, activation="relu", name="hidden"),
            layers.Dropout(dropout, name="dropout"),
            layers.Dense(classes, activation="softmax", name="head"),
        ]
    )


def ending(activation: Any, outputs: int) -> keras.Model:
    return keras.Sequential([layers.Flatten(), layers.Dense(outputs, activation=activation)])  # not built


def logits(outputs: int) -> keras.Model:
    return ending("linear", outputs)


def sigmoids(outputs: int) -> keras.Model:
    return ending("sigmoid", outputs)


def softmax(outputs: int) -> keras.Model:
    return ending("softmax", outputs)


def one_sigmoid() -> keras.Model:
    return ending("sigmoid", 1)


def too_many_outputs(classes: int) -> keras.Model:
    return ending("softmax", classes + 1)


def other_images(classes: int) -> keras.Model:
    return dense(classes, (9, 9, 3))


class Subclassed(keras.Model):
    def __init__(self, outputs: int, activation: str | None) -> None:
        super().__init__()
        self.flat, self.head = layers.Flatten(), layers.Dense(outputs, activation=activation)

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self.head(self.flat(keras.ops.cast(inputs, "float32") / 255))


def subclassed(outputs: int) -> keras.Model:
    return Subclassed(outputs, "softmax")


def subclassed_logits(outputs: int) -> keras.Model:
    return Subclassed(outputs, None)


class OwnStep(Subclassed):
    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


def own_step(outputs: int) -> keras.Model:
    return OwnStep(outputs, None)


class Broken(keras.Model):
    def call(self, inputs: Any) -> Any:
        raise ValueError("the inside of the model is wrong")


def broken() -> keras.Model:
    return Broken()


def compiled(outputs: int) -> keras.Model:
    model = ending("linear", outputs)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def nothing() -> None:
    return None


def a_layer() -> Any:
    return layers.Dense(3)


def two_inputs(input_shape: tuple[int, ...]) -> keras.Model:
    first, second = keras.Input(input_shape, name="first"), keras.Input(input_shape, name="second")
    return keras.Model([first, second], layers.Dense(3)(layers.Flatten()(first + second)))


def two_outputs(input_shape: tuple[int, ...]) -> keras.Model:
    inputs = keras.Input(input_shape)
    x = layers.Flatten()(inputs)
    return keras.Model(inputs, [layers.Dense(3)(x), layers.Dense(3)(x)])


def pictures(input_shape: tuple[int, ...]) -> keras.Model:
    inputs = keras.Input(input_shape)
    return keras.Model(inputs, layers.Conv2D(3, 3)(inputs))


def raises() -> keras.Model:
    raise RuntimeError("no such backbone")


def asks_for_more(backbone: str) -> keras.Model:
    raise AssertionError(backbone)
