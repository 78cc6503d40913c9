"""Names of losses and metrics: those of Keras in any spelling, known without Keras."""

from __future__ import annotations

import pytest

from tbcli.errors import ConfigError, DoesNotFit
from tbcli.naming.direction import direction_of
from tbcli.tasks import CLASSIFICATION, MULTI_LABEL, REGRESSION, TASKS, Task
from tbcli.tasks.measures import LOSSES, METRICS, WITH_ARGUMENTS, find_loss, find_metric, known_metric

WITHOUT_USE = {"Circle", "CTC", "Dice", "Tversky", "Loss", "LossFunctionWrapper"}
"""Keras' losses of embeddings, sequences and masks, and what is none."""
WITHOUT_USE_AS_METRIC = {
    "Accuracy", "Mean", "Sum", "Metric", "MeanMetricWrapper", "MeanIoU", "IoU", "OneHotIoU", "OneHotMeanIoU",
    "BinaryIoU",
}  # fmt: skip


@pytest.mark.parametrize(
    ("spellings", "name"),
    [
        ("mse MSE mean_squared_error MeanSquaredError", "mean_squared_error"),
        ("mae MAE MeanAbsoluteError", "mean_absolute_error"),
        ("huber Huber huber_loss", "huber"),
        ("log_cosh LogCosh", "log_cosh"),
        ("mape MAPE", "mean_absolute_percentage_error"),
    ],
)
def test_a_loss_is_found_by_any_spelling(spellings: str, name: str) -> None:
    assert {find_loss(word, REGRESSION, 1).name for word in spellings.split()} == {name}


@pytest.mark.parametrize(
    ("spellings", "task", "name"),
    [
        ("AUC auc roc_auc", CLASSIFICATION, "auc"),
        ("Precision precision", MULTI_LABEL, "precision"),
        ("F1Score f1_score f1", CLASSIFICATION, "f1_score"),
        ("top_k_categorical_accuracy TopKCategoricalAccuracy", CLASSIFICATION, "top_k_categorical_accuracy"),
        ("accuracy acc sparse_categorical_accuracy", CLASSIFICATION, "accuracy"),
        ("accuracy acc binary_accuracy", MULTI_LABEL, "binary_accuracy"),
        ("mae MeanAbsoluteError mean_absolute_error", REGRESSION, "mae"),
        ("rmse RootMeanSquaredError", REGRESSION, "rmse"),
        ("R2Score r2 r2_score", REGRESSION, "r2"),
    ],
)
def test_a_metric_is_found_by_any_spelling_and_has_one_name(spellings: str, task: Task, name: str) -> None:
    assert {find_metric(word, task).name for word in spellings.split()} == {name}


@pytest.mark.parametrize(
    ("task", "outputs", "name"),
    [
        (CLASSIFICATION, 1, "binary_crossentropy"),
        (CLASSIFICATION, 3, "sparse_categorical_crossentropy"),
        (MULTI_LABEL, 3, "binary_crossentropy"),
        (REGRESSION, 1, "mean_squared_error"),
    ],
)
def test_without_a_word_the_loss_is_that_of_the_task(task: Task, outputs: int, name: str) -> None:
    assert find_loss("", task, outputs).name == name
    if task is not REGRESSION:
        assert find_loss("crossentropy", task, outputs).name == name


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_a_loss_suits_a_task_or_is_refused_with_those_that_do(loss: object) -> None:
    assert hasattr(loss, "suits")
    fitting = [task for task in TASKS.values() if loss.suits(task)]
    assert fitting
    for task in set(TASKS.values()) - set(fitting):
        with pytest.raises(DoesNotFit, match=task.name) as caught:
            find_loss(loss.name, task, 2)  # type: ignore[attr-defined]
        assert task.loss(2) in caught.value.hint


def test_a_loss_of_two_classes_is_not_for_three() -> None:
    assert find_loss("bce", CLASSIFICATION, 2).name == "binary_crossentropy"
    assert find_loss("bce", MULTI_LABEL, 3).name == "binary_crossentropy"
    with pytest.raises(DoesNotFit, match="not for 3 classes"):
        find_loss("bce", CLASSIFICATION, 3)
    with pytest.raises(DoesNotFit, match="regression has not"):
        find_loss("crossentropy", REGRESSION, 1)


@pytest.mark.parametrize("metric", WITH_ARGUMENTS, ids=lambda metric: metric.name)
def test_a_metric_that_needs_arguments_says_how_to_give_them(metric: object) -> None:
    with pytest.raises(ConfigError, match="needs arguments") as caught:
        known_metric(metric.keras)  # type: ignore[attr-defined]
    assert f"keras.metrics.{metric.keras}(" in caught.value.hint  # type: ignore[attr-defined]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_direction_of_every_metric_is_known(metric: object) -> None:
    name = str(metric.name)  # type: ignore[attr-defined]
    assert not direction_of(name, asked=True).is_guessed


@pytest.mark.tf
def test_every_loss_and_metric_of_keras_that_suits_a_task_has_a_name() -> None:
    import inspect

    import keras

    def classes(room: object, kind: type) -> set[str]:
        return {name for name, each in vars(room).items() if inspect.isclass(each) and issubclass(each, kind)}

    losses, metrics = classes(keras.losses, keras.losses.Loss), classes(keras.metrics, keras.metrics.Metric)
    assert losses - WITHOUT_USE == {each.keras for each in LOSSES}
    known = {each.keras for each in (*METRICS, *WITH_ARGUMENTS) if not each.keras.islower()}
    assert metrics - WITHOUT_USE_AS_METRIC == known
