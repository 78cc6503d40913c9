"""What is learnt is told by the loss and the last activation of a compiled model."""

from __future__ import annotations

from typing import Any

import keras
import pytest

from tbcli.training.fits.compiled import last_activation, read_compiled

pytestmark = pytest.mark.tf
L = keras.layers


def build(units: int, activation: str | None, *behind: Any, loss: Any, metrics: Any = None) -> keras.Model:
    model = keras.Sequential([keras.Input((6,)), L.Dense(4, "relu"), L.Dense(units, activation), *behind])
    model.compile("adam", loss, metrics=metrics)
    return model


def focal(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.mean(y_pred - y_true, axis=-1)


class OwnError(keras.losses.MeanSquaredError):
    """What it computes nobody knows."""


TOLD = {
    "class numbers": (3, "softmax", "sparse_categorical_crossentropy", "classification"),
    "one-hot": (3, "softmax", keras.losses.CategoricalCrossentropy(label_smoothing=0.1), "classification"),
    "chosen by Keras": (3, "softmax", "crossentropy", "classification"),
    "logits": (3, None, keras.losses.SparseCategoricalCrossentropy(from_logits=True), "classification"),
    "two classes, one output": (1, "sigmoid", "binary_crossentropy", "classification"),
    "one logit": (1, None, keras.losses.BinaryCrossentropy(from_logits=True), "classification"),
    "labels": (3, "sigmoid", keras.losses.binary_crossentropy, "multi-label"),
    "labels by focal loss": (3, "sigmoid", keras.losses.BinaryFocalCrossentropy(), "multi-label"),
    "one value": (1, None, "mse", "regression"),
    "several values": (3, "linear", keras.losses.Huber(), "regression"),
    "counts": (1, "softplus", "poisson", "regression"),
    "own loss, softmax": (3, "softmax", focal, "classification"),
    "own loss, linear": (1, None, focal, None),
    "own loss by the name of Keras' own": (1, None, OwnError(name="mean_squared_error"), None),
    "values of a softmax": (3, "softmax", "mse", "classification"),
    "probabilities of no softmax": (3, None, "sparse_categorical_crossentropy", None),
    "scores": (3, None, "categorical_hinge", None),
    "a picture": (784, "sigmoid", "mse", None),
}


@pytest.mark.parametrize("case", TOLD)
def test_the_task_is_told_by_loss_and_last_activation(case: str) -> None:
    units, activation, loss, task = TOLD[case]
    compiled = read_compiled(build(units, activation, loss=loss))
    assert (compiled.task and compiled.task.name) == task
    assert bool(compiled.reason) == (task is None or case in ("own loss, softmax", "values of a softmax"))
    assert compiled.from_logits == ("logit" in case)


def test_a_loss_of_values_that_is_judged_by_an_accuracy_tells_nothing() -> None:
    compiled = read_compiled(build(1, "sigmoid", loss="mse", metrics=["accuracy"]))
    assert compiled.task is None
    assert "an accuracy is measured" in compiled.reason
    assert (compiled.losses, compiled.metrics) == (("mean_squared_error",), ("accuracy",))


def test_metrics_and_losses_have_the_names_they_were_given() -> None:
    metrics = ["mae", keras.metrics.RootMeanSquaredError(name="rms"), focal]
    compiled = read_compiled(build(1, None, loss=["mae"], metrics=metrics))
    assert compiled.losses == ("mean_absolute_error",)
    assert compiled.metrics == ("mae", "rms", "focal")


def test_the_last_activation_is_found_behind_what_passes_it_on_and_inside_other_models() -> None:
    inner = keras.Sequential([keras.Input((6,)), L.Dense(3), L.Softmax()])
    outer = keras.Sequential([keras.Input((6,)), inner, L.Reshape((3,))])
    assert last_activation(inner) == "softmax"
    assert last_activation(outer) == "softmax"
    inputs = keras.Input((6,))
    assert last_activation(keras.Model(inputs, L.Activation("sigmoid")(L.Dense(2)(inputs)))) == "sigmoid"
    assert last_activation(keras.Model(inputs, inputs + 1)) is None


def test_several_outputs_and_rows_of_outputs_are_no_task() -> None:
    inputs = keras.Input((6,))
    model = keras.Model(inputs, [L.Dense(1)(inputs), L.Dense(3, "softmax")(inputs)])
    model.compile("adam", ["mse", "sparse_categorical_crossentropy"])
    assert read_compiled(model).reason == "the model has 2 outputs"
    sequence = keras.Input((4, 2))
    words = keras.Model(sequence, L.Dense(9, "softmax")(sequence))
    words.compile("adam", "sparse_categorical_crossentropy")
    assert read_compiled(words).reason.startswith("each sample has an output of shape (4, 9)")


class Own(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.head = L.Dense(3, "softmax")

    def call(self, inputs: Any) -> Any:
        return self.head(inputs)


def test_a_subclassed_model_is_told_by_its_loss_and_not_compiled_is_told_nothing() -> None:
    model = Own()
    model.compile("adam", "sparse_categorical_crossentropy")
    assert read_compiled(model).task is not None
    model = Own()
    model.compile("adam")
    assert read_compiled(model).reason == "the model was compiled without a loss"
