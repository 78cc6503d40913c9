"""The state to continue from is whole, checked, and enough."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from tbcli.training.checkpoint import save_state

pytestmark = pytest.mark.tf


def trained_model() -> keras.Model:
    layers = [keras.layers.Dense(4, activation="relu"), keras.layers.Dropout(0.5, seed=1), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile("adam", "mse")
    model.train_on_batch(np.ones((2, 3)), np.ones((2, 2)))
    return model


def test_the_state_holds_weights_optimizer_and_dropout_seed(tmp_path: Path) -> None:
    model = trained_model()
    save_state(tmp_path / "checkpoints", model, epoch=2, step=25, steps_per_epoch=11)
    with np.load(tmp_path / "checkpoints" / "state.npz") as state:
        paths = state["paths"].tolist()
        variables = [*model.variables, *model.optimizer.variables]
        assert paths == [variable.path for variable in variables]
        for number, variable in enumerate(variables):
            assert np.array_equal(state[f"{number:05}"], np.asarray(variable.value))
    assert sum("seed_generator" in path for path in paths) == 1
    assert sum("momentum" in path or "velocity" in path for path in paths) == 8


def test_the_position_names_step_and_checksum(tmp_path: Path) -> None:
    save_state(tmp_path, trained_model(), epoch=2, step=25, steps_per_epoch=11)
    position = json.loads((tmp_path / "position.json").read_text())
    checksum = hashlib.sha256((tmp_path / "state.npz").read_bytes()).hexdigest()
    assert position == {"epoch": 2, "step": 25, "step_in_epoch": 3, "sha256": checksum}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["position.json", "state.npz"]
