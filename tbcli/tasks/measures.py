"""The losses and metrics that settings can name: those of Keras, by any of its spellings; known without Keras."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tbcli.errors import ConfigError, DoesNotFit
from tbcli.naming.matching import did_you_mean, listed
from tbcli.tasks.classification import Classification
from tbcli.tasks.multi_label import MultiLabel
from tbcli.tasks.regression import Regression
from tbcli.tasks.task import Task

NUMBERS, ONE_HOT, POSITIVES, VALUES = "class numbers", "one-hot labels", "labels of 0 and 1", "values"
_FITTING: dict[type[Task], tuple[str, ...]] = {
    Classification: (NUMBERS, ONE_HOT, POSITIVES),
    MultiLabel: (POSITIVES,),
    Regression: (VALUES,),
}


@dataclass(frozen=True, slots=True)
class Measure:
    """A loss or a metric.

    Args:
        name: What the history and the record call it.
        keras: Keras' name of its class; in lower case, of its function.
        compares: What it takes as labels.
        also: Other words for it.
    """

    name: str
    keras: str
    compares: str
    also: tuple[str, ...] = ()

    def suits(self, task: Task) -> bool:
        """Return whether the labels of a task can be what it takes."""
        return self.compares in _FITTING[type(task)]


LOSSES = (
    Measure("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy", NUMBERS),
    Measure("categorical_generalized_cross_entropy", "CategoricalGeneralizedCrossEntropy", NUMBERS),
    Measure("categorical_crossentropy", "CategoricalCrossentropy", ONE_HOT),
    Measure("categorical_focal_crossentropy", "CategoricalFocalCrossentropy", ONE_HOT),
    Measure("categorical_hinge", "CategoricalHinge", ONE_HOT),
    Measure("kl_divergence", "KLDivergence", ONE_HOT, ("kld",)),
    Measure("binary_crossentropy", "BinaryCrossentropy", POSITIVES, ("bce",)),
    Measure("binary_focal_crossentropy", "BinaryFocalCrossentropy", POSITIVES),
    Measure("hinge", "Hinge", POSITIVES),
    Measure("squared_hinge", "SquaredHinge", POSITIVES),
    Measure("mean_squared_error", "MeanSquaredError", VALUES, ("mse",)),
    Measure("mean_absolute_error", "MeanAbsoluteError", VALUES, ("mae",)),
    Measure("mean_absolute_percentage_error", "MeanAbsolutePercentageError", VALUES, ("mape",)),
    Measure("mean_squared_logarithmic_error", "MeanSquaredLogarithmicError", VALUES, ("msle",)),
    Measure("huber", "Huber", VALUES, ("huber_loss",)),
    Measure("log_cosh", "LogCosh", VALUES, ("logcosh",)),
    Measure("poisson", "Poisson", VALUES),
    Measure("cosine_similarity", "CosineSimilarity", VALUES),
)
METRICS = (
    Measure("accuracy", "SparseCategoricalAccuracy", NUMBERS, ("acc", "sparse_categorical_accuracy")),
    Measure("sparse_top_k_categorical_accuracy", "SparseTopKCategoricalAccuracy", NUMBERS),
    Measure("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy", NUMBERS),
    Measure("categorical_accuracy", "CategoricalAccuracy", ONE_HOT),
    Measure("top_k_categorical_accuracy", "TopKCategoricalAccuracy", ONE_HOT),
    Measure("categorical_crossentropy", "CategoricalCrossentropy", ONE_HOT),
    Measure("categorical_focal_crossentropy", "categorical_focal_crossentropy", ONE_HOT),
    Measure("categorical_hinge", "CategoricalHinge", ONE_HOT),
    Measure("kl_divergence", "KLDivergence", ONE_HOT, ("kld",)),
    Measure("binary_accuracy", "BinaryAccuracy", POSITIVES),
    Measure("binary_crossentropy", "BinaryCrossentropy", POSITIVES, ("bce",)),
    Measure("binary_focal_crossentropy", "binary_focal_crossentropy", POSITIVES),
    Measure("precision", "Precision", POSITIVES),
    Measure("recall", "Recall", POSITIVES),
    Measure("auc", "AUC", POSITIVES, ("roc_auc", "auroc")),
    Measure("f1_score", "F1Score", POSITIVES, ("f1",)),
    Measure("true_positives", "TruePositives", POSITIVES),
    Measure("true_negatives", "TrueNegatives", POSITIVES),
    Measure("false_positives", "FalsePositives", POSITIVES),
    Measure("false_negatives", "FalseNegatives", POSITIVES),
    Measure("hinge", "Hinge", POSITIVES),
    Measure("squared_hinge", "SquaredHinge", POSITIVES),
    Measure("mae", "MeanAbsoluteError", VALUES, ("mean_absolute_error",)),
    Measure("mse", "MeanSquaredError", VALUES, ("mean_squared_error",)),
    Measure("rmse", "RootMeanSquaredError", VALUES, ("root_mean_squared_error",)),
    Measure("r2", "R2Score", VALUES, ("r2_score",)),
    Measure("mape", "MeanAbsolutePercentageError", VALUES, ("mean_absolute_percentage_error",)),
    Measure("msle", "MeanSquaredLogarithmicError", VALUES, ("mean_squared_logarithmic_error",)),
    Measure("huber", "huber", VALUES),
    Measure("log_cosh", "LogCoshError", VALUES, ("logcosh",)),
    Measure("poisson", "Poisson", VALUES),
    Measure("cosine_similarity", "CosineSimilarity", VALUES),
    Measure("pearson_correlation", "PearsonCorrelation", VALUES),
    Measure("concordance_correlation", "ConcordanceCorrelation", VALUES),
)
WITH_ARGUMENTS = (
    Measure("sensitivity_at_specificity", "SensitivityAtSpecificity", POSITIVES),
    Measure("specificity_at_sensitivity", "SpecificityAtSensitivity", POSITIVES),
    Measure("precision_at_recall", "PrecisionAtRecall", POSITIVES),
    Measure("recall_at_precision", "RecallAtPrecision", POSITIVES),
    Measure("fbeta_score", "FBetaScore", POSITIVES),
)
"""Metrics that only a function or a class of the user's can make."""
LOSS_NAMES = tuple(word for each in LOSSES for word in (each.name, *each.also, each.keras))
METRIC_NAMES = tuple(word for each in METRICS for word in (each.name, *each.also, each.keras))
"""What can be said for them, for completion: a file of such a name is not meant."""
_BY_TASK = ("crossentropy", "ce", "cross_entropy")
"""Words for which Keras chooses by the labels; here the task does."""


