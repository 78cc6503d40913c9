"""Patience keeps the weights of the best epoch and stops when none better comes."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest

from tbcli.training.best import BestEpoch

pytestmark = pytest.mark.tf


def watched(metric: str, values: list[float], patience: int) -> tuple[list[bool], BestEpoch, keras.Model]:
    """Show epoch after epoch to the watcher; in each, all weights have the value of its number."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    best = BestEpoch(metric, patience)
    answers = []
    for epoch, value in enumerate(values, start=1):
        model.set_weights([np.full((1, 1), epoch), np.full(1, epoch)])
        answers.append(best.update(model, epoch, {metric: value}))
    return answers, best, model


@pytest.mark.parametrize(
    ("metric", "values", "patience", "answers", "epoch"),
    [
        ("val_loss", [3.0, 1.0, 2.0, 2.0], 2, [False, False, False, True], 2),
        ("val_accuracy", [0.3, 0.9, 0.8, 0.7], 2, [False, False, False, True], 2),
        ("val_loss", [3.0, 2.0, 1.0], 1, [False, False, False], 3),
        ("val_loss", [1.0, 1.0], 1, [False, True], 1),
        ("val_loss", [math.nan, 2.0, math.nan], 1, [True, False, True], 2),
        ("val_loss", [math.nan, math.nan], 2, [False, True], 0),
    ],
)
def test_the_best_epoch_is_kept(
    metric: str, values: list[float], patience: int, answers: list[bool], epoch: int
) -> None:
    found, best, model = watched(metric, values, patience)
    assert found == answers
    assert best.give_back(model) == epoch
    kept = epoch or len(values)  # where none was worth keeping, the weights stay as they are
    assert [weights.flatten().tolist() for weights in model.get_weights()] == [[kept], [kept]]
