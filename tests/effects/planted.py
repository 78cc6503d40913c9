"""Runs whose settings do what was planted, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

Row = dict[str, Any]
Runs = tuple[list[Row], list[float]]


def drawn(seed: int, count: int, effect: Callable[[Row], float], noise: float = 0.3) -> Runs:
    """Return runs with settings drawn at random: on a linear and a logarithmic scale, whole, named and conditional."""
    random = np.random.default_rng(seed)
    rows: list[Row] = []
    for position in range(count):
        row: Row = {
            "train.learning_rate": float(10 ** random.uniform(-4, -1)),
            "train.batch_size": int(2 ** random.integers(5, 9)),
            "train.optimizer": str(random.choice(["adam", "sgd", "rmsprop"])),
            "model.dropout": float(random.uniform(0, 0.5)),
            "model.depth": int(random.integers(1, 5)),
            "data.augment": bool(random.integers(2)),
            "train.seed": position,
            "train.epochs": 5,
        }
        if row["train.optimizer"] == "sgd":
            row["train.momentum"] = float(random.uniform(0, 0.99))
        rows.append(row)
    return rows, [effect(row) + noise * float(random.normal()) for row in rows]


def grid(
    seed: int,
    axes: Mapping[str, Sequence[Any]],
    effect: Callable[[Row], float],
    *,
    seeds: int = 1,
    noise: float = 0.3,
) -> Runs:
    """Return runs of every combination, each with several seeds."""
    random = np.random.default_rng(seed)
    rows = [
        {**dict(zip(axes, values, strict=True)), "train.seed": one}
        for values in product(*axes.values())
        for one in range(seeds)
    ]
    return rows, [effect(row) + noise * float(random.normal()) for row in rows]


def hill(row: Row) -> float:
    """Return what is best at a learning rate of 10**-2.5, and worse on either side: 2.25 at the ends."""
    return -((math.log10(row["train.learning_rate"]) + 2.5) ** 2)
