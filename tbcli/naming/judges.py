"""Which metrics are measured of each task; the first is the one that tables and titles lead with. Loads no NumPy."""

from __future__ import annotations

from collections.abc import Collection

MEASURED = {
    "classification": ("accuracy",),
    "multi-label": ("binary_accuracy",),
    "regression": ("mae", "rmse", "r2"),
}
USUAL_TASK = "classification"
"""What runs learnt that were made before there was a choice."""


def judge_of(task: str | None) -> str:
    """Return the metric that a task is judged by, ``""`` where it is not known what was learnt."""
    return MEASURED[task][0] if task in MEASURED else ""


_ACCURACIES = ("accuracy", "acc", "sparse_categorical_accuracy", "categorical_accuracy", "binary_accuracy")


def spelling_of(metric: str, names: Collection[str]) -> str:
    """Return what a run calls the metric of its judge: any of the words for an accuracy; the metric itself if none.

    Args:
        metric: A judge with its prefix, as ``val_accuracy``.
        names: The metrics that the run has.
    """
    prefix, _, judge = metric.partition("_")
    words = (judge, *_ACCURACIES) if judge in _ACCURACIES else (judge,)
    return next((name for word in words if (name := f"{prefix}_{word}") in names), metric)


def is_accuracy(metric: str) -> bool:
    """Say whether a metric, without its split, is the share of right answers."""
    return metric.lower() in _ACCURACIES
