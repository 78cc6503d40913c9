"""What is known of a metric by its name: its direction, and which value of a series is the best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

_LOWER_IS_BETTER = (
    "loss",
    "error",
    "mae",
    "mse",
    "rmse",
    "mape",
    "msle",
    "crossentropy",
    "divergence",
    "perplexity",
    "regret",
)
NOT_METRICS = ("epoch", "step", "seconds", "learning_rate", "steps_per_second")


def lower_is_better(metric: str) -> bool:
    """Say whether a smaller value is the better one: losses and errors are, everything else is not."""
    return any(word in metric.lower() for word in _LOWER_IS_BETTER)


def best_position(metric: str, values: Sequence[float]) -> int | None:
    """Return the index of the best finite value (the first of equals), or None where there is none."""
    finite = [index for index, value in enumerate(values) if math.isfinite(value)]
    if not finite:
        return None
    choose = min if lower_is_better(metric) else max
    return choose(finite, key=lambda index: values[index])


def summarize(columns: Mapping[str, Sequence[float]], epochs: Sequence[int]) -> dict[str, dict[str, float | int]]:
    """Return ``{metric: {"best", "best_epoch", "last"}}`` of every column that is a metric."""
    summary: dict[str, dict[str, float | int]] = {}
    for name, values in columns.items():
        if name in NOT_METRICS or not values:
            continue
        position = best_position(name, values)
        if position is None:
            summary[name] = {"best": math.nan, "best_epoch": 0, "last": values[-1]}
        else:
            summary[name] = {"best": values[position], "best_epoch": epochs[position], "last": values[-1]}
    return summary