def find_loss(text: str, task: Task, outputs: int) -> Measure:
    """Return the loss of a name.

    Args:
        text: Any of its spellings; empty for that of the task.
        task: What is learnt.
        outputs: How many a model has; decides what a cross-entropy is.

    Raises:
        ConfigError: There is no such loss.
        DoesNotFit: It does not suit the task.
    """
    usual = task.loss(outputs)
    is_usual = not text or (_plain(text) in map(_plain, _BY_TASK) and usual.endswith("crossentropy"))
    found = known_loss(usual if is_usual else text)
    if not found.suits(task):
        raise DoesNotFit(
            f"the loss {found.name!r} compares {found.compares}, which {task.name} has not",
            hint=f"for {task.name}: {listed([each.name for each in LOSSES if each.suits(task)])}; see also `--task`",
        )
    if task.has_classes and found.compares == POSITIVES and outputs > 2:
        raise DoesNotFit(
            f"the loss {found.name!r} is for two classes or several labels, not for {outputs} classes",
            hint=f"`--loss {usual}`, or `--task multi-label`",
        )
    return found


def find_metric(text: str, task: Task) -> Measure:
    """Return the metric of a name.

    Raises:
        ConfigError: There is no such metric.
        DoesNotFit: It does not suit the task.
    """
    found = known_metric(text)
    if found.name == "accuracy" and not task.has_classes and task.judge.endswith("accuracy"):
        found = known_metric(task.judge)
    if not found.suits(task):
        raise DoesNotFit(
            f"the metric {found.name!r} compares {found.compares}, which {task.name} has not",
            hint=f"for {task.name}: {listed([each.name for each in METRICS if each.suits(task)])}; see also `--task`",
        )
    return found


def known_loss(text: str) -> Measure:
    """Return the loss of a name, whatever the task.

    Raises:
        ConfigError: There is none.
    """
    if _plain(text) in map(_plain, _BY_TASK):
        return LOSSES[0]
    return _known(text, LOSSES, "loss")


def known_metric(text: str) -> Measure:
    """Return the metric of a name, whatever the task.

    Raises:
        ConfigError: There is none, or it needs arguments.
    """
    needy = next((each for each in WITH_ARGUMENTS if _plain(text) in (_plain(each.keras), _plain(each.name))), None)
    if needy:
        raise ConfigError(
            f"the metric {text!r} needs arguments",
            hint=f"`--metrics FILE.py:{needy.name}` with `def {needy.name}(): return keras.metrics.{needy.keras}(...)`",
        )
    return _known(text, METRICS, "metric")


def _known(text: str, measures: Iterable[Measure], what: str) -> Measure:
    by_word = {_plain(word): each for each in measures for word in (*each.also, each.keras, each.name)}
    found = by_word.get(_plain(text))
    if found is None:
        words = [word for each in measures for word in (each.name, *each.also)]
        raise ConfigError(f"unknown {what} {text!r}", hint=f"{did_you_mean(text, words)} Or FILE.py:FUNCTION")
    return found


def _plain(text: str) -> str:
    """Return what spellings of a name have in common: ``MeanSquaredError`` and ``mean_squared_error``."""
    return re.sub(r"[^a-z0-9]", "", text.lower())
