"""The loop takes the steps that Keras' `fit` takes, to the bit, and calls the moments between them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tbcli.data.dataset import Split
from tbcli.training.feed import TrainingFeed
from tbcli.training.steps import StepLoop, run_epochs
from tests.training.keras_fit import Moments, fit

pytestmark = pytest.mark.tf

RANDOM = np.random.default_rng(7)
SAMPLES, BATCH, STEPS = 46, 8, 6  # the last batch has six samples
SPLIT = Split(
    RANDOM.integers(0, 256, (SAMPLES, 5)).astype(np.uint8),
    RANDOM.integers(0, 3, SAMPLES).astype(np.int64),
    RANDOM.permutation(SAMPLES).astype(np.int64),
)


def build(steps_per_execution: int, **compiled: Any) -> keras.Model:
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Dense(6, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    settings = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], **compiled}
    model.compile(**settings, steps_per_execution=steps_per_execution, jit_compile=False)
    return model


def trained(way: Any, model: keras.Model, count: int = 3, **feeding: Any) -> Moments:
    moments = Moments(TrainingFeed(SPLIT, BATCH, feeding.get("steps_per_epoch", 0), seed=1))
    way(model, moments.feed, moments, count)
    return moments


def state_of(model: keras.Model) -> list[tuple[str, bytes]]:
    variables = [*model.variables, *model.optimizer.variables]
    return [(variable.path.partition("/")[2], variable.numpy().tobytes()) for variable in variables]


def averaging() -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(use_ema=True, ema_momentum=0.5)


@pytest.mark.parametrize(
    ("optimizer", "steps_per_execution"),
    [
        (averaging, 4),
        (lambda: "sgd", 1),
        pytest.param(averaging, 1, marks=pytest.mark.slow),
        pytest.param(lambda: "sgd", 4, marks=pytest.mark.slow),
    ],
)
def test_the_steps_are_those_of_fit_to_the_bit(optimizer: Any, steps_per_execution: int) -> None:
    ours, theirs = (build(steps_per_execution, optimizer=optimizer()) for _ in range(2))
    mine, expected = trained(run_epochs, ours), trained(fit, theirs)
    assert [value for _, value in state_of(ours)] == [value for _, value in state_of(theirs)]
    assert (mine.begun, mine.steps, mine.logs, mine.epochs) == (1, expected.steps, expected.logs, expected.epochs)
    assert mine.steps[-1] == 3 * STEPS


@pytest.mark.slow
def test_metrics_beyond_the_mean_and_their_order_are_those_of_fit() -> None:
    def several() -> list[Any]:
        return [
            "sparse_top_k_categorical_accuracy",
            keras.metrics.SparseCategoricalCrossentropy(name="aaa"),
            "accuracy",
        ]

    ours, theirs = build(4, metrics=several()), build(4, metrics=several())
    mine, expected = trained(run_epochs, ours), trained(fit, theirs)
    assert [list(logs.items()) for logs in mine.epochs] == [list(logs.items()) for logs in expected.epochs]
    assert [list(logs.items()) for logs in mine.logs] == [list(logs.items()) for logs in expected.logs]


class Own(keras.Model):
    """A model with a training step of its own, that logs what no metric measures."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(3, activation="softmax")

    def call(self, inputs: Any) -> Any:
        return self.dense(keras.ops.cast(inputs, "float32") / 255)

    def train_step(self, data: Any) -> dict[str, Any]:
        inputs, labels = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, self(inputs, training=True)))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"mine": 2 * loss}


@pytest.mark.parametrize("steps_per_execution", [1, 4])
def test_a_training_step_of_the_models_own_is_taken(steps_per_execution: int) -> None:
    models = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        model = Own()
        model.compile("sgd", "sparse_categorical_crossentropy", steps_per_execution=steps_per_execution)
        models.append(model)
    mine, expected = trained(run_epochs, models[0]), trained(fit, models[1])
    assert (mine.logs, mine.epochs) == (expected.logs, expected.epochs)
    assert list(mine.epochs[0]) == ["mine"]
    assert [value for _, value in state_of(models[0])] == [value for _, value in state_of(models[1])]


def test_neither_a_short_execution_nor_an_uneven_batch_is_a_second_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    model, traces = build(4), []
    step = model.train_step

    def traced(data: Any) -> Any:
        traces.append(data)
        return step(data)

    monkeypatch.setattr(model, "train_step", traced)
    moments = trained(run_epochs, model)
    assert moments.steps == [4, 6, 10, 12, 16, 18]
    assert len(traces) == 1


def test_steps_per_epoch_is_exact_and_training_ends_when_it_is_told_to() -> None:
    model = build(4)
    moments = Moments(TrainingFeed(SPLIT, BATCH, 5, seed=1))
    moments.stop_after = 2
    run_epochs(model, moments.feed, moments, 9)  # type: ignore[arg-type] # it has the moments
    assert moments.steps == [4, 5, 9, 10]
    assert int(model.optimizer.iterations) == 10


class Broken:
    """A source that cannot read one of its samples."""

    shape, dtype = SPLIT.inputs.shape, SPLIT.inputs.dtype

    def __getitem__(self, positions: Any) -> np.ndarray:
        if 11 in np.arange(SAMPLES)[positions]:
            raise OSError("sample 11 is gone")
        samples: np.ndarray = SPLIT.inputs[positions]
        return samples


def test_what_the_source_raises_is_what_the_caller_gets() -> None:
    moments = Moments(TrainingFeed(Split(Broken(), SPLIT.labels, SPLIT.positions), 1, 0, seed=1))
    with pytest.raises(OSError, match="sample 11 is gone"):
        run_epochs(build(1), moments.feed, moments, 1)  # type: ignore[arg-type] # it has the moments
    (where,) = np.flatnonzero(SPLIT.positions[moments.feed.order] == 11)
    assert len(moments.steps) == where  # every step before it was taken


def test_the_metrics_begin_anew_in_every_epoch_and_their_first_values_are_not_of_the_build() -> None:
    model = build(16)
    StepLoop(model, SPLIT, BATCH)
    assert {name: float(value) for name, value in model.get_metrics_result().items()} == {"loss": 0.0, "accuracy": 0.0}
    assert int(model.optimizer.iterations) == 0
