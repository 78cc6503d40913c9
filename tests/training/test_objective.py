"""Losses and metrics on our labels and any model's outputs give what scikit-learn, or Keras on its own labels, does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from sklearn import metrics as sklearn

from tbcli.config import DataConfig, RecordConfig, TrainConfig
from tbcli.data.dataset import Dataset, cut_splits
from tbcli.errors import DoesNotFit
from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION, Task
from tbcli.tasks.measures import LOSSES, METRICS
from tbcli.training.evaluation import Evaluator
from tbcli.training.objective import choose_objective, try_objective
from tbcli.training.optimizing import StepPlan, compile_model

pytestmark = [pytest.mark.tf, pytest.mark.slow]
SAMPLES = 240
RANDOM = np.random.default_rng(3)
ROWS = RANDOM.normal(size=(SAMPLES, 4)).astype(np.float32)
SCORES = ROWS @ RANDOM.normal(size=(4, 3)).astype(np.float32)
LABELS: dict[str, tuple[Task, np.ndarray, int]] = {
    "two": (CLASSIFICATION, (SCORES[:, 0] > 0).astype(np.int64), 2),
    "three": (CLASSIFICATION, SCORES.argmax(axis=1).astype(np.int64), 3),
    "labels": (MULTI_LABEL, (SCORES > 0.3).astype(np.uint8), 3),
    "values": (REGRESSION, np.abs(SCORES[:, :2]) + 1, 2),
}


def dataset_of(kind: str) -> Dataset:
    task, labels, count = LABELS[kind]
    names = tuple("abc"[:count])
    return cut_splits("made-up", (ROWS, labels), None, names, DataConfig(validation_split=0.0), task=task)


def model_of(units: int, activation: str | None, **compiled: Any) -> Any:
    keras.utils.set_random_seed(5)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, activation=activation, name="last")])
    if compiled:
        model.compile(**compiled)
    return model


def measured(kind: str, model: Any, **settings: Any) -> tuple[dict[str, float], np.ndarray, np.ndarray]:
    """Return the metrics of an evaluation, the labels, and the outputs as the evidence has them."""
    dataset, config = dataset_of(kind), TrainConfig(**settings)
    objective = choose_objective(config, dataset, model, model.output_shape[-1])
    compile_model(model, config, StepPlan(10), 1, objective)
    assert set(try_objective(model, dataset)) == set(objective.names)
    seen = Evaluator(model, dataset, lambda: None, RecordConfig(), from_logits=objective.from_logits)
    evidence = seen.evaluate(dataset.train)
    return dict(evidence.metrics), evidence.labels, evidence.outputs


Say = Callable[[np.ndarray, np.ndarray], float]
OF_THE_SECOND: dict[str, Say] = {
    "precision": lambda labels, outputs: sklearn.precision_score(labels, outputs[:, 1] > 0.5, zero_division=0),
    "recall": lambda labels, outputs: sklearn.recall_score(labels, outputs[:, 1] > 0.5),
    "f1_score": lambda labels, outputs: sklearn.f1_score(labels, outputs[:, 1] > 0.5),
    "binary_accuracy": lambda labels, outputs: np.mean(labels == (outputs[:, 1] > 0.5)),
    "auc": lambda labels, outputs: sklearn.roc_auc_score(labels, outputs[:, 1]),
    "accuracy": lambda labels, outputs: np.mean(labels == outputs.argmax(axis=1)),
    "true_positives": lambda labels, outputs: np.sum(labels * (outputs[:, 1] > 0.5)),
}


@pytest.mark.parametrize(
    ("units", "activation", "compiled"),
    [
        (2, "softmax", {}),
        (1, "sigmoid", {}),
        (1, None, {"loss": keras.losses.BinaryCrossentropy(from_logits=True)}),
        (2, None, {"loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True)}),
    ],
)
def test_of_two_classes_the_second_is_the_positive_one_whatever_the_outputs(
    units: int, activation: str | None, compiled: dict[str, Any]
) -> None:
    metrics, labels, outputs = measured("two", model_of(units, activation, **compiled), metrics=tuple(OF_THE_SECOND))
    assert outputs.shape == (SAMPLES, 2)
    assert outputs.sum(axis=1) == pytest.approx(1, abs=1e-5)
    for name, say in OF_THE_SECOND.items():
        assert metrics[name] == pytest.approx(say(labels, outputs), abs=5e-3 if name == "auc" else 1e-5), name
    assert metrics["loss"] == pytest.approx(sklearn.log_loss(labels, outputs[:, 1]), abs=1e-4)


def test_of_many_classes_metrics_are_of_one_hot_labels() -> None:
    named = ("f1_score", "auc", "precision", "recall", "categorical_accuracy", "top_k_categorical_accuracy")
    metrics, labels, outputs = measured("three", model_of(3, "softmax"), metrics=named)
    hot = np.eye(3)[labels]
    assert metrics["f1_score"] == pytest.approx(sklearn.f1_score(labels, outputs.argmax(1), average="macro"), abs=1e-5)
    assert metrics["auc"] == pytest.approx(sklearn.roc_auc_score(hot.ravel(), outputs.ravel()), abs=5e-3)
    assert metrics["recall"] == pytest.approx(np.sum(hot * (outputs > 0.5)) / SAMPLES, abs=1e-5)
    assert metrics["categorical_accuracy"] == pytest.approx(metrics["accuracy"], abs=1e-6)
    assert metrics["top_k_categorical_accuracy"] == 1


def test_of_labels_f1_is_the_mean_and_the_others_are_of_all_together() -> None:
    named = ("f1_score", "precision", "recall", "auc", "acc")
    for model in (
        model_of(3, "sigmoid"),
        model_of(3, None, loss=keras.losses.BinaryCrossentropy(from_logits=True)),
    ):
        metrics, labels, outputs = measured("labels", model, metrics=named)
        taken = outputs > 0.5
        assert metrics["f1_score"] == pytest.approx(sklearn.f1_score(labels, taken, average="macro"), abs=1e-5)
        assert metrics["precision"] == pytest.approx(sklearn.precision_score(labels, taken, average="micro"), abs=1e-5)
        assert metrics["binary_accuracy"] == pytest.approx(np.mean(labels == taken), abs=1e-5)
        assert metrics["auc"] == pytest.approx(sklearn.roc_auc_score(labels.ravel(), outputs.ravel()), abs=5e-3)


def test_of_values_they_are_scikit_learns() -> None:
    metrics, labels, outputs = measured("values", model_of(2, None), metrics=("mse", "mape"), loss="mae")
    assert metrics["loss"] == metrics["mae"] == pytest.approx(sklearn.mean_absolute_error(labels, outputs), abs=1e-5)
    assert metrics["mse"] == pytest.approx(sklearn.mean_squared_error(labels, outputs), abs=1e-4)
    assert metrics["rmse"] == pytest.approx(metrics["mse"] ** 0.5, abs=1e-4)
    assert metrics["r2"] == pytest.approx(sklearn.r2_score(labels, outputs), abs=1e-4)
    assert metrics["mape"] == pytest.approx(100 * np.mean(np.abs(labels - outputs) / labels), abs=1e-2)


HEADS = {"two": (2, "softmax"), "three": (3, "softmax"), "labels": (3, "sigmoid"), "values": (2, "softplus")}


@pytest.mark.parametrize("kind", HEADS)
def test_every_loss_and_metric_that_suits_a_task_gives_a_number(kind: str) -> None:
    task, _, classes = LABELS[kind]
    named = tuple(each.name for each in METRICS if each.suits(task))
    metrics, _, _ = measured(kind, model_of(*HEADS[kind]), metrics=named)
    assert {name: value for name, value in metrics.items() if not np.isfinite(value)} == {}
    for loss in LOSSES:
        if loss.suits(task) and not (loss.name.startswith(("binary", "hinge", "squared_hinge")) and classes > 2):
            found, _, _ = measured(kind, model_of(*HEADS[kind]), loss=loss.name)
            assert np.isfinite(found["loss"]), loss.name


def test_a_loss_on_one_hot_labels_is_the_one_on_class_numbers() -> None:
    sparse, _, _ = measured("three", model_of(3, "softmax"))
    one_hot, _, _ = measured("three", model_of(3, "softmax"), loss="categorical_crossentropy")
    compiled, _, _ = measured("three", model_of(3, "softmax", loss="categorical_crossentropy", metrics=["accuracy"]))
    assert one_hot["loss"] == compiled["loss"] == pytest.approx(sparse["loss"], abs=1e-5)
    assert compiled["accuracy"] == sparse["accuracy"]


def test_a_compiled_model_keeps_its_loss_optimizer_and_metrics() -> None:
    optimizer = keras.optimizers.SGD(0.25, momentum=0.5)
    own = [keras.metrics.MeanAbsoluteError(), keras.metrics.CosineSimilarity(name="angle")]
    model = model_of(2, None, loss=keras.losses.Huber(0.5), optimizer=optimizer, metrics=own)
    metrics, labels, outputs = measured("values", model)
    assert model.optimizer is optimizer
    assert set(metrics) == {"loss", "mae", "rmse", "r2", "angle"}
    expected = float(np.mean(keras.losses.Huber(0.5)(labels, outputs)))
    assert metrics["loss"] == pytest.approx(expected, abs=1e-4)
    again = model_of(2, None, loss="mse", optimizer=optimizer)
    measured("values", again, loss="mae", learning_rate=0.125, replaces=("learning_rate",))
    assert (type(again.optimizer).__name__, float(again.optimizer.learning_rate)) == ("SGD", 0.125)
    assert again.optimizer.momentum == 0.5
    measured("values", again, optimizer="adamw", replaces=("optimizer",))
    assert type(again.optimizer).__name__ == "AdamW"


@pytest.mark.parametrize(
    ("kind", "units", "activation", "loss", "said"),
    [
        ("three", 3, None, "sparse_categorical_crossentropy", "'linear'"),
        ("values", 2, "sigmoid", "sparse_categorical_crossentropy", "compiled for classification .*is regression"),
        ("two", 1, None, "mse", "compiled for regression .*is classification"),
        ("values", 2, "sigmoid", "binary_crossentropy", "compiled for multi-label .*is regression"),
        ("labels", 3, "softmax", "categorical_crossentropy", "compiled for classification .*is multi-label"),
    ],
)
def test_a_compiled_model_of_another_task_does_not_fit(
    kind: str, units: int, activation: str | None, loss: str, said: str
) -> None:
    with pytest.raises(DoesNotFit, match=said):
        measured(kind, model_of(units, activation, loss=loss))


def test_a_compiled_model_of_classes_may_compare_values_with_one_hot_labels() -> None:
    own = ["mse", keras.metrics.MeanAbsoluteError(name="off"), keras.metrics.categorical_accuracy]
    metrics, labels, outputs = measured("three", model_of(3, "softmax", loss="mse", metrics=own))
    assert metrics["loss"] == metrics["mse"] == pytest.approx(np.mean((np.eye(3)[labels] - outputs) ** 2), abs=1e-5)
    assert metrics["off"] == pytest.approx(np.mean(np.abs(np.eye(3)[labels] - outputs)), abs=1e-5)
    assert metrics["categorical_accuracy"] == metrics["accuracy"]


def test_a_loss_of_the_users_takes_the_task_from_the_data() -> None:
    def own(y_true: Any, y_pred: Any) -> Any:
        return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)

    metrics, labels, outputs = measured("values", model_of(2, None, loss=own, metrics=[own]))
    assert metrics["loss"] == metrics["own"] == pytest.approx(np.mean(np.abs(labels - outputs)), abs=1e-5)
