"""Which metrics are measured of each task; the first is the one that tables and titles lead with. Loads no NumPy."""

from __future__ import annotations

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
